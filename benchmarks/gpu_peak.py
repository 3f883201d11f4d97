"""The device's peak: floating-point operations per second of one large matrix product."""

import statistics
import time
from collections.abc import Callable

import numpy as np


def peaks(backend: str, size: int) -> dict[str, float]:
    """Return the measured peak of each kind of product, by `backend`, jax or tensorflow."""
    products = _jax_products(size) if backend == "jax" else _tensorflow_products(size)
    return {name: 2 * size**3 / _seconds(product) for name, product in products.items()}


def _seconds(product: Callable[[], object]) -> float:
    """Return the median of ten products, after three that are not timed."""
    times = []
    for _ in range(13):
        began = time.perf_counter()
        product()
        times.append(time.perf_counter() - began)
    return statistics.median(times[3:])


def _noise(size: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)


def _jax_products(size: int) -> dict[str, Callable[[], object]]:
    import jax
    import jax.numpy as jnp

    wide = jnp.asarray(_noise(size))

    def product(dtype: str, precision: str) -> Callable[[], object]:
        operand = wide.astype(dtype)
        run = jax.jit(lambda x: jnp.matmul(x, x, precision=precision))
        return lambda: run(operand).block_until_ready()

    return {
        "fp32": product("float32", "float32"),
        "tf32": product("float32", "tensorfloat32"),
        "bf16": product("bfloat16", "default"),
    }


def _tensorflow_products(size: int) -> dict[str, Callable[[], object]]:
    import tensorflow as tf

    wide = tf.constant(_noise(size))

    def product(dtype: str, tf32: bool) -> Callable[[], object]:
        operand = tf.cast(wide, dtype)

        def run() -> object:
            tf.config.experimental.enable_tensor_float_32_execution(tf32)
            return tf.matmul(operand, operand)[0, 0].numpy()

        return run

    return {
        "fp32": product("float32", False),
        "tf32": product("float32", True),
        "bf16": product("bfloat16", True),
    }
