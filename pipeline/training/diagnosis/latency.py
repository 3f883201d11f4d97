"""How long a forecast takes."""

import time
from pathlib import Path

import numpy as np

from pipeline.core.files import read_json, write_json
from pipeline.training.engine.ensemble import Ensemble

REPEATS = 21


def latency(ensemble: Ensemble, past: np.ndarray, future: np.ndarray, kept: Path) -> float:
    """Return the milliseconds that a forecast from one window takes, with all seeds.

    `past` (1, lookback, channel) and `future` (1, horizon, future covariate) are its input. It is
    measured once and written to `kept`, so that a repeated evaluation writes the same bytes.
    """
    if not kept.exists():
        write_json(kept, _measured(ensemble, past, future))
    return float(read_json(kept))


def _measured(ensemble: Ensemble, past: np.ndarray, future: np.ndarray) -> float:
    """Return the median of some forecasts, after a first one that does not count."""
    ensemble.forecast(past, future)
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        ensemble.forecast(past, future)
        seconds.append(time.perf_counter() - began)
    return 1000 * float(np.median(seconds))
