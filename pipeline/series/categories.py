"""Columns of text as numbers: one channel for each value that the training rows hold (one-hot).

All series share the values, and a channel is named `column=value`. A value that the training rows
do not hold has 0 in every channel where `data.categories` says `other`: a channel of its own would
have weights that nothing has trained. Missing cells have 0 in every channel too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import OneHotEncoder

from pipeline.core.errors import InputError
from pipeline.tables import timestamps
from pipeline.tables.rows import Array

EncoderJson = dict[str, dict[str, object]]


@dataclass(frozen=True)
class Category:
    """The values of a column in its training rows, sorted, and what others are: refuse | other."""

    values: tuple[str, ...]
    unseen: str

    @cached_property
    def encoder(self) -> OneHotEncoder:
        """The encoder of scikit-learn for these values."""
        known = np.array(self.values, object)
        encoder = OneHotEncoder(
            categories=[known], handle_unknown="ignore", sparse_output=False, dtype=np.float32
        )
        return encoder.fit(known[:, None])

    def encode(self, texts: Array) -> Array:
        """Return the channels (row, value) float32 of texts (row,), None where they are missing."""
        present = np.where(_missing(texts), "", texts)
        return np.asarray(self.encoder.transform(present[:, None]))

    def is_unseen(self, texts: Array) -> Array:
        """Return whether texts (row,) are neither missing nor among the values, (row,)."""
        return ~_missing(texts) & ~np.isin(texts.astype(str), self.values)


@dataclass(frozen=True)
class Encoder:
    """The category of each column of text, in the order of the table."""

    categories: Mapping[str, Category]

    def names(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the channels of these columns."""
        return tuple(
            f"{column}={value}" for column in columns for value in self.categories[column].values
        )

    def encode(self, columns: Sequence[str], texts: Mapping[str, Array], rows: int) -> Array:
        """Return the channels (row, channel) float32 of these columns, side by side."""
        channels = [self.categories[column].encode(texts[column]) for column in columns]
        return np.hstack([np.empty((rows, 0), np.float32), *channels])

    def rejected(
        self, texts: Mapping[str, Array], series: Array, times: Array
    ) -> dict[tuple[str, str], str]:
        """Return a finding for every column and value that was not seen and is to be refused.

        `texts` are (row,) for each column, `series` (row,) the names of the series, and `times`
        (row,) datetime64 in UTC.
        """
        findings: dict[tuple[str, str], str] = {}
        for column, category in self.categories.items():
            if category.unseen == "other":
                continue
            for row in np.flatnonzero(category.is_unseen(texts[column])):
                value = str(texts[column][row])
                findings.setdefault(
                    (column, value),
                    f"column {column!r} is {value!r} in series {series[row]!r} at "
                    f"{timestamps.label(times[row])}, which its training rows never hold (they "
                    f"hold {', '.join(map(repr, category.values))}); set data.categories.{column} "
                    "to other, correct the value, or train on rows that hold it",
                )
        return findings

    def to_json(self) -> EncoderJson:
        """Return what `from_json` reads."""
        return {
            column: {"values": list(category.values), "unseen": category.unseen}
            for column, category in self.categories.items()
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Mapping[str, Any]]) -> "Encoder":
        """Return the encoder that `to_json` described."""
        categories = {
            column: Category(tuple(category["values"]), category["unseen"])
            for column, category in content.items()
        }
        return cls(categories)


def fit(unseen: Mapping[str, str], pieces: Iterable[Mapping[str, Array]]) -> Encoder:
    """Fit the encoder on training rows that pass by in pieces.

    A piece holds the texts (row,) of each column; `unseen` says for each column what values are
    that no piece holds. Raises `InputError` with every column of fewer than two values.
    """
    found: dict[str, set[str]] = {column: set() for column in unseen}
    for piece in pieces:
        for column, values in found.items():
            values.update(piece[column][~_missing(piece[column])])
    findings = [
        f"params.yaml: data.categories: column {column!r} holds "
        f"{f'only {min(values)!r}' if values else 'nothing'} in the training rows; remove it from "
        "`data`, or choose a longer training split"
        for column, values in found.items()
        if len(values) < 2
    ]
    if findings:
        raise InputError(*findings)
    ordered = {column: tuple(sorted(values)) for column, values in found.items()}
    return Encoder({column: Category(ordered[column], unseen[column]) for column in unseen})


def _missing(texts: Array) -> Array:
    return np.asarray(pd.isna(texts))
