"""Random numbers for dropout that a fleet can draw for all of its replicas in one operation.

Inside `tf.vectorized_map`, `keras.random` falls back to a loop over the replicas. Here a counter
is hashed by element-wise integer operations instead, which vectorize: the low-bias 32-bit mixer
of C. Wellons ("Prospecting for Hash Functions", 2018), keyed between its multiplications.
"""

import math

import keras
from keras import ops

from pipeline.network.base import Tensor, TensorShape


def uniform(shape: TensorShape, seed: keras.random.SeedGenerator) -> Tensor:
    """Draw float32 numbers in [0, 1) of `shape`; every call advances `seed`.

    The state of `seed` is the uint32 pair (key, counter).
    """
    return ops.cast(_shift(_bits(shape, seed), 8), "float32") * 2.0**-24


def normal(shape: TensorShape, seed: keras.random.SeedGenerator) -> Tensor:
    """Draw standard normal float32 numbers of `shape` by the Box-Muller transform."""
    radius = ops.sqrt(-2.0 * ops.log(1.0 - uniform(shape, seed)))
    return radius * ops.cos(2.0 * math.pi * uniform(shape, seed))


def keep(shape: TensorShape, rate: float, seed: keras.random.SeedGenerator) -> Tensor:
    """Draw an inverted dropout mask: 0 with probability `rate`, else 1 / (1 - rate)."""
    kept = _bits(shape, seed) >= _word(round(rate * 2**32))
    return ops.cast(kept, "float32") * (1.0 / (1.0 - rate))


def _bits(shape: TensorShape, seed: keras.random.SeedGenerator) -> Tensor:
    """Draw uint32 numbers: the index of each element, hashed with the whole state of `seed`."""
    state = ops.cast(seed.next(), "uint32")
    first = _mix(state[0] ^ _mix(state[1] + _word(0x9E3779B9)))
    if all(isinstance(size, int) for size in shape):
        count = math.prod(shape)
    else:
        count = ops.prod(ops.convert_to_tensor(shape))
    indices = ops.cast(ops.arange(count), "uint32")
    return ops.reshape(_mix(indices + first, key=_mix(first ^ state[1])), shape)


def _mix(x: Tensor, key: Tensor = 0) -> Tensor:
    """Hash uint32 numbers, with `key` between the two multiplications."""
    x = (x ^ _shift(x, 16)) * _word(0x7FEB352D)
    x = (x ^ _shift(x, 15) ^ _word(key)) * _word(0x846CA68B)
    return x ^ _shift(x, 16)


def _shift(x: Tensor, bits: int) -> Tensor:
    return ops.right_shift(x, _word(bits))


def _word(value: Tensor) -> Tensor:
    return ops.cast(value, "uint32")
