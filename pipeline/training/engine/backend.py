"""TensorFlow as this project uses it, started without the startup messages of its libraries."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


@cache
def start(threads: int | None = None) -> None:
    """Import TensorFlow once and find its devices.

    `threads` limits how many threads a single operation, and all operations together, may use.
    """
    os.environ.update(ENVIRONMENT)
    with _quiet():
        import tensorflow as tf

        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.list_logical_devices()


@contextmanager
def _quiet() -> Iterator[None]:
    """Capture the process's standard error; write it out only if the block fails."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as withheld:
        os.dup2(withheld.fileno(), 2)
        try:
            yield
        except BaseException:
            withheld.seek(0)
            os.write(kept, withheld.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
