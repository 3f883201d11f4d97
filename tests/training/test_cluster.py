"""Without a cluster training is rejected; files arrive at a node unchanged.

A cluster that loses a node is in `test_faults.py`.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.training.jobs import cluster
from pipeline.training.jobs.task import FleetTask

from .conftest import SHAPE, TRAIN, tiny

ROOT = Path(__file__).parents[2]
CODE = """
from pipeline.core.errors import InputError
from pipeline.training.jobs import cluster
try:
    cluster.connect()
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("break_", "says"),
    [
        ("", "no cluster answers"),
        ("import sys; sys.modules['ray'] = None\n", r"pip install '.[cluster]'"),
    ],
)
def test_without_a_cluster_or_without_ray_training_is_rejected_with_what_to_do(
    break_: str, says: str
) -> None:
    output = subprocess.run(
        [sys.executable, "-c", break_ + CODE], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert output.startswith("train.cluster is ray")
    assert says in output


def test_the_files_that_training_reads_arrive_once_and_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in {
        "standardized/standardized.npy": b"\x93numbers",
        "windows/train.npy": b"starts",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(cluster.tempfile, "gettempdir", lambda: str(tmp_path / "node"))
    task = FleetTask(
        "name", "name", tiny(), TRAIN, SHAPE, (0,), tmp_path / "standardized", tmp_path / "windows"
    )
    first, second = (cluster._unpack(cluster._pack(task)) for _ in range(2))
    assert first == second
    assert sorted(str(path.relative_to(first)) for path in first.rglob("*.npy")) == [
        "standardized/standardized.npy",
        "windows/train.npy",
    ]
    assert (first / "standardized/standardized.npy").read_bytes() == b"\x93numbers"
