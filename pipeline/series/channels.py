"""The names of the channels, and which columns of the clean table they come from."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.series.calendar import Calendar
from pipeline.series.categories import Encoder

OBSERVED = "_observed"


@dataclass(frozen=True)
class Channels:
    """The names of the channels, in the order of the arrays.

    An indicator is 1 where its column is measured, and 0 where its input is filled.
    """

    targets: tuple[str, ...]
    past_covariates: tuple[str, ...]
    indicators: tuple[str, ...]
    static: tuple[str, ...]
    future_covariates: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all channels."""
        past = self.targets + self.past_covariates + self.indicators + self.static
        return past + self.future_covariates

    @property
    def indicated(self) -> tuple[tuple[int, int], ...]:
        """The positions of each channel that has an indicator, and of its indicator."""
        names = self.names
        columns = {indicator: indicator.removesuffix(OBSERVED) for indicator in self.indicators}
        return tuple(
            (names.index(column), names.index(indicator))
            for indicator, column in columns.items()
            if column in names
        )

    @classmethod
    def load(cls, path: Path) -> "Channels":
        """Read `channels.json`."""
        content = files.read_json(path)
        return cls(**{role: tuple(names) for role, names in content.items()})


@dataclass(frozen=True)
class Roles:
    """The columns of the clean table by what becomes of them.

    `observed` are those with an indicator. Static columns are in neither `past` nor `future`.
    """

    targets: tuple[str, ...]
    past: tuple[str, ...]
    past_categories: tuple[str, ...]
    observed: tuple[str, ...]
    static: tuple[str, ...]
    future: tuple[str, ...]
    future_categories: tuple[str, ...]

    @classmethod
    def of(cls, data: Data, observed: Iterable[str], static: Iterable[str]) -> "Roles":
        """Return the roles of the columns that the section `data` names."""
        apart = {*data.categories, *static}
        return cls(
            data.targets,
            tuple(column for column in data.past_covariates if column not in apart),
            tuple(column for column in data.past_covariates if column in data.categories),
            tuple(observed),
            tuple(static),
            tuple(column for column in data.future_covariates if column not in apart),
            tuple(column for column in data.future_covariates if column in data.categories),
        )

    def channels(self, encoder: Encoder, calendar: Calendar) -> Channels:
        """Return the channels; raises `InputError` where two of them have the same name."""
        channels = Channels(
            self.targets,
            self.past + encoder.names(self.past_categories),
            tuple(f"{column}{OBSERVED}" for column in self.observed),
            self.static,
            self.future + encoder.names(self.future_categories) + calendar.names,
        )
        names = channels.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(
                f"params.yaml: data: {', '.join(map(repr, twice))} would name two channels, a "
                "column of the table and one that is derived; rename the column of the table"
            )
        return channels


def numeric(data: Data) -> tuple[str, ...]:
    """Return the columns of numbers, in the order of the table."""
    return tuple(column for column in data.columns if column not in data.categories)


def maskable(data: Data, rules: Validate) -> tuple[str, ...]:
    """Return the targets and past covariates whose cells may be masked."""
    past = data.targets + data.past_covariates
    return tuple(column for column in past if rules.rule(column).masks)
