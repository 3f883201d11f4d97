"""TensorFlow as this project uses it, started without the lines that its libraries print before anybody can ask them not to."""

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
    """Import TensorFlow once, and find its devices; `threads` limits what one operation and all of them together may use."""
    os.environ.update(ENVIRONMENT)
    with _quiet():
        import tensorflow as tf

        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.list_logical_devices()


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what is written to the process's standard error; it is shown after all where the block fails."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
