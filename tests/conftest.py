"""What all tests share: a quiet TensorFlow of one thread and no GPU, and no tracking server.

Tests run on all cores, file by file (`pytest -n auto --dist loadfile`), the longest first.
"""

import os

import pytest

os.environ |= {
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "DVC_NO_ANALYTICS": "1",
}
os.environ |= {"MPLBACKEND": "agg", "MLFLOW_DISABLE_TELEMETRY": "true"}
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
os.environ.pop("MLFLOW_TRACKING_URI", None)

LONGEST = ("test_end_to_end", "test_faults", "test_variants", "test_recurrent")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: what `make test-browser` runs, slow as well")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: (
            LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST)
        )
    )
