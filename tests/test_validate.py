"""The promises of `validate`: what it rejects, what it fills, and that it changes nothing else."""

import gc
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ruamel.yaml import YAML

from pipeline import standardize, validate
from pipeline.config import params
from pipeline.config.data import Data
from pipeline.config.params import Params
from pipeline.config.sections import Window
from pipeline.config.standardization import Standardize
from pipeline.config.validation import Validate
from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.tables import blocks, frequency, ordering, rows, source, spool

PROJECT = Path(__file__).parents[1]
COMMITTED = params.read(PROJECT / "params.yaml")
EMBEDDED = PROJECT / COMMITTED.data.path
HOURS = 60
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


def table() -> pd.DataFrame:
    """Two complete hourly series, everything as it stands in a CSV."""
    times = [f"2013-01-{1 + hour // 24:02}T{hour % 24:02}:00:00Z" for hour in range(HOURS)]
    parts = [
        pd.DataFrame(
            {
                "when": times,
                "site": site,
                "x": np.arange(HOURS) + 0.5,
                "y": np.sin(np.arange(HOURS)),
            }
        )
        for site in ("A", "B")
    ]
    return pd.concat(parts, ignore_index=True).astype(object)


def settings(
    rules: Mapping[str, Any] | None = None, window: Mapping[str, int] | None = None, **data: Any
) -> Params:
    """The committed parameters about the table above."""
    about = {
        "path": "unused",
        "time": "when",
        "time_zone": "UTC",
        "series": "site",
        "frequency": "h",
        "targets": ["x"],
        "past_covariates": ["y"],
        **data,
    }
    update = {
        "data": Data(**about),
        "validate_": Validate(**{"max_gap": 0, **(rules or {})}),
        "standardize": Standardize.model_validate({"split": SHARES}),
        "window": Window(**(window or {"lookback": 3, "horizon": 2})),
    }
    return COMMITTED.model_copy(update=update)


def run(chosen: Params, raw: Path, out: Path) -> None:
    """The stage on the raw table `raw`."""
    data = chosen.data.model_copy(update={"path": str(raw)})
    validate.run(chosen.model_copy(update={"data": data}), out)


def write(path: Path, frame: pd.DataFrame) -> Path:
    """As CSV."""
    frame.to_csv(path, index=False)
    return path


def changed(*cells: tuple[Any, str, Any]) -> pd.DataFrame:
    """The table with other values at (rows, column)."""
    frame = table()
    for place, column, value in cells:
        frame.loc[place, column] = value
    return frame


def clean(
    tmp_path: Path, frame: pd.DataFrame, *args: Any, **data: Any
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Run the stage on a frame: the clean table and its report."""
    run(settings(*args, **data), write(tmp_path / "raw.csv", frame), tmp_path / "out")
    return pd.read_parquet(tmp_path / "out" / "table.parquet"), files.read_json(
        tmp_path / "out" / "report.json"
    )


@dataclass
class Bad:
    """An input that is rejected, and what the one line about it must say."""

    frame: Callable[[], pd.DataFrame]
    says: list[str]
    rules: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    window: dict[str, int] = field(default_factory=lambda: {"lookback": 3, "horizon": 2})


INTERPOLATE = {"missing": {"default": {"policy": "interpolate", "max_run": 2}}}
REJECTED = {
    "a column that was not found": Bad(
        table, ["'humd' was not found", "x, y", "data"], data={"past_covariates": ["humd"]}
    ),
    "a misspelt column": Bad(
        lambda: table().rename(columns={"y": "humid"}),
        ["'humd'", "did you mean 'humid'"],
        data={"past_covariates": ["humd"]},
    ),
    "a time column that was not found": Bad(
        table, ["'wen' was not found", "did you mean 'when'"], data={"time": "wen"}
    ),
    "a column in two roles": Bad(
        table, ["params.yaml", "'x' is named 2 times", "one role"], data={"past_covariates": ["x"]}
    ),
    "a column named like one of ours": Bad(
        lambda: table().rename(columns={"y": "segment"}),
        ["'segment'", "rename"],
        data={"past_covariates": ["segment"]},
    ),
    "a policy for no column": Bad(
        table,
        ["params.yaml: validate.missing.z", "no such column", "x, y"],
        {"missing": {"z": {"policy": "refuse"}}},
    ),
    "limits for no column": Bad(
        table,
        ["params.yaml: validate.limits.z", "no such column", "x, y"],
        {"limits": {"z": {"max": 1}}},
    ),
    "a time that is none": Bad(
        lambda: changed((5, "when", "2013-13-01")),
        ["'when', series 'A'", "cannot be read: 1 of 60", "'2013-13-01' (line 7)", "ISO 8601"],
    ),
    "an ambiguous way to write times": Bad(
        lambda: changed((slice(None), "when", "01/02/2013")),
        ["'A'", "60 of 60", "'01/02/2013'", "data.time_format"],
    ),
    "numbers in place of times": Bad(
        lambda: changed((slice(None), "when", 1357020000)),
        ["'A'", "60 of 60", "'1357020000'", "ISO 8601"],
    ),
    "a time out of range": Bad(
        lambda: changed((5, "when", "9999-12-31")),
        ["'9999-12-31' (line 7)", "between 1678 and 2261"],
    ),
    "a missing time": Bad(
        lambda: changed((5, "when", "NA")),
        ["'when', series 'A'", "missing: 1 of 60", "line 7", "its time"],
    ),
    "a missing series": Bad(
        lambda: changed((5, "site", "")),
        ["'site'", "1 of 120", "line 7", "give each row its series"],
    ),
    "a duplicated time": Bad(
        lambda: changed((5, "when", table().when[4])),
        [
            "duplicated timestamps",
            "series 'A'",
            "1 of 60",
            "2013-01-01T04:00:00Z (line 7)",
            "one row for each",
        ],
    ),
    "series that are not distinguished": Bad(
        table, ["series 'all'", "60 of 120", "(line 62)", "data.series"], data={"series": None}
    ),
    "a time off the frequency": Bad(
        lambda: changed((5, "when", "2013-01-01T05:30Z")),
        ["'h'", "1 of 60", "2013-01-01T05:30:00Z", "data.frequency"],
    ),
    "a frequency that is too long": Bad(
        table, ["'2h'", "30 of 60", "data.frequency"], data={"frequency": "2h"}
    ),
    "a frequency that is too short": Bad(
        table,
        ["'30min'", "59 of 60", "2013-01-01T01:00:00Z", "data.frequency"],
        data={"frequency": "30min"},
    ),
    "a frequency that is none": Bad(
        table,
        ["params.yaml: data.frequency", "'fortnight'", "15min, h, D"],
        data={"frequency": "fortnight"},
    ),
    "a frequency that goes back": Bad(
        table, ["params.yaml: data.frequency", "'-1h'"], data={"frequency": "-1h"}
    ),
    "no frequency at all": Bad(
        lambda: table().iloc[[0, 1, 3, 7, 15, 31]],
        ["no frequency can be inferred", "set data.frequency"],
        data={"frequency": None},
    ),
    "text in numbers": Bad(
        lambda: changed((3, "x", "abc")),
        [
            "'x', series 'A'",
            "text",
            "1 of 60",
            "'abc' at 2013-01-01T03:00:00Z (line 5)",
            "data.csv",
            "data.categories",
        ],
    ),
    "a decimal comma in quotes": Bad(
        lambda: changed((3, "x", "1,5")), ["'1,5' at 2013-01-01T03:00:00Z", "data.csv"]
    ),
    "an infinity": Bad(
        lambda: changed((3, "y", "-inf")),
        [
            "'y', series 'A'",
            "infinite",
            "1 of 60",
            "-inf at 2013-01-01T03:00:00Z",
            "validate.limits",
        ],
    ),
    "a number beyond 32 bits": Bad(
        lambda: changed((3, "y", "1e39")), ["'y'", "beyond", "1e+39 at 2013-01-01T03:00:00Z"]
    ),
    "a value outside of its limits": Bad(
        lambda: changed((61, "x", 1048.36)),
        [
            "'x', series 'B'",
            "0 to 150",
            "1 of 60",
            "1048.36 at 2013-01-01T01:00:00Z",
            "validate.limits.x",
        ],
        {"limits": {"x": {"min": 0, "max": 150}}},
    ),
    "a missing value": Bad(
        lambda: changed((slice(3, 4), "y", "NA")),
        [
            "'y', series 'A'",
            "2 of 60",
            "2013-01-01T03:00:00Z (line 5)",
            "validate.missing.y",
            "data.past_covariates",
        ],
    ),
    "a value that limits made missing": Bad(
        lambda: changed((3, "y", 9)),
        ["'y'", "missing values: 1"],
        {"limits": {"y": {"max": 1, "outside": "missing"}}},
    ),
    "too many missing values in a row": Bad(
        lambda: changed((slice(3, 5), "y", "")),
        ["'y'", "3 of 60", "3 in a row at 2013-01-01T03:00:00Z", "max_run: 2", "(mask), cut"],
        INTERPOLATE,
    ),
    "nothing before to interpolate from": Bad(
        lambda: changed((60, "y", "")),
        ["'y', series 'B'", "1 of 60", "before and after", "2013-01-01T00:00:00Z"],
        INTERPOLATE,
    ),
    "nothing after to interpolate to": Bad(
        lambda: changed((59, "y", "")),
        ["'y', series 'A'", "1 of 60", "before and after", "2013-01-03T11:00:00Z"],
        INTERPOLATE,
    ),
    "nothing before to fill forward": Bad(
        lambda: changed((0, "y", "")),
        ["'y', series 'A'", "a value before them"],
        {"missing": {"y": {"policy": "forward_fill", "max_run": 2}}},
    ),
    "nothing to interpolate from beside a cut": Bad(
        lambda: changed((20, "y", "")).drop(range(21, 30)),
        ["'y', series 'A'", "2013-01-01T20:00:00Z", "raise validate.max_gap"],
        INTERPOLATE,
    ),
    "a gap that is filled for a column without a policy": Bad(
        lambda: table().drop([5, 6]),
        [
            "'y', series 'A'",
            "2 of 60",
            "2013-01-01T05:00:00Z",
            "validate.missing.y",
            "validate.max_gap to 0",
        ],
        {"max_gap": 2, "missing": {"x": {"policy": "interpolate", "max_run": 2}}},
    ),
    "a gap that is longer than its fill": Bad(
        lambda: table().drop([5, 6, 7]),
        ["'y'", "3 in a row", "lower validate.max_gap"],
        {
            **INTERPOLATE,
            "max_gap": 3,
            "missing": {"x": {"policy": "forward_fill", "max_run": 3}, **INTERPOLATE["missing"]},
        },
    ),
    "a column that is mostly missing": Bad(
        lambda: changed((slice(0, 39), "y", "NA")),
        ["'y', series 'A'", "mostly missing: 40 of 60", "drop it from data.past_covariates"],
        INTERPOLATE,
    ),
    "a column that is constant": Bad(
        lambda: table().query("site == 'A'").assign(y=3),
        ["'y', series 'A'", "3 everywhere: 60 of 60", "drop it from data.past_covariates"],
    ),
    "fewer rows than one window for each part": Bad(
        lambda: table().query("site == 'A' or x < 20"),
        [
            "series 'B'",
            "no window for validation and test",
            "11 consecutive rows (lookback 3, horizon 8)",
            "20 rows from 2013-01-01T00:00:00Z",
            "window.horizon",
        ],
        window={"lookback": 3, "horizon": 8},
    ),
    "a series that is cut too often": Bad(
        lambda: table().drop(range(0, 60, 4)),
        [
            "series 'A'",
            "no window for train and validation and test",
            "at most 3 of them without a gap",
            "validate.max_gap",
        ],
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_bad_table_is_rejected_with_what_is_wrong_and_what_to_do(
    case: str, tmp_path: Path
) -> None:
    bad = REJECTED[case]
    raw = write(tmp_path / "raw.csv", bad.frame())
    with pytest.raises(InputError) as rejection:
        run(settings(bad.rules, bad.window, **bad.data), raw, tmp_path / "out")
    line = rejection.value.findings[0]
    assert [part for part in bad.says if part not in line] == []
    assert line.startswith((str(raw), "params.yaml"))
    assert len({finding.split(", series")[0] for finding in rejection.value.findings}) == 1, (
        "one problem is reported once"
    )
    assert not (tmp_path / "out").exists()


FILES = {
    "nothing": (None, "no such file", ".csv"),
    "an empty file": (b"", "cannot be read", ".csv"),
    "a header alone": (b"when,site,x,y\n", "holds no rows", ".csv"),
    "semicolons": (b"when;site;x;y\n2013-01-01;A;1;2\n", "data.csv.separator to ';'", ".csv"),
    "a line with a field too many": (
        b"when,site,x,y\n2013-01-01,A,1,2\n2013-01-02,A,1,5,2\n",
        "first line 3 with 5: '2013-01-02,A,1,5,2'",
        ".csv",
    ),
    "another encoding": (
        "when,site,x,y\n2013-01-01,Zürich,1,2\n".encode("latin-1"),
        "cannot be read",
        ".csv",
    ),
    "a duplicated column": (
        b"when,site,x,y,y\n2013-01-01,A,1,2,3\n",
        "'y' is duplicated (2 times)",
        ".csv",
    ),
    "no Parquet": (b"when,site,x,y\n", "cannot be read", ".parquet"),
    "another format": (b"when,site,x,y\n", "neither .csv nor .parquet", ".xlsx"),
}


@pytest.mark.parametrize("case", FILES)
def test_an_unreadable_file_is_rejected_by_name(case: str, tmp_path: Path) -> None:
    content, says, suffix = FILES[case]
    raw = tmp_path / f"raw{suffix}"
    if content is not None:
        raw.write_bytes(content)
    with pytest.raises(InputError) as rejection:
        run(settings(), raw, tmp_path / "out")
    assert says in rejection.value.findings[0]
    assert rejection.value.findings[0].startswith(str(raw))


def test_a_folder_without_tables_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("where the data came from")
    with pytest.raises(InputError, match=r"holds no \.csv or \.parquet file"):
        run(settings(), tmp_path, tmp_path / "out")


def test_all_findings_are_reported_at_once(tmp_path: Path) -> None:
    frame = changed((3, "x", "abc"), (64, "x", "abc"), (70, "y", "inf"), (8, "when", "zzz"))
    with pytest.raises(InputError) as rejection:
        clean(
            tmp_path,
            frame,
            {"limits": {"z": {}}},
            past_covariates=["y", "humid"],
            frequency="fortnight",
        )
    reported = [
        ["limits.z"],
        ["'humid'"],
        ["'when'", "'A'"],
        ["'x'", "'A'"],
        ["'x'", "'B'"],
        ["'y'", "'B'"],
        ["data.frequency"],
    ]
    assert len(rejection.value.findings) == len(reported)
    assert all(
        any(all(part in finding for part in parts) for finding in rejection.value.findings)
        for parts in reported
    )


def test_a_series_without_any_usable_time_hides_no_other_finding(tmp_path: Path) -> None:
    with pytest.raises(InputError) as rejection:
        clean(
            tmp_path,
            changed(
                (slice(60, None), "when", "soon"), (7, "when", "2013-01-01T07:30Z"), (3, "x", "abc")
            ),
        )
    assert [finding.split(": ")[1:3] for finding in rejection.value.findings] == [
        ["column 'when', series 'B'", "times that cannot be read"],
        ["column 'x', series 'A'", "text where a number should be"],
        [
            "column 'when', series 'A'",
            "times off the frequency 'h', counted from the first time of the series",
        ],
    ]


def test_a_finding_names_the_file_of_the_folder_in_which_it_stands(tmp_path: Path) -> None:
    frame = changed((70, "x", "abc"))
    for number, part in enumerate((frame[:60], frame[60:])):
        write(tmp_path / f"{number}.csv", part)
    with pytest.raises(
        InputError, match=rf"^{tmp_path}/1\.csv: column 'x', series 'B'.*\(line 12\)"
    ):
        run(settings(), tmp_path, tmp_path / "out")


def test_a_problem_of_many_series_is_spelled_out_for_some_and_counted_for_the_others(
    tmp_path: Path,
) -> None:
    frame = pd.concat([table().assign(site=f"{number:03}", y="text")[:60] for number in range(99)])
    with pytest.raises(InputError) as rejection:
        clean(tmp_path, frame)
    assert len(rejection.value.findings) < 20
    assert "89 more series" in rejection.value.findings[-1]


SIZES = [
    (source, "ROWS_A_BATCH", 7),
    (source, "BYTES_A_BATCH", 200),
    (blocks, "ROWS_A_BLOCK", 5),
    (spool, "PIECE", 11),
    (ordering, "PIECE", 13),
    (frequency, "PIECE", 9),
]


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, no part of a table that is held in memory has more than a few rows."""

    def switch() -> None:
        for module, name, size in SIZES:
            monkeypatch.setattr(module, name, size)

    return switch


@pytest.mark.parametrize("case", REJECTED)
def test_what_is_rejected_does_not_depend_on_the_parts_in_which_a_table_is_read(
    case: str, tmp_path: Path, in_small_parts: Callable[[], None]
) -> None:
    bad = REJECTED[case]
    raw = write(tmp_path / "raw.csv", bad.frame())
    reported = []
    for switch in (lambda: None, in_small_parts):
        switch()
        with pytest.raises(InputError) as rejection:
            run(settings(bad.rules, bad.window, **bad.data), raw, tmp_path / "out")
        reported.append(rejection.value.findings)
    assert reported[0] == reported[1]


IMPERFECT = changed(
    (slice(0, 7), "y", "5000"),
    (slice(10, 22), "y", "NA"),
    (30, "x", "nan"),
    (slice(58, 59), "y", ""),
    (100, "y", "1e6"),
    (119, "x", ""),
).drop([*range(40, 42), *range(48, 53), 80, 111])
RULES = {
    "max_gap": 2,
    "missing": {"default": {"policy": "forward_fill", "max_run": 30}},
    "limits": {"y": {"max": 5000, "outside": "missing"}},
}


@pytest.mark.parametrize("data", [{}, {"rows": 33, "frequency": None}], ids=["all", "the first 33"])
@pytest.mark.parametrize("order", ["sorted", "by time", "shuffled"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_written_does_not_depend_on_the_parts_in_which_a_table_is_read(
    data: dict[str, Any],
    order: str,
    suffix: str,
    tmp_path: Path,
    in_small_parts: Callable[[], None],
) -> None:
    frame = {
        "sorted": IMPERFECT,
        "by time": IMPERFECT.sort_values("when", kind="stable"),
        "shuffled": IMPERFECT.sample(frac=1, random_state=0),
    }[order]
    raw = tmp_path / f"raw.{suffix}"
    frame.to_csv(raw, index=False) if suffix == "csv" else frame.astype(str).to_parquet(raw)
    for name, switch in (("whole", lambda: None), ("parts", in_small_parts)):
        switch()
        run(settings(RULES, **data), raw, tmp_path / name)
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()
    assert files.read_json(tmp_path / "parts" / "report.json")["filled"]


def peak(folder: Path, length: int) -> int:
    """Return the bytes that the first two stages hold at most of a table of so many rows.

    It is in order of time, and has to be sorted by series.
    """
    folder.mkdir()
    step, site = np.divmod(np.arange(length), 4)
    numbers = {name: np.random.default_rng(0).normal(size=length) for name in "abcdefgh"}
    frame = pd.DataFrame(
        {
            "when": np.datetime64("2013-01-01", "s") + step * 3600,
            "site": site.astype(str),
            **numbers,
        }
    )
    frame.to_parquet(folder / "raw.parquet", row_group_size=1 << 12)
    chosen, usual = (
        settings(targets=["a"], past_covariates=list("bcdefgh")),
        pa.default_memory_pool(),
    )
    pool = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(pool)
    gc.collect()
    gc.freeze()  # what other tests left must not delay the collection of what these stages leave
    tracemalloc.start()
    try:
        run(chosen, folder / "raw.parquet", folder / "clean")
        standardize.run(chosen, folder / "clean", folder / "standardized")
        return tracemalloc.get_traced_memory()[1] + pool.max_memory()
    finally:
        tracemalloc.stop()
        gc.unfreeze()
        pa.set_memory_pool(usual)


def test_a_longer_table_takes_no_more_memory_except_for_its_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, _ in [*SIZES, (rows, "ROWS_A_GROUP", 0)]:
        monkeypatch.setattr(module, name, 1 << 12)
    short, long = (
        peak(tmp_path / name, length) for name, length in (("short", 20_000), ("long", 100_000))
    )
    assert long - short < 80_000 * 8 * 8 / 4


def test_the_embedded_table_passes_and_every_change_to_it_is_reported(tmp_path: Path) -> None:
    data, before = COMMITTED.data, EMBEDDED.read_bytes()
    run(COMMITTED, EMBEDDED, tmp_path)
    frame = pd.read_parquet(tmp_path / "table.parquet")
    totals = files.read_json(tmp_path / "report.json")["totals"]
    assert EMBEDDED.read_bytes() == before
    raw = pd.read_csv(EMBEDDED, parse_dates=list(data.time))
    raw = raw.set_index([data.series_column, *data.time])[list(data.columns)]
    index = pd.MultiIndex.from_frame(frame[["series", "time"]])
    was, now = raw.reindex(index), frame.set_index(index)[list(data.columns)]
    assert raw.index.isin(index).all()
    for column in data.columns:
        counts = {kind: totals[kind].get(column, 0) for kind in totals}
        assert now[column].isna().sum() == counts["masked"]
        assert (was[column].isna() & now[column].notna()).sum() <= counts["filled"]
        assert ((was[column] != now[column]) & was[column].notna()).sum() == counts["outside"]


def test_the_clean_table_has_the_promised_columns_and_types(tmp_path: Path) -> None:
    frame, report = clean(tmp_path, table().drop(range(20, 25)))
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "series": "str",
        "time": "datetime64[ns, UTC]",
        "segment": "int32",
        "x": "float64",
        "y": "float64",
    }
    assert list(frame.segment.unique()) == [0, 1, 2]
    assert report["rows"] == 115
    assert report["series"]["A"] == {
        "rows": 55,
        "first": "2013-01-01T00:00:00Z",
        "last": "2013-01-03T11:00:00Z",
        "segments": 2,
    }
    assert report["cuts"] == [
        {
            "series": "A",
            "last": "2013-01-01T19:00:00Z",
            "time": "2013-01-02T01:00:00Z",
            "missing_rows": 5,
        }
    ]


def stretch(series: str, column: str, hour: int, rows: int, **more: Any) -> dict[str, Any]:
    """A stretch of the report that begins in an hour of the first day."""
    times = {
        "first": f"2013-01-01T{hour:02}:00:00Z",
        "last": f"2013-01-01T{hour + rows - 1:02}:00:00Z",
    }
    return {"series": series, "column": column, "rows": rows, **times, **more}


def test_short_gaps_are_filled_and_every_filled_stretch_is_listed(tmp_path: Path) -> None:
    frame, report = clean(
        tmp_path, changed((9, "x", "NA")).drop([5, 6]), {**INTERPOLATE, "max_gap": 2}
    )
    assert frame.x.tolist()[:60] == [hour + 0.5 for hour in range(60)]
    assert report["filled"] == [
        stretch("A", "x", 5, 2, how="interpolate"),
        stretch("A", "x", 9, 1, how="interpolate"),
        stretch("A", "y", 5, 2, how="interpolate"),
    ]
    assert report["totals"]["filled"] == {"x": 3, "y": 2}


@pytest.mark.parametrize(
    "spelling", ["", "NA", "nan", "NaN", "null", "N/A", "#N/A", "<NA>", "None", " NA "]
)
def test_the_usual_spellings_of_a_missing_value_are_missing(spelling: str, tmp_path: Path) -> None:
    _, report = clean(tmp_path, changed((9, "x", spelling)), INTERPOLATE)
    assert len(report["filled"]) == 1


def test_a_value_outside_of_its_limits_can_be_treated_as_missing(tmp_path: Path) -> None:
    rules = {**INTERPOLATE, "limits": {"x": {"max": 100, "outside": "missing"}}}
    frame, report = clean(tmp_path, changed((9, "x", 1048), (11, "x", "inf")), rules)
    assert frame.x[9] == 9.5
    assert report["outside"] == [
        stretch("A", "x", 9, 1, min=1048.0, max=1048.0),
        stretch("A", "x", 11, 1, min="inf", max="inf"),
    ]
    assert report["totals"] == {"outside": {"x": 2}, "filled": {"x": 2}, "masked": {}}


def test_a_series_may_be_called_na(tmp_path: Path) -> None:
    frame, _ = clean(tmp_path, table().replace({"site": {"A": "NA"}}))
    assert list(frame.series.unique()) == ["B", "NA"]


def test_a_table_of_one_series_needs_no_series_column(tmp_path: Path) -> None:
    frame, _ = clean(tmp_path, table()[:60].drop(columns="site"), series=None)
    assert list(frame.series.unique()) == ["all"]


def test_unsorted_rows_are_sorted_and_reported(tmp_path: Path) -> None:
    expected, report = clean(tmp_path, table())
    shuffled, noted = clean(tmp_path, table().sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(shuffled, expected)
    assert report["unsorted"] == {}
    assert set(noted["unsorted"]) == {"A", "B"}


def test_csv_parquet_and_a_folder_of_both_are_one_and_the_same_table(tmp_path: Path) -> None:
    frame = table()
    typed = frame.assign(
        when=pd.to_datetime(frame.when), x=frame.x.astype("float64"), y=frame.y.astype("float64")
    )
    write(tmp_path / "raw.csv", frame)
    typed.to_parquet(tmp_path / "raw.parquet")
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "a.csv", frame[30:])
    typed[:30].to_parquet(tmp_path / "folder" / "b.parquet")
    tables = set()
    for raw in ("raw.csv", "raw.parquet", "folder"):
        run(settings(), tmp_path / raw, tmp_path / "out")
        tables.add((tmp_path / "out" / "table.parquet").read_bytes())
    assert len(tables) == 1


def test_a_row_limit_takes_the_first_rows_of_each_series(tmp_path: Path) -> None:
    frame = (
        changed((45, "x", "NA"), (12, "x", "NA"), (39, "y", "NA"))
        .drop(range(50, 55))
        .sample(frac=1, random_state=0)
    )
    frame, report = clean(tmp_path, frame, INTERPOLATE, rows=40)
    assert [cell["first"][:13] for cell in report["filled"]] == ["2013-01-01T12", "2013-01-02T15"]
    assert (report["rows"], report["cuts"], list(frame.segment.unique())) == (80, [], [0, 1])
    assert (
        frame.groupby("series").time.agg(["size", "max"]).values.tolist()
        == [[40, pd.Timestamp("2013-01-02T15:00Z")]] * 2
    )


def test_the_frequency_is_inferred_where_none_is_declared(tmp_path: Path) -> None:
    _, report = clean(tmp_path, table().drop([5, 6, 30]), frequency=None)
    assert report["frequency"] == "h"
    assert len(report["cuts"]) == 2


@pytest.mark.parametrize("name", ["price_$USD.csv", 'it\'s "quoted".csv'])
def test_dvc_finds_a_table_whose_name_a_shell_would_change(name: str, tmp_path: Path) -> None:
    content = YAML(typ="safe").load(PROJECT / "params.yaml")
    for folder in ("pipeline", "catalogue"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    shutil.copy(PROJECT / "dvc.yaml", tmp_path / "dvc.yaml")
    shutil.copy(EMBEDDED, tmp_path / name)
    content["data"]["path"] = name
    (tmp_path / "params.yaml").write_text(json.dumps(content, default=str))
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(tmp_path)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for command in ("init --no-scm -q", "repro validate"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "dvc", *command.split()],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert not done.returncode, done.stderr
    assert (tmp_path / "data" / "1_clean" / "table.parquet").exists()
