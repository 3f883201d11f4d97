"""TensorFlow starts without a word, and what is held back is shown where it fails."""

import subprocess
import sys


def stderr(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    ).stderr


def test_starting_prints_nothing() -> None:
    code = "from pipeline.training.engine import backend; backend.start(1); import tensorflow as tf; assert float(tf.reduce_sum(tf.ones(3))) == 3"
    assert stderr(code) == ""


def test_what_was_held_back_is_shown_where_the_start_fails() -> None:
    code = "import os\nfrom pipeline.training.engine import backend\nwith backend._quiet():\n    os.write(2, b'the reason')\n    raise ImportError('no')"
    shown = stderr(code)
    assert "the reason" in shown
    assert "ImportError: no" in shown
