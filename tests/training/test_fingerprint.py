"""A fingerprint depends on everything that weights depend on, and on nothing else."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.learning import Train
from pipeline.config.model import Model, Shape
from pipeline.training.jobs import fingerprint as subject
from pipeline.training.jobs.fingerprint import fingerprint

SHAPE = Shape(lookback=8, horizon=2, targets=1)


def test_a_fingerprint_depends_on_everything_that_training_reads() -> None:
    wider = Model.model_validate({"recurrent": {"units": 16}})
    names = [
        fingerprint(Model(), Train(), SHAPE, "data"),
        fingerprint(wider, Train(), SHAPE, "data"),
        fingerprint(Model(), Train(learning_rate=0.5), SHAPE, "data"),
        fingerprint(Model(), Train(), Shape(lookback=9, horizon=2, targets=1), "data"),
        fingerprint(Model(), Train(), SHAPE, "other data"),
    ]
    assert len(set(names)) == len(names)


def test_how_the_work_is_distributed_changes_no_fingerprint() -> None:
    assert fingerprint(
        Model(), Train(workers=7, seeds=2, checkpoint_seconds=1, cluster="ray"), SHAPE, "data"
    ) == fingerprint(Model(), Train(), SHAPE, "data")


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fingerprints of a network without and with dropout, after an edit of a copy of the code."""
    shutil.copytree(
        subject.ROOT / "pipeline",
        tmp_path / "pipeline",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    monkeypatch.setattr(subject, "ROOT", tmp_path)
    dropout = Model.model_validate({"conv": {"dropout": {"kind": "standard", "rate": 0.1}}})

    def both(module: str, old: str, new: str) -> tuple[str, str]:
        path = tmp_path / f"pipeline/{module}.py"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))
        subject.code_hash.cache_clear()
        subject._syntax.cache_clear()
        return fingerprint(Model(), Train(), SHAPE, "data"), fingerprint(
            dropout, Train(), SHAPE, "data"
        )

    yield both
    subject.code_hash.cache_clear()
    subject._syntax.cache_clear()


def test_an_edit_of_a_layer_affects_only_networks_that_contain_it(edited: Any) -> None:
    before = edited("core/errors", "", "")
    after = edited("network/layers/dropout", "self.rate > 0", "self.rate > 0.0")
    assert after[0] == before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("training/engine/optimizers", "0.999", "0.99"),
        ("training/engine/samples", "default_rng([seed, epoch])", "default_rng([epoch, seed])"),
        ("network/layers/noise", "0x7FEB352D", "0x7FEB352F"),
        ("network/rnn/cells", "ops.", "keras.ops."),
    ],
)
def test_an_edit_of_the_training_affects_every_network(
    edited: Any, module: str, old: str, new: str
) -> None:
    before = edited("core/errors", "", "")
    after = edited(module, old, new)
    assert after[0] != before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("training/engine/fleet", "VALIDATION_BATCH = 512", "VALIDATION_BATCH = 512  # indeed"),
        ("training/engine/train_state", '"""Invert `save`."""', '"""Undo it."""'),
        ("config/kinds", "from pipeline", "import os\nfrom pipeline"),
        ("training/jobs/store", "import time", "import time as time"),
    ],
)
def test_comments_docstrings_and_the_table_of_kinds_affect_none(
    edited: Any, module: str, old: str, new: str
) -> None:
    before = edited("core/errors", "", "")
    assert edited(module, old, new) == before
