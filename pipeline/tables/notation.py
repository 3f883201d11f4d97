"""How times are written, and what is said of those that have no meaning."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.config.times import EPOCHS

FINE, ABSENT, UNREADABLE, REPEATED, SKIPPED = range(5)
_OFFSET_ADVICE = "write them with their offset (2013-{}), or correct data.time_zone"
_REPEATED = (
    "local times that a clock change repeats",
    "say in data.ambiguous what they are: infer (by the order of the rows of a series), first or"
    f" last; or {_OFFSET_ADVICE.format('11-03T01:30:00-05:00')}",
)
_SKIPPED = (
    "local times that a clock change skips",
    _OFFSET_ADVICE.format("03-10T03:30:00-04:00"),
)


@dataclass(frozen=True)
class Notation:
    """How times are written, and what they mean.

    `days` says that the steps of the table are days or longer: then local midnight stands for the
    day, and is its first instant where a clock change repeats it.
    """

    zone: str
    time_format: str | None = None
    ambiguous: str = "refuse"
    days: bool = False

    def faults(self) -> Mapping[int, tuple[str, str]]:
        """Return the fault and the advice for each kind of time that has no meaning."""
        repeated, advice = _REPEATED
        if self.ambiguous == "infer":
            repeated += ", whose order of rows does not say which of the two they are"
            advice = (
                "give the rows of each series in ascending order and both times that are repeated;"
                " or set data.ambiguous to first or last"
            )
        return {
            ABSENT: ("times that are missing", "give every row its time"),
            UNREADABLE: self._unreadable(),
            REPEATED: (repeated, advice),
            SKIPPED: _SKIPPED,
        }

    def _unreadable(self) -> tuple[str, str]:
        if self.time_format is None:
            return (
                "times that cannot be read",
                "write them as ISO 8601 (2013-01-31T06:00:00Z) between 1678 and 2261, or say in "
                "data.time_format how to read them: a format of strptime, epoch_s, epoch_ms or "
                "excel_days",
            )
        if self.time_format in EPOCHS:
            return (
                f"times that are not numbers of data.time_format {self.time_format!r}",
                "correct them, or data.time_format; they must lie between 1678 and 2261",
            )
        return (
            f"times that do not fit data.time_format {self.time_format!r}",
            "correct them, or data.time_format: a format of strptime such as '%Y-%m-%d %H:%M', or "
            "null for ISO 8601; they must lie between 1678 and 2261",
        )
