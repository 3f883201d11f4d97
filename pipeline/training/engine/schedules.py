"""Schedules: which share of `train.learning_rate` each replica learns at in an epoch.

Pure functions of the `epoch` (from 0), the number of `epochs` at most, and the replicas' `validation` losses of the epochs before,
(epoch, replica). They keep no state of their own: the history of a course is in its checkpoint, and what follows from it survives any stop.
"""

import numpy as np


def constant(epoch: int, epochs: int, validation: np.ndarray) -> np.ndarray:
    """The whole rate, always."""
    return np.ones(validation.shape[1])


def step(epoch: int, epochs: int, validation: np.ndarray, every: int, factor: float) -> np.ndarray:
    """`factor` times the rate before after `every` epochs."""
    return np.full(validation.shape[1], factor ** (epoch // every))


def cosine(epoch: int, epochs: int, validation: np.ndarray, warmup: int) -> np.ndarray:
    """Up in equal steps over `warmup` epochs, then down along half a cosine that would end at 0 in the epoch after the last (Loshchilov and Hutter, 2017)."""
    share = (
        (epoch + 1) / (warmup + 1)
        if epoch < warmup
        else 0.5 + 0.5 * np.cos(np.pi * (epoch - warmup) / (epochs - warmup))
    )
    return np.full(validation.shape[1], share)


def plateau(
    epoch: int, epochs: int, validation: np.ndarray, factor: float, patience: int
) -> np.ndarray:
    """`factor` times the rate before, for each replica by itself, whenever its loss was `patience` epochs no better than its best.

    `keras.callbacks.ReduceLROnPlateau` with `min_delta` 0, so that it judges by what stopping judges by.
    """
    best, waited, falls = (
        np.full(validation.shape[1], np.inf),
        np.zeros(validation.shape[1], int),
        np.zeros(validation.shape[1], int),
    )
    for loss in validation:
        waited = np.where(loss < best, 0, waited + 1)
        best = np.minimum(best, loss)
        falls += waited >= patience
        waited[waited >= patience] = 0
    return factor**falls
