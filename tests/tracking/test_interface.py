"""The command that starts MLflow's interface: which store, which port, which link."""

import os
import socket
from pathlib import Path

import pytest

from pipeline.core.errors import InputError
from pipeline.tracking import __main__ as interface
from pipeline.tracking.experiment import Experiment
from tests.workshop import empty_mlflow


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines of the servers that were started."""
    commands: list[list[str]] = []
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_PORT", raising=False)
    monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    monkeypatch.setattr(os, "execv", lambda program, command: commands.append(command))
    return commands


@pytest.fixture
def folder(tmp_path: Path, started: list[list[str]]) -> Path:
    folder = empty_mlflow(tmp_path / "mlruns")
    Experiment(folder, "study")
    return folder


def test_the_link_leads_to_the_prepared_view_at_the_port_of_the_server(
    folder: Path,
    started: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    monkeypatch.setenv("MLFLOW_PORT", str(free))
    interface.show(folder, "study")
    (command,) = started
    assert command[command.index("--port") + 1] == str(free)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    (line,) = [text for text in capsys.readouterr().out.splitlines() if text[:4] == "Open"]
    assert line.startswith(f"Open http://127.0.0.1:{free}/#/experiments/")
    assert "viewStateShareKey=study" in line


def test_a_default_port_in_use_gives_way_to_a_free_one_and_is_named(
    folder: Path,
    started: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(interface, "PORT", port)
        interface.show(folder, "study")
    (command,) = started
    assert command[command.index("--port") + 1] != str(port)
    assert f"Port {port} is in use" in capsys.readouterr().out


@pytest.mark.parametrize("asked", ["none", "0", "65536"])
def test_a_port_that_is_none_is_rejected(
    folder: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("MLFLOW_PORT", asked)
    with pytest.raises(InputError, match="from 1 to 65535"):
        interface.show(folder, "study")
    assert not started


def test_a_port_that_was_asked_for_and_is_in_use_is_rejected(
    folder: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("MLFLOW_PORT", str(taken.getsockname()[1]))
        with pytest.raises(InputError, match="in use"):
            interface.show(folder, "study")
    assert not started


def test_without_a_store_there_is_nothing_to_show(tmp_path: Path, started: list[list[str]]) -> None:
    with pytest.raises(InputError, match="run `dvc repro`"):
        interface.show(tmp_path / "mlruns", "study")
    assert not started


def test_results_that_cannot_be_published_leave_mlflow_as_it_was_and_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # there is no project here
    interface.publish()
    assert "MLflow shows earlier results: ERROR: " in capsys.readouterr().out
