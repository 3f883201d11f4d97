"""The GPUs of this machine, found without TensorFlow, which the workers' parent never imports."""

import os
from collections import Counter
from collections.abc import Sequence
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"  # what CUDA itself obeys: numbers or names, separated by commas
DRIVER = Path("/proc/driver/nvidia/gpus")  # the NVIDIA driver lists a folder for each GPU


def gpus(driver: Path = DRIVER) -> tuple[str, ...]:
    """Return what to set `VISIBLE` to for each GPU that this process may use.

    Empty without GPUs, or without the libraries that TensorFlow needs to use them.
    """
    if not cuda():
        return ()
    if VISIBLE in os.environ:
        names = os.environ[VISIBLE].split(",")
        return tuple(name for name in names if name.strip() not in ("", "-1"))
    if not driver.exists():
        return ()
    return tuple(str(number) for number, _ in enumerate(driver.iterdir()))


def cuda() -> bool:
    """Return whether CUDA's libraries are installed, from PyPI (`.[gpu]`) or the system."""
    return find_spec("nvidia") is not None or find_library("cudnn") is not None


def least_used(names: Sequence[str], taken: Sequence[str | None]) -> str | None:
    """Return the one of `names` that occurs least often in `taken`; None without names."""
    load = Counter(taken)
    return min(names, key=lambda name: load[name], default=None)
