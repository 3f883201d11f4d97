"""How a trainer is measured: model-steps per second, of one kind of training after the other."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from contenders import Work, keras_fit
from throughput import products


class Prepared(NamedTuple):
    """A trainer: `train` takes steps to model-steps done; its compile time and memory if known."""

    train: Callable[[int], int]
    seconds: float | None = None
    memory: Callable[[], int | None] = lambda: None


class Result(NamedTuple):
    """What was measured: model-steps/s, seconds to compile, bytes on the device."""

    rate: float
    seconds: float | None
    memory: int | None


@dataclass
class Bench:
    """A run: Keras' backend, seconds of a measurement, and the device's peak in FLOP/s."""

    backend: str
    seconds: float
    limit: float
    peak: float
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Is it too late for another measurement?"""
        return time.monotonic() - self.began > self.limit

    def share(self, work: Work, rate: float) -> float:
        """Return the share of the peak that the matrix products at `rate` model-steps/s use."""
        return rate * products(work) / self.peak

    def steps(self, work: Work, networks: int) -> int:
        """Return the steps of one call: about `seconds` at a fortieth of the peak, 100 at most."""
        slow = networks / (self.peak / 40 / products(work))
        return max(1, min(100, int(self.seconds / slow)))

    def measure(self, prepared: Prepared, steps: int) -> Result:
        """Return the median of the calls that fit `seconds`, after one that is not timed."""
        prepared.train(steps)
        rates: list[float] = []
        end = time.monotonic() + self.seconds
        while not rates or time.monotonic() < end:
            began = time.perf_counter()
            done = prepared.train(steps)
            rates.append(done / (time.perf_counter() - began))
        return Result(statistics.median(rates), prepared.seconds, prepared.memory())

    def fleet(self, work: Work, replicas: int, **loop: object) -> Result:
        """Measure a fleet; `loop` says how JAX compiles the loop over time."""
        steps = self.steps(work, replicas)
        if self.backend == "jax":
            from gpu_jax import trainer
        else:
            from gpu_tensorflow import trainer
        return self.measure(Prepared(*trainer(work, replicas, steps, **loop)), steps)

    def keras(self, work: Work) -> Result:
        """Measure stock Keras with one seed: the others come after it. A `fit` has a start."""
        return self.measure(Prepared(keras_fit(work, 1)), min(390, 4 * self.steps(work, 1)))

    def torch(self, work: Work, way: str) -> Result:
        """Measure PyTorch's `way`, eager or graph, with one seed."""
        torch = import_module("gpu_torch")
        prepared = Prepared(getattr(torch, way)(work), memory=torch.memory)
        return self.measure(prepared, self.steps(work, 1))

    def peers(self) -> dict[str, Callable[[Work], Result]]:
        """Return what the fleets are compared with, as far as it is installed."""
        found: dict[str, Callable[[Work], Result]] = {"keras fit": self.keras}
        if find_spec("torch"):
            found["PyTorch"] = lambda work: self.torch(work, "eager")
            if import_module("gpu_torch").DEVICE == "cuda":
                found["PyTorch, CUDA graph"] = lambda work: self.torch(work, "graph")
        return found
