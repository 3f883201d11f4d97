"""GPUs as seen without TensorFlow, and who works on which."""

from pathlib import Path

import pytest

from pipeline.training.jobs import devices


@pytest.fixture(autouse=True)
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "find_library", lambda name: f"lib{name}.so.9")


@pytest.mark.parametrize(
    ("visible", "names"),
    [("", ()), ("-1", ()), ("0,3", ("0", "3")), ("GPU-8932f937", ("GPU-8932f937",))],
)
def test_what_cuda_may_see_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, visible: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setenv(devices.VISIBLE, visible)
    assert devices.gpus() == names


def test_the_driver_s_list_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(devices.VISIBLE, raising=False)
    assert devices.gpus(tmp_path / "none") == ()
    for address in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / address).mkdir()
    assert devices.gpus(tmp_path) == ("0", "1")


def test_a_gpu_without_the_libraries_to_use_it_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(devices.VISIBLE, raising=False)
    (tmp_path / "0000:01:00.0").mkdir()
    assert devices.gpus(tmp_path) == ("0",)
    monkeypatch.setattr(devices, "find_library", lambda name: None)
    monkeypatch.setattr(devices, "find_spec", lambda name: None)
    assert devices.gpus(tmp_path) == ()


def test_workers_spread_over_gpus_and_are_packed_where_they_are_more() -> None:
    taken: list[str | None] = []
    for _ in range(5):
        taken.append(devices.least_used(("a", "b"), taken))
    assert taken == ["a", "b", "a", "b", "a"]
    assert devices.least_used((), taken) is None
