"""Raw rows that tests make regular, fill and cut."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.config.data import Csv
from pipeline.tables.raw import Numbering, RawRows, Texts
from pipeline.tables.source import File

Make = Callable[..., RawRows]


@pytest.fixture(scope="session")
def raw_rows() -> Make:
    """Makes rows of one column `x` from the times and values of each series."""

    def make(*series: tuple[Any, Any]) -> RawRows:
        times, values = ([np.asarray(part[kind]) for part in series] for kind in (0, 1))
        lengths = [len(part) for part in times]
        names = tuple(chr(ord("A") + number) for number in range(len(series)))
        rows = sum(lengths)
        texts = {"x": Texts(np.empty(0, np.int64), pa.chunked_array([], pa.string()))}
        path = Path("raw.parquet")
        numbering = Numbering(path, [File(path, Csv())], [0])
        moments = np.concatenate(times).astype("datetime64[ns]")
        return RawRows(
            names,
            np.repeat(np.arange(len(series), dtype=np.int32), lengths),
            moments,
            {"x": np.concatenate(values).astype(float)},
            {},
            np.arange(rows),
            np.zeros(rows, bool),
            numbering,
            texts,
            {},
        )

    return make
