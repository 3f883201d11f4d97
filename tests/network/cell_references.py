"""NumPy float64 references of every kind inside a recurrent cell, step by step, by its name.

A kind of the tables without an entry here fails `test_every_kind_inside_a_cell_has_a_reference`.
`w` holds the weights of one direction by their path in it. All functions are analytic and take
complex numbers, so that the imaginary part of f(x + i 1e-30 d) is the exact slope along d: a finite
difference without cancellation.
"""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def variance(z, axis, **more):
    """Unlike NumPy's, no absolute value is taken of complex numbers."""
    return ((z - z.mean(axis, keepdims=True)) ** 2).mean(axis, **more)


def standardized(z, axis, epsilon):
    return (z - z.mean(axis, keepdims=True)) / np.sqrt(variance(z, axis, keepdims=True) + epsilon)


class Plain:
    """Pre-activations x W + h U + b.

    x-terms `z` are (batch, time, width), h-terms (batch, width). A block is `gates` or, in a GRU,
    `candidate`.
    """

    def __init__(self, w, training, **options):
        vars(self).update(options, w=w, training=training)

    def x(self, block, z, t):
        return z[:, t]

    def h(self, block, z, t):
        return z

    def gates(self, x, h, b, units, t):
        return self.x("gates", x, t) + self.h("gates", h, t) + b

    def output_and_state(self, c, t):
        where = getattr(self, "cell", "none")
        output = c if where == "none" else self.normal("cell", c, t)
        return output, output if where == "state" else c

    def output(self, h, t):
        return self.normal("output", h, t) if getattr(self, "output_too", False) else h


class Layer(Plain):
    def normal(self, name, z, t):
        return standardized(z, -1, self.epsilon) * self.w[f"{name}/gamma"] + self.w.get(
            f"{name}/beta", 0.0
        )

    def x(self, block, z, t):
        return self.normal(f"{block}_x", z[:, t], t)

    def h(self, block, z, t):
        return self.normal(f"{block}_h", z, t)


class LayerJoint(Layer):
    def __init__(self, w, training, output=False, **options):
        super().__init__(w, training, **options)
        self.output_too = output

    def gates(self, x, h, b, units, t):
        return self.normal("gates_sum", x[:, t] + h, t) + b


class LayerPerGate(Layer):
    def gates(self, x, h, b, units, t):
        z = x[:, t] + h
        each = [
            standardized(z[:, k : k + units], -1, self.epsilon) for k in range(0, z.shape[1], units)
        ]
        return np.concatenate(each, axis=1) * self.w["gates_sum/gamma"] + b


class Batch(Plain):
    def rows(self, t):
        return t

    def normal(self, name, z, t, batch=None):
        """`z` of step t by the moments of `batch` or its own; at inference by the stored ones."""
        batch = z if batch is None else batch
        mean, spread = batch.mean(0), variance(batch, 0)
        if not self.training:
            mean, spread = (
                self.w[f"{name}/moving_{what}"][self.rows(t)] for what in ("mean", "variance")
            )
        return (z - mean) / np.sqrt(spread + self.epsilon) * self.w[f"{name}/gamma"] + self.w.get(
            f"{name}/beta", 0.0
        )

    def x(self, block, z, t):
        return self.normal(f"{block}_x", z[:, t], t)

    def h(self, block, z, t):
        return self.normal(f"{block}_h", z, t)


class BatchShared(Batch):
    def rows(self, t):
        return 0


class BatchInputs(Batch):
    def rows(self, t):
        return t if self.per_step else 0

    def x(self, block, z, t):
        return self.normal(
            f"{block}_x", z[:, t], t, z[:, t] if self.per_step else z.reshape(-1, z.shape[-1])
        )

    def h(self, block, z, t):
        return z


NORMALIZATIONS = {
    "none": Plain,
    "layer_paper": Layer,
    "layer_addons": Layer,
    "layer_joint": LayerJoint,
    "layer_per_gate": LayerPerGate,
    "batch_recurrent": Batch,
    "batch_shared": BatchShared,
    "batch_inputs": BatchInputs,
}


class Off:
    """No dropout; `masks` are those of the call in the order of drawing, and null at inference."""

    def __init__(self, masks, **options):
        self.masks, self.options = masks, options

    def project(self, v, kernel, t):
        return v @ kernel

    def kernel(self, kernel):
        return kernel

    def candidate(self, g, t):
        return g

    def cell(self, c, t):
        return c

    def carry(self, new, old, t):
        return new


class Masked(Off):
    """A mask (batch, channel) for all gates, or (gate, batch, channel)."""

    def project(self, v, kernel, t):
        if self.masks is None:
            return v @ kernel
        (mask,) = self.masks
        each = [mask] if mask.ndim == 2 else mask
        kernels = np.split(kernel, len(each), axis=1)
        return np.concatenate([(v * m) @ k for m, k in zip(each, kernels, strict=True)], axis=1)


class Moon(Off):
    def cell(self, c, t):
        return c if self.masks is None else self.masks[0] * c


class Semeniuta(Off):
    def candidate(self, g, t):
        return (
            g
            if self.masks is None
            else g * (self.masks[0][t] if self.options["per_step"] else self.masks[0])
        )


class Zoneout(Off):
    def carry(self, new, old, t):
        rates, masks = (self.options["rate"], self.options["cell_rate"]), iter(self.masks or ())
        kept = [
            rate if self.masks is None or rate == 0 else next(masks)[t] == 0
            for rate in rates[: len(new)]
        ]
        return [k * o + (1 - k) * n for k, o, n in zip(kept, old, new, strict=True)]


class WeightDrop(Off):
    def kernel(self, kernel):
        return kernel if self.masks is None else self.masks[0] * kernel


class PerStep(Off):
    def project(self, v, kernel, t):
        return v @ kernel if self.masks is None else (v * self.masks[0][t]) @ kernel


DROPOUTS = {
    "none": Off,
    "keras": Masked,
    "gal": Masked,
    "moon": Moon,
    "semeniuta": Semeniuta,
    "zoneout": Zoneout,
    "weight_drop": WeightDrop,
    "per_step": PerStep,
}


def lstm(x, z, states, b, units, norm, dropout, t):
    _, c = states
    i, f, g, o = np.split(norm.gates(x, z, b, units, t), 4, axis=-1)
    c = dropout.cell(sigmoid(f) * c + sigmoid(i) * dropout.candidate(np.tanh(g), t), t)
    output, state = norm.output_and_state(c, t)
    return norm.output(sigmoid(o) * np.tanh(output), t), state


def gru(x, z, states, b, units, norm, dropout, t):
    (h,), n = states, 2 * units
    update, reset = np.split(
        sigmoid(norm.gates(x[..., :n], z[:, :n], b[0, :n] + b[1, :n], units, t)), 2, axis=-1
    )
    g = np.tanh(
        norm.x("candidate", x[..., n:], t)
        + b[0, n:]
        + reset * (norm.h("candidate", z[:, n:], t) + b[1, n:])
    )
    return (norm.output(update * h + (1 - update) * dropout.candidate(g, t), t),)


def simple_rnn(x, z, states, b, units, norm, dropout, t):
    return (norm.output(np.tanh(norm.gates(x, z, b, units, t)), t),)


CELLS = {"lstm": (lstm, 2), "gru": (gru, 1), "simple_rnn": (simple_rnn, 1)}


def sweep(cell, x, w, norm, on_input, dropout, start=0.0):
    """States (h, c) or (h,) of each step, each (batch, unit), from `x` (batch, time, channel)."""
    step, count = CELLS[cell]
    kernel, units = dropout.kernel(w["recurrent_kernel"]), len(w["recurrent_kernel"])
    terms = np.stack([on_input.project(x[:, t], w["kernel"], t) for t in range(x.shape[1])], axis=1)
    zeros = np.zeros((len(x), units))
    states = [(zeros + start, zeros)[:count]]
    for t in range(x.shape[1]):
        new = step(
            terms,
            dropout.project(states[-1][0], kernel, t),
            states[-1],
            w["bias"],
            units,
            norm,
            dropout,
            t,
        )
        states.append(dropout.carry(new, states[-1], t))
    return states[1:]
