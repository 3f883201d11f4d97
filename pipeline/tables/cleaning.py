"""The raw table becomes the clean one, or is rejected with everything that is wrong with it.

`clean` is the way of the data from the first file to the last.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core.errors import InputError
from pipeline.tables import blocks, checks, declarations, filling, reading, source
from pipeline.tables.outline import NO_MOMENTS, Outline
from pipeline.tables.reading import RawTable
from pipeline.tables.rows import Array
from pipeline.tables.steps import Inspection
from pipeline.tables.writing import TABLE, CleanTable

Unfit = Callable[[Outline, Path], Mapping[str, str]]


@dataclass(frozen=True)
class Clean:
    """What was written, and how many cells were filled or masked, and segments cut."""

    outline: Outline
    filled: int
    masked: int
    cuts: int
    left_out: Mapping[str, str]  # series -> why


def clean(
    data: Data,
    rules: Validate,
    raw: Path,
    folder: Path,
    moments: Array = NO_MOMENTS,
    unfit: Unfit = lambda outline, table: {},
) -> Clean:
    """Write `table.parquet` and `report.json` about `raw`, a file or a folder, into `folder`.

    The outline has what a split at `moments` needs. `unfit` names the series of an outline and its
    table that nothing can be learned from, each with a sentence: they are rejected, or left out if
    `validate.series_policy` says so. Raises `InputError` with every finding.
    """
    if findings := declarations.roles(data):
        raise InputError(*findings, *declarations.unused(data, rules))
    if findings := [*declarations.unusable(data, rules), *declarations.jitter(data)]:
        raise InputError(*findings, *declarations.unused(data, rules))
    with (
        TemporaryDirectory(dir=folder) as scratch,
        TemporaryDirectory(dir=scratch) as spool,
        CleanTable(data, rules, folder, Path(scratch), moments) as written,
    ):
        table = reading.read(data, source.find(data, raw), Path(spool))
        inspection = Inspection(data, rules, table)
        for block in blocks.split(table, rules):
            limited = checks.limit(block, rules.limits)
            if regular := inspection.check(block, limited):
                written.add(limited, filling.fill(regular, rules))
        frequency = inspection.frequency()
        written.close()
        outline, left_out = _fit(rules, table, written, unfit)
        written.report(table, outline, frequency, left_out)
        filled, masked = (written.changes.count(kind) for kind in ("filled", "masked"))
        return Clean(outline, filled, masked, written.cuts, left_out)


def _fit(
    rules: Validate, table: RawTable, written: CleanTable, unfit: Unfit
) -> tuple[Outline, Mapping[str, str]]:
    """Return the outline of the series that stay in the table, and why the others do not.

    Raises `InputError` where there are others and `series_policy` is to refuse, or none stays.
    """
    present = written.builder.codes
    reasons = {
        name: f"{table.numbering.path}: series {name!r}: no row is left, since the policies of "
        "validate.missing cut all of them out; change them, or leave the series out of the table"
        for name in table.names
        if name not in present
    }
    if not present:
        raise InputError(*reasons.values())
    outline = written.outline()
    reasons |= unfit(outline, written.folder / TABLE)
    if len(reasons) == len(table.names) or (reasons and rules.series_policy == "refuse"):
        raise InputError(*(reasons[name] for name in table.names if name in reasons))
    leaving = [name for name in outline.names if name in reasons]
    return (written.leave_out(outline, leaving) if leaving else outline), reasons
