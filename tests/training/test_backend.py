"""TensorFlow starts without messages, and withheld ones are shown if the start fails."""

import subprocess
import sys

START = """
from pipeline.training.engine import backend
backend.start(1)
import tensorflow as tf
assert float(tf.reduce_sum(tf.ones(3))) == 3
"""
FAIL = """
import os
from pipeline.training.engine import backend
with backend._quiet():
    os.write(2, b"the reason")
    raise ImportError("no")
"""


def stderr(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    ).stderr


def test_starting_prints_nothing() -> None:
    assert stderr(START) == ""


def test_withheld_messages_are_shown_if_the_start_fails() -> None:
    shown = stderr(FAIL)
    assert "the reason" in shown
    assert "ImportError: no" in shown
