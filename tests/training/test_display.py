"""How far training has come: a live table on a terminal, plain lines everywhere else."""

import os
import pty
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
from pathlib import Path
from pipeline.config.model import Model, Shape
from pipeline.config.learning import Train
from pipeline.training.jobs.display import Display
from pipeline.training.jobs.task import FleetTask, Progress
rest = Model(), Train(epochs=8), Shape(8, 2, 1), (0, 1), Path(), Path()
fleets = [FleetTask(name, name, *rest) for name in ("first", "second")]
with Display(fleets) as display:
    display.progress(fleets[0], Progress(4, 0.1234))
    if display.live:
        display.live.refresh()
    display.say("an event")
    display.progress(fleets[0], Progress(8, 0.1, {}, ("result",)))
"""


def lines(output: str) -> list[str]:
    return [line.rstrip() for line in output.splitlines() if line.strip()]


def test_without_a_terminal_there_is_one_line_for_each_event() -> None:
    output = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    first, event, done = lines(output)
    assert first == "train: 2 fleets to train"
    assert event == "an event"
    assert done.startswith("train: first ")
    assert " 50% done, about 0:0" in done


def test_what_an_earlier_run_did_counts_neither_as_done_nor_in_the_time_left() -> None:
    resumed = "fleets = [replace(fleet, checkpoint={'epoch': 6, 'steps': 0}) for fleet in fleets]"
    code = CODE.replace("with Display", f"{resumed}\nwith Display").replace(
        "Progress(4,", "Progress(7,"
    )
    output = subprocess.run(
        [sys.executable, "-c", "from dataclasses import replace" + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert " 50% done, about 0:0" in lines(output)[-1]


def test_on_a_terminal_there_is_a_table_with_epoch_best_loss_and_time_left() -> None:
    status, output = on_a_terminal(CODE)
    assert status == 0
    for part in (
        "25% done, about",
        "left",
        "best validation loss so far",
        "4 of at most 8",
        "0.1234",
        "an event",
    ):
        assert part in output, part


def test_on_a_terminal_nothing_to_train_is_done_at_once() -> None:
    status, output = on_a_terminal(
        "from pipeline.training.jobs.display import Display\nwith Display([]):\n    pass"
    )
    assert status == 0, output
    assert "train: 0 fleets to train" in output


def on_a_terminal(code: str) -> tuple[int, str]:
    """Exit status and output of a process on a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(theirs)
    output = b""
    while chunk := _read(ours):
        output += chunk
    return process.wait(), output.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""
