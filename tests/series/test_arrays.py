"""Arrays that are written piece by piece."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.series import arrays


@pytest.mark.parametrize(("shape", "kind"), [((50, 3), np.float32), ((50,), np.int64)])
def test_an_array_in_pieces_is_the_file_that_numpy_writes_of_the_whole(
    shape: tuple[int, ...], kind: Any, tmp_path: Path
) -> None:
    whole = np.random.default_rng(0).normal(size=shape).astype(kind)
    np.save(tmp_path / "whole.npy", whole)
    arrays.write(
        tmp_path / "pieces.npy",
        shape,
        kind,
        (whole[start : start + 7] for start in range(0, 50, 7)),
    )
    assert (tmp_path / "pieces.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
