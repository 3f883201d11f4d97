"""The last section of the report: what became of the raw table before anything was learned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.series import shift

if TYPE_CHECKING:
    from pipeline.evaluation.verdict import Verdict

KINDS = {
    "filled": "Missing cells that were filled",
    "masked": "Cells that were masked and are in no number of this report",
    "outside": "Cells outside of `validate.limits`",
}


class CleanReport(TypedDict):
    """What the report needs of `report.json` of the clean table."""

    totals: Mapping[str, Mapping[str, int]]  # kind of change -> column -> cells
    left_out: Mapping[str, str]  # series -> reason
    cuts: list[Mapping[str, object]]


@dataclass(frozen=True)
class Source:
    """The path of the raw table, the report of the clean one, and the inputs out of range.

    `training` is what `train` flagged, a line each; `race` is how a race for seeds went.
    """

    path: str
    clean: CleanReport
    shift: shift.Report
    training: tuple[str, ...] = ()
    race: str | None = None

    @classmethod
    def read(cls, path: str, clean: Path, standardized: Path, models: Path) -> "Source":
        """Read what the stages `validate`, `standardize` and `train` reported.

        Raises `InputError` where `train` did not finish.
        """
        return cls(
            path,
            files.read_json(clean / "report.json"),
            files.read_json(standardized / "shift.json"),
            _flagged(models),
            _raced(models),
        )


def _flagged(models: Path) -> tuple[str, ...]:
    path = models / "flags.json"
    if not path.exists():
        raise InputError(f"{path}: was not found; run 'dvc repro train'")
    return tuple(flag["line"] for flag in files.read_json(path))


def _raced(models: Path) -> str | None:
    path = models / "race.json"
    return str(files.read_json(path)["line"]) if path.exists() else None


def section(verdict: "Verdict", source: Source) -> str:
    """Return the section: what was filled, masked, cut and left out, and what is out of range."""
    lines = "\n".join(f"- {fact}" for fact in facts(source))
    return (
        f"## What became of the data\n\n{lines}\n\n"
        "Every stretch of cells is in `report.json` of the clean table, every share in `shift.json`"
        " of the standardized one."
    )


def facts(source: Source) -> list[str]:
    """Return what was filled, masked, cut, left out and is out of range: sentences in Markdown."""
    found = [*_changes(source.clean), *_left_out(source.clean), *_out_of_range(source.shift)]
    return found or ["Nothing was filled, masked or left out, and no input is out of range."]


def _changes(clean: CleanReport) -> Iterator[str]:
    for kind, words in KINDS.items():
        counts = {column: count for column, count in clean["totals"].get(kind, {}).items() if count}
        if counts:
            columns = ", ".join(f"`{column}` {count:,}" for column, count in counts.items())
            yield f"{words}: {sum(counts.values()):,} ({columns})."
    if clean["cuts"]:
        yield f"Cuts, which no window crosses: {len(clean['cuts']):,}."


def _left_out(clean: CleanReport) -> Iterator[str]:
    for series, reason in clean["left_out"].items():
        yield f"Series `{series}` is left out: {reason}."


def _out_of_range(report: shift.Report) -> Iterator[str]:
    for warning in shift.warnings(report):
        yield f"Out of range: {warning}."
