"""What a grid costs: its points x 5 seeds as one fleet, beside as many replicas at one setting.

    python -m benchmarks.grid

Rounds in turns, in one process with one thread; printed are medians of the time of a round relative
to the fleet without a grid, and the seconds that each takes to trace.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.contenders import WINDOWS, WORKS, Work, data
from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.training.engine.fleet import Fleet
from pipeline.training.engine.grid import SPAN, Grid
from pipeline.training.engine.replicas import Replicas
from pipeline.training.engine.samples import Samples

SEEDS, POINTS, ROUNDS, STEPS = 5, 4, 7, 100
RATES = (0.0003, 0.001, 0.003, 0.01)
PLAIN = tuple(range(SEEDS * POINTS))
NUMBERS = tuple(SPAN * point + seed for point in range(POINTS) for seed in range(SEEDS))
GRIDS: dict[str, tuple[Sequence[int], Grid | None]] = {
    "20 seeds at one setting": (PLAIN, None),
    "4 learning rates x 5 seeds": (NUMBERS, Grid(RATES, (0.01,) * POINTS)),
    "4 pairs of learning rate and weight decay x 5 seeds": (
        NUMBERS,
        Grid(RATES, (0.001, 0.01, 0.1, 0.3)),
    ),
}


def samples(work: Work) -> Samples:
    """Return the windows of `contenders`, which overlap."""
    inputs, targets = data(work)
    starts = np.arange(WINDOWS - work.time - 1)
    shape = Shape(work.time, 1, 1, work.features - 1)
    return Samples(inputs[:, -1], targets, starts, starts[:512], shape)


def trainer(work: Work, numbers: Sequence[int], grid: Grid | None) -> tuple[Callable[[], Any], Any]:
    """Return what traces a fleet, and what trains it for a round."""
    windows = samples(work)
    train = Train(optimizer="adamw", batch=work.batch)
    fleet = Fleet(Replicas(Model.model_validate(work.model), windows.shape), train, windows, grid)
    rates = np.full(len(numbers), 1e-3) if grid is None else grid.learning_rates(numbers)

    def learn() -> float:
        state = fleet.initial(numbers)
        batches = windows.batches(work.batch, numbers, 0)[:STEPS]
        begun = time.perf_counter()
        fleet.epoch(state, numbers, 0, batches, rates)
        return time.perf_counter() - begun

    return fleet.trace, learn


def timed(function: Callable[[], Any]) -> float:
    """Return how many seconds a call takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def main() -> None:
    """Print a table for each network."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for name in ("template", "T24_lstm64"):
        built = {each: trainer(WORKS[name], *own) for each, own in GRIDS.items()}
        traces = {each: timed(trace) for each, (trace, _) in built.items()}
        rounds = [{each: learn() for each, (_, learn) in built.items()} for _ in range(ROUNDS)]
        reference = next(iter(GRIDS))
        for each in GRIDS:
            ratio = median(took[each] / took[reference] for took in rounds[1:])
            print(f"| {name} | {each} | {ratio:.2f} | {traces[each]:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
