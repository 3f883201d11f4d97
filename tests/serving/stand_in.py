"""Forecasters whose network is a stand-in that keeps what it is fed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core.files import read_json
from pipeline.evaluation.intervals import Intervals
from pipeline.serving import bundle
from pipeline.serving.forecaster import Forecaster
from pipeline.training.engine.ensemble import Ensemble
from tests.workshop import Workshop


class LastValue:
    """Stands for a trained ensemble: seed s forecasts the target's last value plus `offsets[s]`.

    `past` and `future` keep what it was given.
    """

    def __init__(self, offsets: tuple[float, ...]) -> None:
        self.offsets = offsets
        self.past: list[np.ndarray] = []
        self.future: list[np.ndarray] = []

    def forecast(self, past: np.ndarray, future: np.ndarray) -> np.ndarray:
        self.past.append(past)
        self.future.append(future)
        newest = np.repeat(past[:, -1:, :1], future.shape[1], axis=1)
        return np.stack([newest + np.float32(offset) for offset in self.offsets])


def build(
    workshop: Workshop,
    members: tuple[int, ...] = (0,),
    values: str = "standardized",
    name: str = "forecaster",
    intervals: Intervals | None = None,
) -> Path:
    path = workshop.folder / name
    bundle.build(
        workshop.params,
        read_json(workshop.paths.clean / "report.json")["frequency"],
        workshop.variant("plain", values, one=np.ones(3)),
        members,
        workshop.paths.standardized,
        path,
        intervals,
    )
    return path


class Loader:
    """Builds and loads forecasters with a stand-in for the network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def __call__(
        self, workshop: Workshop, offsets: tuple[float, ...] = (0.0,), **how: Any
    ) -> tuple[Forecaster, LastValue]:
        stand_in = LastValue(offsets)
        self.monkeypatch.setattr(Ensemble, "load", classmethod(lambda cls, folder: stand_in))
        return Forecaster.load(build(workshop, **how)), stand_in
