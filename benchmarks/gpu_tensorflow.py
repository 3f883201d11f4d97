"""The project's own fleets under TensorFlow, on whatever device it finds."""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from contenders import WINDOWS, Work, data

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.training.engine.fleet import Fleet
from pipeline.training.engine.replicas import Replicas
from pipeline.training.engine.samples import Samples

Trainer = tuple[Callable[[int], int], float, Callable[[], int | None]]


def trainer(work: Work, replicas: int, steps: int) -> Trainer:
    """Return `train(steps) -> model-steps`, the seconds of its first call, and its memory."""
    inputs, targets = data(work)
    shape = Shape(work.time, 1, 1, work.features - 1)
    starts = np.arange(WINDOWS - work.time - 1)
    samples = Samples(inputs[:, -1], targets, starts, starts[:512], shape)
    train = Train(optimizer="nadam", batch=work.batch)
    ours = Fleet(Replicas(Model.model_validate(work.model), shape), train, samples)
    seeds = list(range(replicas))
    state = ours.initial(seeds)

    def run(steps: int) -> int:
        nonlocal state
        batches = samples.batches(work.batch, seeds, 0)[:steps]
        state, _ = ours.epoch(state, seeds, 0, batches, np.full(replicas, 1e-3))
        return len(batches) * replicas

    began = time.perf_counter()
    run(steps)
    return run, time.perf_counter() - began, memory


def memory() -> int | None:
    """Return the peak of the device memory in bytes since the last call; None on a CPU."""
    if not tf.config.list_physical_devices("GPU"):
        return None
    peak = int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
    tf.config.experimental.reset_memory_stats("GPU:0")
    return peak
