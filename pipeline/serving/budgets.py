"""What the gate asks of a candidate beside its errors: intervals that hold, latency and size."""

from pathlib import Path

from pipeline.config.sections import Promote
from pipeline.evaluation.entries import Summary
from pipeline.serving.checks import Check

WEIGHTS = "weights.npz"
MEGABYTE = 1e6


def budgets(summary: Summary, folder: Path, settings: Promote) -> list[Check]:
    """Check what `evaluate` measured of the candidate, and its weights in `folder`.

    A check whose limit is null, or that nothing was measured for, passes.
    """
    size = (folder / WEIGHTS).stat().st_size / MEGABYTE
    return [
        coverage(summary, settings.max_coverage_error),
        _at_most("latency", "a forecast takes", summary.latency, "ms", settings.max_latency),
        _at_most("size", "the weights have", size, "MB", settings.max_size),
    ]


def coverage(summary: Summary, limit: float | None) -> Check:
    """Check that the intervals hold as much of the test values as they say, but for `limit`."""
    found = [
        (f"those of {row['level']:.4g} of {row['target']}", row["level"], row["coverage"])
        for row in summary.intervals
    ]
    if not found:
        return Check("coverage", "no prediction intervals")
    figure = ", ".join(f"{name} held {held:.1%}" for name, _, held in found)
    if limit is None:
        return Check("coverage", f"{figure}; no limit")
    off = [f"{name} held {held:.1%}" for name, level, held in found if abs(held - level) > limit]
    said = f"{figure}; at most {limit:.0%} off"
    if not off:
        return Check("coverage", said)
    objection = (
        f"of its prediction intervals, {', '.join(off)} of the test values, which is more than "
        f"{limit:.0%} off: validation and test differ"
    )
    return Check("coverage", said, objection)


def _at_most(name: str, words: str, value: float | None, unit: str, limit: float | None) -> Check:
    if value is None:
        return Check(name, "not measured")
    figure = f"{words} {value:.3g} {unit}"
    if limit is None:
        return Check(name, f"{figure}; no limit")
    said = f"{figure}, at most {limit:g} {unit} allowed"
    return Check(name, said, None if value <= limit else said)
