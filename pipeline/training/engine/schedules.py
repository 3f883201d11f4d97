"""Learning rate schedules: the share of `train.learning_rate` that each replica uses in an epoch.

They are pure functions of the `epoch` (from 0), the maximum number of `epochs`, and the replicas'
`validation` losses of the previous epochs, (epoch, replica). They keep no state: the history is
in the checkpoint of a training, and what follows from it survives any interruption.
"""

import numpy as np


def constant(epoch: int, epochs: int, validation: np.ndarray) -> np.ndarray:
    """Return the full rate in every epoch."""
    return np.ones(validation.shape[1])


def step(epoch: int, epochs: int, validation: np.ndarray, every: int, factor: float) -> np.ndarray:
    """Multiply the rate by `factor` after `every` epochs."""
    return np.full(validation.shape[1], factor ** (epoch // every))


def cosine(epoch: int, epochs: int, validation: np.ndarray, warmup: int) -> np.ndarray:
    """Rise in equal steps over `warmup` epochs, then fall along half a cosine.

    The cosine would reach 0 in the epoch after the last one (Loshchilov and Hutter, 2017).
    """
    if epoch < warmup:
        share = (epoch + 1) / (warmup + 1)
    else:
        share = 0.5 + 0.5 * np.cos(np.pi * (epoch - warmup) / (epochs - warmup))
    return np.full(validation.shape[1], share)


def plateau(
    epoch: int, epochs: int, validation: np.ndarray, factor: float, patience: int
) -> np.ndarray:
    """Multiply a replica's rate by `factor` after `patience` epochs without a better loss.

    This is `keras.callbacks.ReduceLROnPlateau` with `min_delta` 0, the criterion of early stopping.
    """
    replicas = validation.shape[1]
    best = np.full(replicas, np.inf)
    waited, reductions = np.zeros(replicas, int), np.zeros(replicas, int)
    for loss in validation:
        waited = np.where(loss < best, 0, waited + 1)
        best = np.minimum(best, loss)
        reductions += waited >= patience
        waited[waited >= patience] = 0
    return factor**reductions
