"""Random numbers for dropout, drawn so that a fleet can draw them for all of its replicas in one operation.

`keras.random` falls back to a loop over the replicas inside `tf.vectorized_map`. Here a counter is hashed by element-wise integer operations
instead, which vectorize: the low-bias 32-bit mixer of C. Wellons ("Prospecting for Hash Functions", 2018), keyed between its multiplications.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


def uniform(shape: Sequence[Any], seed: keras.random.SeedGenerator) -> Any:
    """Float32 in [0, 1) of `shape`; every call advances `seed`, whose state is the uint32 pair (key, counter)."""
    return ops.cast(_shift(_bits(shape, seed), 8), "float32") * 2.0**-24


def normal(shape: Sequence[Any], seed: keras.random.SeedGenerator) -> Any:
    """Standard normal float32 of `shape`, by the Box-Muller transform."""
    radius = ops.sqrt(-2.0 * ops.log(1.0 - uniform(shape, seed)))
    return radius * ops.cos(2.0 * math.pi * uniform(shape, seed))


def keep(shape: Sequence[Any], rate: float, seed: keras.random.SeedGenerator) -> Any:
    """A dropout mask of `shape`: 1 / (1 - rate) with probability 1 - rate, else 0 ("inverted" dropout)."""
    kept = _bits(shape, seed) >= _word(round(rate * 2**32))
    return ops.cast(kept, "float32") * (1.0 / (1.0 - rate))


def _bits(shape: Sequence[Any], seed: keras.random.SeedGenerator) -> Any:
    """Random uint32: each element's index, mixed under two words that hang on the whole state of `seed`."""
    state = ops.cast(seed.next(), "uint32")
    first = _mix(state[0] ^ _mix(state[1] + _word(0x9E3779B9)))
    size = (
        math.prod(shape)
        if all(isinstance(n, int) for n in shape)
        else ops.prod(ops.convert_to_tensor(shape))
    )
    return ops.reshape(
        _mix(ops.cast(ops.arange(size), "uint32") + first, key=_mix(first ^ state[1])), shape
    )


def _mix(x: Any, key: Any = 0) -> Any:
    x = (x ^ _shift(x, 16)) * _word(0x7FEB352D)
    x = (x ^ _shift(x, 15) ^ _word(key)) * _word(0x846CA68B)
    return x ^ _shift(x, 16)


def _shift(x: Any, bits: int) -> Any:
    return ops.right_shift(x, _word(bits))


def _word(value: Any) -> Any:
    return ops.cast(value, "uint32")
