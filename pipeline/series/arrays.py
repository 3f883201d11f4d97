"""Arrays larger than memory: written piece by piece, read as memory maps."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.tables.rows import Array


class Writer:
    """Write a `.npy` file of a known shape piece by piece along its first axis.

    The file has the bytes that `np.save` writes for the whole array.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.file = path.open("wb")
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(self.file, header)

    def add(self, values: Array) -> None:
        """Append the next rows of the array."""
        np.ascontiguousarray(values, self.dtype).tofile(self.file)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def write(
    path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike, pieces: Iterable[Array]
) -> None:
    """Write the array whose rows are those of `pieces`."""
    with Writer(path, shape, dtype) as writer:
        for piece in pieces:
            writer.add(piece)
