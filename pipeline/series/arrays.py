"""Arrays on disk that are longer than memory: written from the front to the end, read as memory maps."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.tables.rows import Array


class Writer:
    """A `.npy` file of a known shape, written piece by piece along its first axis: what `np.save` writes of the whole."""

    def __init__(self, path: Path, shape: tuple[int, ...], kind: Any) -> None:
        self.kind = np.dtype(kind)
        self.file = path.open("wb")
        header = {
            "descr": np.lib.format.dtype_to_descr(self.kind),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(self.file, header)

    def add(self, values: Array) -> None:
        """The next piece."""
        np.ascontiguousarray(values, self.kind).tofile(self.file)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def write(path: Path, shape: tuple[int, ...], kind: Any, pieces: Iterable[Array]) -> None:
    """Write all pieces of an array."""
    with Writer(path, shape, kind) as writer:
        for piece in pieces:
            writer.add(piece)
