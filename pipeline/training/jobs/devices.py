"""The GPUs of this machine, found without TensorFlow, which the parent of the workers never imports."""

import os
from collections import Counter
from collections.abc import Sequence
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path

VISIBLE = (
    "CUDA_VISIBLE_DEVICES"  # what CUDA itself obeys: numbers or names, with commas between them
)
DRIVER = Path("/proc/driver/nvidia/gpus")  # the NVIDIA driver lists a folder for each


def gpus(driver: Path = DRIVER) -> tuple[str, ...]:
    """What to set `VISIBLE` to for each GPU that this process may use; empty without any, or without what TensorFlow needs to use it."""
    if not cuda():
        return ()
    if VISIBLE in os.environ:
        return tuple(
            name for name in os.environ[VISIBLE].split(",") if name.strip() not in ("", "-1")
        )
    return tuple(map(str, range(len(list(driver.iterdir()))))) if driver.exists() else ()


def cuda() -> bool:
    """Are the libraries of CUDA here, from PyPI (`pip install .[gpu]`) or the system?"""
    return find_spec("nvidia") is not None or find_library("cudnn") is not None


def emptiest(names: Sequence[str], taken: Sequence[str | None]) -> str | None:
    """The one of `names` that the fewest of `taken` are; null where there are none."""
    load = Counter(taken)
    return min(names, key=lambda name: load[name], default=None)
