"""`validate:`, what is accepted of the user's table, and what happens to the rest."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.section import Bounds, Count, NonNegative, Number, Section, value_error

FILLS = ("constant", "interpolate", "forward_fill")


class Missing(Section):
    """What happens to missing values of a column.

    `constant`, `interpolate` and `forward_fill` fill runs of at most `max_run` rows (`constant` of
    any length without it); longer ones are rejected, cut or masked, as `beyond` says. `cut` ends
    the segment at every run, and `mask` leaves the cells out of losses and errors.
    """

    policy: Literal["refuse", "constant", "interpolate", "forward_fill", "cut", "mask"]
    max_run: Count | None = None
    value: Number | None = None
    beyond: Literal["refuse", "cut", "mask"] = "refuse"

    @model_validator(mode="after")
    def _has_what_its_policy_needs(self) -> "Missing":
        if self.policy in ("interpolate", "forward_fill") and self.max_run is None:
            raise value_error(
                f"has policy {self.policy} and no max_run; add the largest number of rows in a run"
                " that may be filled"
            )
        if (self.policy == "constant") != (self.value is not None):
            raise value_error(
                f"has policy {self.policy} and value {self.value}; constant needs a value, and no"
                " other policy has one"
            )
        if self.policy not in FILLS and (self.max_run, self.beyond) != (None, "refuse"):
            raise value_error(
                f"has policy {self.policy}, which fills nothing; remove max_run and beyond, which"
                f" belong to {', '.join(FILLS)}"
            )
        return self

    @property
    def longest(self) -> int:
        """The rows of the longest run that is filled; 0 where nothing is."""
        if self.policy not in FILLS:
            return 0
        return self.max_run or 2**31 - 1

    @property
    def masks(self) -> bool:
        """Whether cells of the column may be masked."""
        return "mask" in (self.policy, self.beyond)


class Limits(Bounds):
    """The plausible values of a column, ends included.

    A value `outside` is rejected, or treated as missing.
    """

    outside: Literal["refuse", "missing"] = "refuse"


class Validate(Section):
    """How many missing rows and values, and which values, of the table are accepted.

    `max_gap` is the number of consecutive missing rows that are inserted and filled; a longer gap
    cuts the series. `series_policy` is for series that are too short, that are constant in
    training, or that end before the test split.
    """

    max_gap: NonNegative
    max_missing_fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    series_policy: Literal["refuse", "leave_out"] = "refuse"
    missing: Mapping[str, Missing] = Field(default_factory=dict)
    limits: Mapping[str, Limits] = Field(default_factory=dict)

    def rule(self, column: str) -> Missing:
        """Return the rule for the missing values of a column."""
        nothing = Missing(policy="refuse")
        return self.missing.get(column, self.missing.get("default", nothing))
