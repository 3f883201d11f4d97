"""Gradient boosting on lags and future covariates, direct: a model for each step of each target.

The models are `sklearn.ensemble.HistGradientBoostingRegressor`. They see the past window with NaN
where a value was not measured, the future covariates of the whole horizon, and which series it is.
They stop early on the validation windows, which follow the training windows in time. Their
forecasts of the test windows are kept under a fingerprint of all that they depend on.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.core import files, manifest
from pipeline.evaluation import task as task_module
from pipeline.evaluation.metrics import Array
from pipeline.evaluation.task import ForecastTask, Starts

LEAVES = 31  # of a tree, at most
SETTINGS = {
    "learning_rate": 0.05,
    "max_iter": 1000,
    "max_leaf_nodes": LEAVES,
    "min_samples_leaf": 20,
    "n_iter_no_change": 20,
    "random_state": 0,
}
WITHOUT_VALIDATION = 100  # trees, where no validation window was measured
VALUES = 1 << 26  # of the training windows, at most: 256 MB; more windows are thinned out
SMALL = 1 << 18  # values up to which other processes cost more than they save
CHUNK = 1 << 22  # values of test windows that are in memory at once


class Model(Protocol):
    """A fitted model of scikit-learn, of `n_iter_` trees."""

    n_iter_: int

    def predict(self, inputs: Array, /) -> Array:
        """Return the forecast of each window, (window,), from its features."""


@dataclass(frozen=True)
class Boosted:
    """Forecasts of all test windows, (window, horizon, target), and the trees of each model."""

    forecasts: Array
    trees: tuple[int, ...]
    stride: int  # of the training windows that were used
    kept: str | None = None  # its name in the cache

    @property
    def parameters(self) -> int:
        """The largest number of leaves that the trees can have."""
        return sum(self.trees) * LEAVES

    @property
    def note(self) -> str:
        """What a reader of the report should know."""
        thinned = f", fitted on every {self.stride}th training window" if self.stride > 1 else ""
        return (
            f"{len(self.trees)} models of {min(self.trees)} to {max(self.trees)} trees, of at most "
            f"{LEAVES} leaves each, stopped early on the validation "
            f"split{thinned}"
        )


def fit(task: ForecastTask) -> Boosted:
    """Return the forecasts of the test windows, from the cache where it has them."""
    if task.cache is None:
        return _boost(task)
    name = _fingerprint(task)
    folder = task.cache / name
    if not folder.exists() or manifest.changed(folder):
        with files.new_folder(folder) as draft:
            made = _boost(task)
            np.save(draft / "forecasts.npy", made.forecasts)
            facts = asdict(made)
            del facts["forecasts"], facts["kept"]
            files.write_json(draft / "facts.json", facts)
            manifest.write(draft)
    facts = files.read_json(folder / "facts.json")
    forecasts = np.load(folder / "forecasts.npy")
    return Boosted(forecasts, tuple(facts["trees"]), facts["stride"], name)


def _fingerprint(task: ForecastTask) -> str:
    """Return a hash of data, windows, settings, code and libraries, 32 hexadecimal digits."""
    found = hashlib.sha256()
    facts: dict[str, object] = {"scikit-learn": version("scikit-learn"), **SETTINGS}
    facts["code"] = [manifest.sha256(Path(str(path))) for path in (__file__, task_module.__file__)]
    for name, value in vars(task).items():
        if isinstance(value, np.ndarray):
            found.update(np.ascontiguousarray(value).data)
        elif name in ("lookback", "horizon", "future_covariates", "indicators"):
            facts[name] = value
    found.update(json.dumps(facts, sort_keys=True).encode())
    return found.hexdigest()[:32]


def _boost(task: ForecastTask) -> Boosted:
    """Fit the models, several at a time with one thread each, and forecast the test windows."""
    size = 1 + len(task.train) * _width(task) // VALUES
    train, validation = task.train[::size], task.validation[::size]
    inputs, held_out = _features(task, train), _features(task, validation)
    answers = task.answers(train).reshape(len(train), -1)
    checks = task.answers(validation).reshape(len(validation), -1)
    cells = answers.shape[1]
    workers = 1 if inputs.size <= SMALL else min(cells, joblib.cpu_count())
    with threadpool_limits(1, "openmp"):
        models = joblib.Parallel(n_jobs=workers)(
            joblib.delayed(_fit_model)(
                SETTINGS, inputs, answers[:, cell], held_out, checks[:, cell]
            )
            for cell in range(cells)
        )
        forecasts = np.concatenate([_predict(models, inputs) for inputs in _test_features(task)])
    trees = tuple(model.n_iter_ if model else 0 for model in models)
    shape = (len(task.test), task.horizon, task.targets)
    return Boosted(forecasts.reshape(shape).astype(np.float32), trees, size)


def _width(task: ForecastTask) -> int:
    return task.features + int(task.series.max()) + 1


def _features(task: ForecastTask, starts: Starts) -> Array:
    """Return what the models see of windows: (window, feature) float32, NaN where not measured."""
    past, future = task.seen(starts)
    for channel, indicator in task.indicators:
        past[..., channel][past[..., indicator] < 0.5] = np.nan
    series = np.eye(int(task.series.max()) + 1, dtype=np.float32)[task.series[starts]]
    parts = [past, future, series]
    return np.hstack([part.reshape(len(starts), -1) for part in parts], dtype=np.float32)


def _test_features(task: ForecastTask) -> Iterator[Array]:
    size = max(1, CHUNK // _width(task))
    for first in range(0, len(task.test), size):
        yield _features(task, task.test[first : first + size])


def _fit_model(
    settings: Mapping[str, float], inputs: Array, answers: Array, held_out: Array, checks: Array
) -> Model | None:
    """Return the model of one cell; null where no training window was measured."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    measured, checked = np.isfinite(answers), np.isfinite(checks)
    if not measured.any():
        return None
    inputs = inputs[measured]
    inputs[:, np.isnan(inputs).all(axis=0)] = 0.0  # scikit-learn finds no bins in such a column
    options, validation = {**settings, "early_stopping": False}, {}
    if checked.any():
        options["early_stopping"] = True
        validation = {"X_val": held_out[checked], "y_val": checks[checked]}
    else:
        options["max_iter"] = WITHOUT_VALIDATION
    model = HistGradientBoostingRegressor(**options)
    with threadpool_limits(1, "openmp"):  # threads that wait for each other slow a busy machine
        fitted: Model = model.fit(inputs, answers[measured], **validation)
    return fitted


def _predict(models: Sequence[Model | None], inputs: Array) -> Array:
    """Return the forecasts (window, cell); 0, the center of the scaler, without a model."""
    empty = np.zeros(len(inputs))
    return np.stack([model.predict(inputs) if model else empty for model in models], axis=1)
