"""Bytes that nobody meant as a table: each ends in a clean table or in one sentence about it."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core.errors import InputError
from pipeline.tables import cleaning

ROWS = 24
RULES = Validate.model_validate(
    {
        "max_gap": 2,
        "missing": {
            "default": {"policy": "forward_fill", "max_run": 2, "beyond": "cut"},
            "y": {"policy": "mask"},
        },
        "limits": {"y": {"min": -100, "max": 100, "outside": "missing"}},
    }
)
WAYS: dict[str, dict[str, Any]] = {
    "as usual": {},
    "in local days": {"time_zone": "America/Santiago", "frequency": "D"},
    "by order": {"time_zone": "Europe/Berlin", "ambiguous": "infer", "frequency": None},
    "as seconds": {"time_format": "epoch_s"},
    "by a format": {"time_format": "%Y-%m-%dT%H:%M:%S", "jitter": "5min"},
    "from two columns": {"time": ["when", "y"], "targets": ["x"], "categories": {}},
    "in a dialect": {"csv": {"separator": ";", "decimal": ",", "thousands": "."}},
}


def about(way: str) -> Data:
    columns = {"targets": ["y"], "past_covariates": ["x", "sky"], "categories": {"sky": "other"}}
    if "targets" in WAYS[way]:
        columns["past_covariates"] = ["sky"]
    base = {"path": "raw", "time": "when", "time_zone": "UTC", "series": "site", "frequency": "h"}
    chosen = Data.model_validate({**base, **columns, **WAYS[way]})
    return chosen if chosen.categories else chosen.model_copy(update={"past_covariates": ()})


@cache
def table(suffix: str) -> bytes:
    """A small sound table."""
    times = pd.date_range("2021-10-30T18:00:00", periods=ROWS // 2, freq="h")
    frame = pd.DataFrame(
        {
            "when": [f"{time:%Y-%m-%dT%H:%M:%S}" for time in times] * 2,
            "site": np.repeat(["A", "B"], ROWS // 2),
            "y": np.arange(ROWS) / 4,
            "x": np.arange(ROWS) % 5,
            "sky": ["rain", "sun", "snow"] * (ROWS // 3),
        }
    )
    written = io.BytesIO()
    if suffix == ".csv":
        frame.to_csv(written, index=False)
    else:
        frame.to_parquet(written)
    return written.getvalue()


places = st.floats(0, 1, exclude_max=True)
tokens = st.sampled_from(
    [b",", b'"', b"\n", b"\r", b";", b"\x00", b"\xff", b"NA", b"inf", b"1e999", b"-", b"9" * 40]
)
changes = st.lists(
    st.tuples(places, st.integers(0, 8), st.one_of(tokens, st.binary(max_size=4))),
    min_size=1,
    max_size=6,
)


def mutate(content: bytes, edits: Sequence[tuple[float, int, bytes]]) -> bytes:
    """Replace some bytes by others, as many or not."""
    for place, length, new in edits:
        start = int(place * len(content))
        content = content[:start] + new + content[start + length :]
    return content


def check(suffix: str, way: str, edits: Sequence[tuple[float, int, bytes]]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        raw = folder / f"raw{suffix}"
        raw.write_bytes(mutate(table(suffix), edits))
        try:
            cleaning.clean(about(way), RULES, raw, folder)
        except InputError as error:
            assert error.findings
            assert all(finding.startswith((str(raw), "params.yaml")) for finding in error.findings)
        else:
            assert pq.read_metadata(folder / "table.parquet").num_rows


quick = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
long = settings(quick, max_examples=2000)
inputs = {"suffix": st.sampled_from([".csv", ".csv", ".parquet"]), "way": st.sampled_from([*WAYS])}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_sound_table_ends_in_a_clean_one_or_in_findings(suffix: str, way: str) -> None:
    check(suffix, way, [])


@quick
@given(edits=changes, **inputs)
def test_a_damaged_table_ends_in_a_clean_one_or_in_findings(
    suffix: str, way: str, edits: list[tuple[float, int, bytes]]
) -> None:
    check(suffix, way, edits)


@pytest.mark.slow
@long
@given(edits=changes, **inputs)
def test_two_thousand_damaged_tables_end_in_a_clean_one_or_in_findings(
    suffix: str, way: str, edits: list[tuple[float, int, bytes]]
) -> None:
    check(suffix, way, edits)
