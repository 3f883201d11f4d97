"""What the tests of the serving room share."""

from pathlib import Path

import pytest

from tests.serving.stand_in import Loader
from tests.workshop import Workshop


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Loader:
    return Loader(monkeypatch)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "workshop")
