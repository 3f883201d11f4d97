"""From columns to channels: the one place that prepares inputs, for training and for forecasting.

Masked cells become the training mean, numbers are standardized, texts become one channel for each
value, and the calendar is added. The order of the channels is that of `Channels.names`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config.data import Data
from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.series.calendar import Calendar
from pipeline.series.categories import Encoder
from pipeline.series.channels import OBSERVED, Channels, Roles
from pipeline.series.scaler import Scaler
from pipeline.tables import timestamps
from pipeline.tables.rows import Array

Columns = Mapping[str, Array]  # the columns of the clean table, each (row,)


@dataclass(frozen=True, eq=False)
class Block:
    """Rows of the clean table, or of recent windows one after another."""

    columns: Columns
    series: Array  # (row,) positions in the names of the scaler
    times: Array  # (row,) datetime64[ns] in UTC


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a block becomes.

    `raw` and `standardized` (row, channel) are float32 without missing values; `truth` (row,
    target) is float32, standardized, and NaN where the target is masked.
    """

    raw: Array
    standardized: Array
    truth: Array


@dataclass(frozen=True, eq=False)
class Features:
    """All that is needed to prepare rows; `observed` are the columns with an indicator."""

    data: Data
    observed: tuple[str, ...]
    scaler: Scaler
    encoder: Encoder

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar that the section `data` asks for."""
        return Calendar.of(self.data)

    @cached_property
    def roles(self) -> Roles:
        """What becomes of each column."""
        return Roles.of(self.data, self.observed, self.scaler.static)

    @cached_property
    def channels(self) -> Channels:
        """The names of the channels; raises `InputError` where two of them are the same."""
        return self.roles.channels(self.encoder, self.calendar)

    def prepare(self, block: Block) -> Prepared:
        """Return the channels of a block, each row by itself.

        A masked number is the training mean of its column, and a masked text is 0 in every channel
        of its column. Raises `InputError` for values of a category that are to be refused, that
        have no logarithm, or that are too large on the scale of their column.
        """
        if rejected := self.rejected(block):
            raise InputError(*rejected.values())
        values = _stack(block, self.scaler.columns, np.float64)
        measured = np.isfinite(values)
        masked = ~measured.all(axis=1)
        filled = values.copy()
        filled[masked] = np.where(
            measured[masked], values[masked], self.scaler.fill(block.series[masked])
        )
        standardized = self.scaler.transform(filled, block.series)
        targets = len(self.data.targets)  # the first columns
        truth = np.where(measured[:, :targets], standardized[:, :targets], np.nan)
        texts = _stack(block, tuple(self.encoder.categories), object)
        present = ~np.asarray(pd.isna(texts))
        extra = self._extra(block, np.hstack([measured, present]), texts)
        with np.errstate(over="ignore"):
            raw, scaled = (self._join(numbers, extra) for numbers in (filled, standardized))
            truth = truth.astype(np.float32)
        self._check_finite(block, raw, scaled)
        return Prepared(raw, scaled, truth)

    def _extra(self, block: Block, measured: Array, words: Array) -> Columns:
        """Return the channels (row, ...) of each role that is no number of the table."""
        texts = dict(zip(self.encoder.categories, words.T, strict=True))
        names = [*self.scaler.columns, *self.encoder.categories]
        observed = [names.index(column) for column in self.observed]
        count, encode = len(block.times), self.encoder.encode
        return {
            "past_categories": encode(self.roles.past_categories, texts, count),
            "observed": measured[:, observed],
            "future_categories": encode(self.roles.future_categories, texts, count),
            "calendar": self.calendar.channels(block.times),
        }

    def _join(self, numbers: Array, extra: Columns) -> Array:
        """Return the channels (row, channel) float32 in their order."""
        roles = self.roles
        order: list[str | tuple[str, ...]] = [
            *(roles.targets, roles.past, "past_categories", "observed"),
            *(roles.static, roles.future, "future_categories", "calendar"),
        ]
        pieces = [
            extra[role] if isinstance(role, str) else numbers[:, self._positions(role)]
            for role in order
        ]
        return np.hstack([np.asarray(piece, np.float32) for piece in pieces])

    def _positions(self, columns: tuple[str, ...]) -> Array:
        return np.array([self.scaler.columns.index(column) for column in columns], np.int64)

    def _check_finite(self, block: Block, *arrays: Array) -> None:
        """Raise `InputError` for a channel that float32 cannot hold."""
        for array in arrays:
            if np.isfinite(array).all():
                continue
            row, channel = np.argwhere(~np.isfinite(array))[0].tolist()
            column = self.channels.names[channel]
            raise InputError(
                f"column {column!r} is {block.columns[column][row]:.10g} in series "
                f"{self.scaler.names[block.series[row]]!r} at "
                f"{timestamps.label(block.times[row])}, which is too large on its scale; correct "
                f"the value, give it validate.limits, or choose another scaler in "
                f"standardize.columns.{column}"
            )

    def rejected(self, block: Block) -> dict[tuple[str, str], str]:
        """Return a finding for each column and value of a category that is to be refused."""
        names = np.asarray(self.scaler.names, object)[block.series]
        return self.encoder.rejected(block.columns, names, block.times)

    def save(self, folder: Path) -> None:
        """Write `channels.json`, `scaler.json` and `encoder.json`."""
        files.write_json(folder / "channels.json", vars(self.channels))
        files.write_json(folder / "scaler.json", self.scaler.to_json())
        files.write_json(folder / "encoder.json", self.encoder.to_json())

    @classmethod
    def load(cls, folder: Path, data: Data) -> "Features":
        """Read what `save` wrote; `data` is the section of then."""
        indicators = Channels.load(folder / "channels.json").indicators
        return cls(
            data,
            tuple(name.removesuffix(OBSERVED) for name in indicators),
            Scaler.from_json(files.read_json(folder / "scaler.json")),
            Encoder.from_json(files.read_json(folder / "encoder.json")),
        )


def _stack(block: Block, columns: tuple[str, ...], kind: type[object]) -> Array:
    """Return columns of a block side by side, (row, column)."""
    empty: Array = np.empty((len(block.times), 0), kind)
    stacked: list[Array] = [np.asarray(block.columns[column], kind)[:, None] for column in columns]
    return np.hstack([empty, *stacked])
