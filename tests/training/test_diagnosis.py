"""What is measured inside a network, against backpropagation through time written in NumPy."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.core import manifest
from pipeline.core.files import write_arrays, write_json
from pipeline.training.diagnosis.measure import SATURATED, Batch, diagnose
from pipeline.training.engine.ensemble import Ensemble
from pipeline.training.engine.replicas import Replicas

SHAPE = Shape(lookback=6, horizon=2, targets=1, past=1, future=0)
WINDOWS = 12
SEEDS = (0, 1)
MSE = Train().loss
Ensembles = Callable[..., Ensemble]


@pytest.fixture(scope="module")
def ensembles(tmp_path_factory: pytest.TempPathFactory) -> Ensembles:
    """Two seeds of a tiny network, whose weights are far from zero, so that gates differ."""

    def load(states: tuple[str, ...] = ("trained", "trained"), **overlay: Any) -> Ensemble:
        folder = tmp_path_factory.mktemp("variant")
        model = Model.model_validate({"conv": {"filters": 3}, "recurrent": {"units": 2}} | overlay)
        replicas = Replicas(model, SHAPE)
        weights, statistics = replicas.initial(SEEDS)
        noise = np.random.default_rng(0).normal(0, 0.7, weights.shape)
        shaken = (weights.numpy() + noise).astype(np.float32)
        kept = [each.numpy() for each in statistics]
        write_arrays(folder / "weights.npz", replicas.named(shaken, kept))
        facts = {
            "model": model.model_dump(mode="json"),
            "shape": vars(SHAPE),
            "seeds": SEEDS,
            "states": states,
        }
        write_json(folder / "fleet.json", facts)
        manifest.write(folder)
        return Ensemble.load(folder)

    return load


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Some windows; a third of the truth is missing, but no window lacks all of it."""
    rng = np.random.default_rng(1)
    past = rng.normal(size=(WINDOWS, SHAPE.lookback, SHAPE.channels)).astype(np.float32)
    truth = rng.normal(size=(WINDOWS, SHAPE.horizon, SHAPE.targets)).astype(np.float32)
    truth[::3, 1] = np.nan
    return Batch(past, np.empty((WINDOWS, SHAPE.horizon, 0), np.float32), truth)


class Reference:
    """The network convolution, ReLU, LSTM, dense in float64, and its gradients by hand."""

    def __init__(self, ensemble: Ensemble, replica: int, batch: Batch) -> None:
        trained, statistics = ensemble.weights
        named = ensemble.replicas.named(trained.numpy(), [each.numpy() for each in statistics])
        self.w = {path: np.asarray(value[replica], float) for path, value in named.items()}
        self.batch = batch
        self.unroll(self.convolved())

    def convolved(self) -> np.ndarray:
        kernel, bias = self.w["conv_1/kernel"], self.w["conv_1/bias"]
        past = np.pad(self.batch.past.astype(float), ((0, 0), (len(kernel) - 1, 0), (0, 0)))
        lags = [past[:, k : k + SHAPE.lookback] @ kernel[k] for k in range(len(kernel))]
        return np.maximum(sum(lags) + bias, 0)

    def unroll(self, x: np.ndarray) -> None:
        names = ("kernel", "recurrent_kernel", "bias")
        kernel, self.u, bias = (self.w[f"recurrent_1/forward/{name}"] for name in names)
        h = c = np.zeros((WINDOWS, 2))
        self.steps: list[tuple[np.ndarray, ...]] = []
        for t in range(SHAPE.lookback):
            i, f, g, o = np.split(x[:, t] @ kernel + h @ self.u + bias, 4, axis=1)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            old, c = c, f * c + i * g
            h = o * np.tanh(c)
            self.steps.append((i, f, g, o, old, c))
        self.newest = h

    def gradients(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean norm of the gradients with respect to h and c at each step, (step,) each."""
        body = next(path for path in self.w if path.endswith("forecast/kernel"))
        output = self.newest @ self.w[body] + self.w[body.replace("kernel", "bias")]
        error = output - self.batch.truth[..., 0]
        measured = np.isfinite(error)
        slope = 2 * np.where(measured, error, 0) / measured.sum(axis=1, keepdims=True)
        dh, dc = slope @ self.w[body].T, np.zeros((WINDOWS, 2))
        norms = []
        for i, f, g, o, old, c in reversed(self.steps):
            dc = dc + dh * o * (1 - np.tanh(c) ** 2)
            norms.append([np.linalg.norm(d, axis=1).mean() for d in (dh, dc)])
            gates = [dc * g * i * (1 - i), dc * old * f * (1 - f), dc * i * (1 - g**2)]
            gates.append(dh * np.tanh(c) * o * (1 - o))
            dh, dc = np.concatenate(gates, axis=1) @ self.u.T, dc * f
        h, c = np.array(norms[::-1]).T
        return h, c


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


HEAD = {"kind": "direct", "hidden": [], "activation": "linear"}


def test_gradients_and_saturated_gates_are_those_of_backpropagation_in_numpy(
    ensembles: Ensembles, batch: Batch
) -> None:
    ensemble = ensembles(head=HEAD)
    facts, arrays = diagnose(ensemble, batch, MSE)
    for seed in SEEDS:
        reference = Reference(ensemble, seed, batch)
        for state, expected in zip("hc", reference.gradients(), strict=True):
            np.testing.assert_allclose(arrays[f"recurrent_1.forward.{state}"][seed], expected, 1e-4)
        for name, place in (("input", 0), ("forget", 1), ("output", 3)):
            values = np.array([step[place] for step in reference.steps])
            outside = (values < SATURATED) | (values > 1 - SATURATED)
            found = arrays[f"recurrent_1.forward.{name}"][seed]
            np.testing.assert_allclose(found, outside.mean(axis=(1, 2)), atol=1e-6)
    assert 0 < facts["gates"]["recurrent_1.forward.forget"] < 1


def test_the_older_half_of_a_window_gets_no_gradient_where_a_piece_cuts_it(
    ensembles: Ensembles, batch: Batch
) -> None:
    recurrent = {"units": 2, "stateful": 3}
    _, arrays = diagnose(ensembles(head=HEAD, recurrent=recurrent), batch, MSE)
    norms = arrays["recurrent_1.forward.h"]
    assert (norms[:, :3] == 0).all()
    assert (norms[:, 3:] > 0).all()


def test_steps_of_both_directions_are_in_the_order_of_time(
    ensembles: Ensembles, batch: Batch
) -> None:
    recurrent = {"units": 2, "bidirectional": True, "cell": "gru"}
    _, arrays = diagnose(ensembles(head=HEAD, recurrent=recurrent), batch, MSE)
    assert {name.rpartition(".")[2] for name in arrays} == {"h", "update", "reset"}
    assert arrays["recurrent_1.forward.h"].argmax(axis=1).tolist() == [SHAPE.lookback - 1] * 2
    assert arrays["recurrent_1.backward.h"].argmax(axis=1).tolist() == [0, 0]


@pytest.mark.parametrize("kind", ["none", "batch", "last_value", "revin"])
def test_layers_behind_any_input_normalization_are_measured(
    ensembles: Ensembles, batch: Batch, kind: str
) -> None:
    facts, arrays = diagnose(ensembles(input={"normalization": kind}), batch, MSE)
    assert {"conv_1", "recurrent_1", "forecast"} <= facts["layers"].keys()
    assert all(facts["layers"][name]["sd"] > 0 for name in ("conv_1", "recurrent_1", "forecast"))
    assert arrays["recurrent_1.forward.h"].shape == (len(SEEDS), SHAPE.lookback)


def test_measuring_leaves_the_network_as_it_was(ensembles: Ensembles, batch: Batch) -> None:
    ensemble = ensembles(**NOISY)
    before = ensemble.forecast(batch.past, batch.future)
    first = diagnose(ensemble, batch, MSE)
    again = diagnose(ensemble, batch, MSE)
    assert first[0] == again[0]
    np.testing.assert_array_equal(
        first[1]["recurrent_1.forward.h"], again[1]["recurrent_1.forward.h"]
    )
    np.testing.assert_array_equal(before, ensemble.forecast(batch.past, batch.future))


NOISY = {
    "conv": {
        "filters": 3,
        "normalization": "batch",
        "dropout": {"kind": "standard", "rate": 0.3},
    },
    "recurrent": {"units": 2, "recurrent_dropout": {"kind": "gal", "rate": 0.3}},
}


@pytest.mark.parametrize(
    ("overlay", "gap", "noise"),
    [
        ({}, False, False),
        ({"conv": {"filters": 3, "normalization": "batch"}}, True, False),
        ({"conv": {"filters": 3, "normalization": "layer"}}, False, False),
        ({"recurrent": {"units": 2, "normalization": "batch_recurrent"}}, True, False),
        (
            {"recurrent": {"units": 2, "recurrent_dropout": {"kind": "gal", "rate": 0.3}}},
            False,
            True,
        ),
        ({"conv": {"filters": 3, "dropout": {"kind": "standard", "rate": 0.3}}}, False, True),
        (NOISY, True, True),
    ],
)
def test_only_what_a_network_has_makes_a_gap_or_noise(
    ensembles: Ensembles, batch: Batch, overlay: dict[str, Any], gap: bool, noise: bool
) -> None:
    facts, _ = diagnose(ensembles(**overlay), batch, MSE)
    assert (facts["batch_gap"] is not None) == gap
    assert (facts["dropout_noise"] is not None) == noise
    assert not gap or facts["batch_gap"]["forecast"] > 0.001
    assert not noise or facts["dropout_noise"] > 0.001


def test_noise_is_the_deviation_over_masks_relative_to_the_error(
    ensembles: Ensembles, batch: Batch
) -> None:
    dropout = {"kind": "standard", "rate": 0.3}
    plain = ensembles(conv={"filters": 3, "dropout": dropout}, head=HEAD)
    noisy = ensembles(conv={"filters": 3, "dropout": {**dropout, "monte_carlo": True}}, head=HEAD)
    many = Batch(*(np.tile(part, (300, 1, 1)) for part in vars(batch).values()))
    facts, _ = diagnose(plain, many, MSE)
    drawn = replace(noisy, passes=1).forecast(many.past, many.future)
    variances = drawn.reshape(2, 300, -1).var(axis=1).mean(axis=1)
    errors = plain.forecast(batch.past, batch.future) - batch.truth
    mse = np.nanmean(errors**2, axis=(1, 2, 3))
    assert facts["dropout_noise"] == pytest.approx(np.sqrt(variances / mse).mean(), rel=0.1)


def test_dead_units_moments_and_norms_are_those_of_the_recorded_values(
    ensembles: Ensembles, batch: Batch
) -> None:
    ensemble = ensembles(states=("trained", "diverged"), head=HEAD)
    reference = Reference(ensemble, 0, batch)
    facts, arrays = diagnose(ensemble, batch, MSE)
    convolved = reference.convolved()
    found = facts["layers"]["conv_1_activation"]
    assert found["mean"] == pytest.approx(convolved.mean(), rel=1e-4)
    assert found["sd"] == pytest.approx(convolved.std(), rel=1e-4)
    assert found["dead"] == pytest.approx((convolved == 0).all(axis=(0, 1)).mean())
    assert facts["layers"]["recurrent_1"]["dead"] is None
    norms = {path: np.linalg.norm(value) for path, value in reference.w.items()}
    assert facts["weights"] == pytest.approx(norms, rel=1e-4)
    assert (facts["seeds"], len(arrays["recurrent_1.forward.h"])) == (1, 1)


def test_a_unit_whose_bias_is_far_below_zero_is_dead(ensembles: Ensembles, batch: Batch) -> None:
    ensemble = ensembles(head=HEAD)
    weights, statistics = ensemble.weights
    named = ensemble.replicas.named(weights.numpy(), [each.numpy() for each in statistics])
    named["conv_1/bias"][:, 0] = -100
    dead = replace(ensemble, weights=ensemble.replicas.stacked(named))
    for each, share in ((ensemble, 0), (dead, 1 / 3)):
        facts, _ = diagnose(each, batch, MSE)
        assert facts["layers"]["conv_1_activation"]["dead"] == pytest.approx(share, abs=1e-6)
