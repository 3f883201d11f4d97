"""NumPy float64 references of every kind of the tables, by its name.

`w` holds the weights of a layer by name. A kind of the tables without an entry here fails
`test_every_kind_has_a_reference`. The references of kinds inside a recurrent cell are in
`cell_references`.
"""

import numpy as np
from scipy.special import erf

SELU_FLOOR = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def _standardize(x, axis, epsilon):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + epsilon)


def _scaled(z, w):
    return z * w.get("gamma", 1.0) + w["beta"]


def _over_batch(x, w, training, axis, epsilon):
    mean, variance = (
        (x.mean(axis), x.var(axis)) if training else (w["moving_mean"], w["moving_variance"])
    )
    return _scaled((x - mean) / np.sqrt(variance + epsilon), w)


def batch(x, w, training, momentum, epsilon, scale):
    return _over_batch(x, w, training, tuple(range(x.ndim - 1)), epsilon)


def batch_time_step(x, w, training, momentum, epsilon, scale):
    return _over_batch(x, w, training, 0, epsilon)


def batch_always(x, w, training, epsilon, scale):
    return _scaled(_standardize(x, tuple(range(x.ndim - 1)), epsilon), w)


def batch_renorm(x, w, training, momentum, epsilon, scale, rmax, dmax):
    if not training:
        return batch(x, w, False, momentum, epsilon, scale)
    axis = tuple(range(x.ndim - 1))
    mean, sd = x.mean(axis), np.sqrt(x.var(axis) + epsilon)
    r = np.clip(sd / w["renorm_stddev"], 1 / rmax, rmax)
    d = np.clip((mean - w["renorm_mean"]) / w["renorm_stddev"], -dmax, dmax)
    return _scaled((x - mean) / sd * r + d, w)


def layer(x, w, training, epsilon):
    return _scaled(_standardize(x, -1, epsilon), w)


def group(x, w, training, groups, epsilon):
    apart = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
    axes = (*range(1, x.ndim - 1), x.ndim)
    return _scaled(_standardize(apart, axes, epsilon).reshape(x.shape), w)


def layer_per_head(x, w, training, heads, epsilon, scale):
    parts = np.split(x, heads, axis=-1)
    return _scaled(np.concatenate([_standardize(part, -1, epsilon) for part in parts], axis=-1), w)


def instance(x, w, training, epsilon, scale):
    return _scaled(_standardize(x, 1, epsilon), w)


def rms(x, w, training, epsilon):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon) * w["scale"]


def unit(x, w, training, epsilon):
    return x / np.sqrt((x**2).sum(-1, keepdims=True) + epsilon)


def dyt(x, w, training, alpha):
    return _scaled(np.tanh(w["alpha"] * x), w)


def derf(x, w, training, alpha):
    return _scaled(erf(w["alpha"] * x + w["shift"]), w)


def adapted(x, w, training):
    return (x - w["mean"]) / w["sd"]


def _sd(x, epsilon):
    return np.sqrt(x.var(1, keepdims=True) + epsilon)


def _robust_scale(x, epsilon):
    deviation = np.abs(x - np.median(x, 1, keepdims=True))
    mad, mean = (
        1.4826 * np.median(deviation, 1, keepdims=True),
        1.2533 * deviation.mean(1, keepdims=True),
    )
    return np.sqrt(np.where(mad == 0, mean, mad) ** 2 + epsilon)


def revin(x, w, training, affine, epsilon):
    return (x - x.mean(1, keepdims=True)) / _sd(x, epsilon) * w["gain"] + w["offset"]


def revin_last(x, w, training, affine, epsilon):
    return (x - x[:, -1:]) / _sd(x, epsilon) * w["gain"] + w["offset"]


def last_value(x, w, training):
    return x - x[:, -1:]


def robust(x, w, training, epsilon):
    return (x - np.median(x, 1, keepdims=True)) / _robust_scale(x, epsilon)


NORMALIZATIONS = {
    "none": lambda x, w, training: x,
    "keras": adapted,
    "revin": revin,
    "revin_last": revin_last,
    "last_value": last_value,
    "robust": robust,
    "batch": batch,
    "batch_renorm": batch_renorm,
    "batch_always": batch_always,
    "batch_time_step": batch_time_step,
    "layer": layer,
    "group": group,
    "layer_per_head": layer_per_head,
    "instance": instance,
    "rms": rms,
    "unit": unit,
    "dyt": dyt,
    "derf": derf,
}


def _back(y, w, center, scale, epsilon):
    n = y.shape[-1]
    return (y - w["offset"][:n]) / (w["gain"][:n] + epsilon**2) * scale[..., :n] + center[..., :n]


# (forecast (batch, horizon, target), normalized window, ...) -> forecast on the window's scale
INVERSES = {
    "revin": lambda y, x, w, affine, epsilon: _back(
        y, w, x.mean(1, keepdims=True), _sd(x, epsilon), epsilon
    ),
    "revin_last": lambda y, x, w, affine, epsilon: _back(y, w, x[:, -1:], _sd(x, epsilon), epsilon),
    "last_value": lambda y, x, w: y + x[:, -1:, : y.shape[-1]],
    "robust": lambda y, x, w, epsilon: (
        y * _robust_scale(x, epsilon)[..., : y.shape[-1]]
        + np.median(x, 1, keepdims=True)[..., : y.shape[-1]]
    ),
}


def inverted(x, ones, rate):
    """`ones` is what the layer makes of ones with the same noise."""
    return x * np.where(ones > 0, 1 / (1 - rate), 0.0)


def gaussian(x, ones, rate):
    return x * ones


def alpha(x, ones, rate):
    a = ((1 - rate) * (1 + rate * SELU_FLOOR**2)) ** -0.5
    return a * np.where(ones > 0, x, SELU_FLOOR) - a * SELU_FLOOR * rate


DROPOUTS = {  # kind: (formula, axes of (batch, time, channel) along which the noise is the same)
    "none": (lambda x, ones, rate: x, ()),
    "standard": (inverted, ()),
    "spatial": (inverted, (1,)),
    "locked": (inverted, (1,)),
    "time_step": (inverted, (2,)),
    "gaussian": (gaussian, ()),
    "alpha": (alpha, ()),
    "alpha_feature": (alpha, (1,)),
}


def _norms(kernel):
    return np.sqrt((kernel.reshape(-1, kernel.shape[-1]) ** 2).sum(0))


def singular_vectors(matrix, u, iterations):
    """Left and right, by power iteration."""
    for _ in range(iterations):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
    return v, u


def spectral(kernel, w, iterations):
    matrix = kernel.reshape(-1, kernel.shape[-1])
    v, u = singular_vectors(matrix, w["u"], iterations)
    return kernel / (v @ matrix @ u)


WEIGHTS = {
    "none": lambda kernel, w: kernel,
    "weight_norm": lambda kernel, w: w["length"] * kernel / _norms(kernel),
    "spectral": spectral,
    "max_norm": lambda kernel, w, limit: kernel * np.minimum(1, limit / _norms(kernel)),
    "unit_norm": lambda kernel, w: kernel / _norms(kernel),
}


def convolution(x, kernel, bias, stride, dilation):
    """Compute each output from the samples that it may see; the last ends at the newest sample."""
    batch, time, _ = x.shape
    ends = np.arange(time - 1, -1, -stride)[::-1]
    y = np.zeros((batch, len(ends), kernel.shape[-1])) + bias
    for j, end in enumerate(ends):
        for tap in range(len(kernel)):
            at = end - dilation * (len(kernel) - 1 - tap)
            y[:, j] += x[:, at] @ kernel[tap] if at >= 0 else 0.0
    return y


def pooling(x, reduce, size):
    ends = range(x.shape[1], size - 1, -size)
    return np.stack([reduce(x[:, end - size : end], axis=1) for end in ends][::-1], axis=1)


def squeeze_excite(x, squeeze, excite):
    gate = np.maximum(x.mean(1) @ squeeze, 0) @ excite
    return x / (1 + np.exp(-gate))[:, None]


def direct(state, future, w, horizon, targets):
    """One product of the state and all that is known of the horizon."""
    known = future.reshape(*state.shape[:-1], horizon * future.shape[-1])
    outputs = np.concatenate([state, known], axis=-1) @ w["kernel"] + w["bias"]
    return outputs.reshape(*state.shape[:-1], horizon, targets)


def per_step(state, future, w, horizon, targets):
    """One product for each step, of the state as this step sees it and what is known of it."""
    steps = [
        np.concatenate([state * w["gain"][k] + w["offset"][k], future[..., k, :]], axis=-1)
        for k in range(horizon)
    ]
    return np.stack([step @ w["kernel"] + w["bias"] for step in steps], axis=-2)


def cycle(x, w, phase):
    """`phase` (batch, step) is that of each step, known from its time."""
    return x - w["cycle"][phase][..., : x.shape[-1]]


SEASONS = {"none": lambda x, w, phase: x, "cycle": cycle}
HEADS = {"direct": direct, "per_step": per_step}
