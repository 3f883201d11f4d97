"""A trained variant that forecasts: what was validated is what comes back from its files."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import write_arrays, write_json
from pipeline.series.windows import Inputs, gather
from pipeline.training.engine.ensemble import Ensemble

from .conftest import SHAPE, tiny


def save(fleet: Any, name: str, folder: Path, seeds: tuple[int, ...] = (0, 1)) -> Any:
    """The initial weights of a fleet as the train stage would write trained ones."""
    folder.mkdir()
    state = fleet(name).initial(seeds)
    write_arrays(
        folder / "weights.npz",
        fleet(name).replicas.named(state.weights.numpy(), [s.numpy() for s in state.statistics]),
    )
    facts = {
        "model": tiny(name).model_dump(mode="json"),
        "shape": vars(SHAPE),
        "seeds": seeds,
        "states": ["trained"] * len(seeds),
    }
    write_json(folder / "fleet.json", facts)
    manifest.write(folder)
    return state


def inputs(samples: Any, starts: np.ndarray) -> Inputs:
    return gather(samples.inputs, starts, SHAPE.lookback, SHAPE.horizon, SHAPE.future)


@pytest.mark.parametrize("name", ["plain", "noisy", "many_to_many", "per_step"])
def test_forecasts_are_those_that_validation_measured(
    fleet: Any, tmp_path: Path, name: str
) -> None:
    state = save(fleet, name, tmp_path / name)
    samples = fleet(name).samples
    forecast = Ensemble.load(tmp_path / name).forecast(*inputs(samples, samples.validation))
    assert forecast.shape == (2, len(samples.validation), SHAPE.horizon, SHAPE.targets)
    errors = np.mean(
        (forecast - np.asarray(samples.on_device.truth(samples.validation))) ** 2, axis=(1, 2, 3)
    )
    np.testing.assert_allclose(errors, fleet(name).validate(state), rtol=1e-5)


def test_a_monte_carlo_forecast_is_the_mean_of_passes_with_masks_of_their_own(
    fleet: Any, samples: Any, tmp_path: Path
) -> None:
    save(fleet, "monte_carlo", tmp_path / "mc", seeds=(0, 0))
    ensemble, windows = Ensemble.load(tmp_path / "mc"), inputs(samples, np.arange(40))
    first = ensemble.forecast(*windows)
    np.testing.assert_array_equal(first, ensemble.forecast(*windows))
    one, many = (
        replace(ensemble, seeds=(0, 1), passes=passes).forecast(*windows)
        for passes in (1, ensemble.passes)
    )
    assert not np.allclose(one[0], one[1])  # the same weights, other masks
    assert np.std(many[0] - many[1]) < 0.5 * np.std(one[0] - one[1])


def test_weights_that_were_changed_are_rejected(fleet: Any, tmp_path: Path) -> None:
    save(fleet, "plain", tmp_path / "plain")
    weights = tmp_path / "plain/weights.npz"
    weights.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(
        InputError, match=r"weights\.npz: is not the file that was written; train again"
    ):
        Ensemble.load(tmp_path / "plain")
