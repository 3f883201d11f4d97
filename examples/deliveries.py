"""Nine monthly deliveries of the embedded table, most of them with something wrong.

`true_table` is what has happened: the departures of two airports in 2013, whose delays are longer
from July on. `delivered` is what arrives at the end of a month: the truth up to then, and in most
months with a fault in the rows of that month.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

AIRPORTS = ("EWR", "JFK")
FIRST, SHIFT = 3, 7  # the month of the first model, and that from which delays are longer
LONGER = 25.0  # minutes
STUCK = 0.5  # the share of a month after which a sensor repeats itself
Month = pd.Series  # (row,) true for the rows of the month


def true_table(raw: Path) -> pd.DataFrame:
    """Return the departures of two airports, delays from July on longer by `LONGER` minutes."""
    table = pd.read_csv(raw)
    table = table[table["origin"].isin(AIRPORTS)].reset_index(drop=True)
    table.loc[months(table) >= SHIFT, "delay"] += LONGER
    return table


def months(table: pd.DataFrame) -> pd.Series:
    """Return the month of each row in UTC, 1 to 12; what is left of 2014 belongs to December."""
    times = pd.to_datetime(table["time_hour"], utc=True)
    return times.dt.month.where(times.dt.year == 2013, 12)


def delivered(truth: pd.DataFrame, month: int) -> str:
    """Return the CSV that arrives at the end of a month."""
    own = months(truth)
    table = truth[own <= month].reset_index(drop=True)
    fault = FAULTS.get(month)
    if fault:
        fault(table, own[own <= month].reset_index(drop=True) == month)
    text = str(table.to_csv(index=False))
    return text[: len(text) // 2] if month == CORRUPT else text


def _seconds(table: pd.DataFrame, rows: Month) -> None:
    table.loc[rows, "delay"] *= 60


def _tenfold(table: pd.DataFrame, rows: Month) -> None:
    table.loc[rows, "delay"] *= 10


def _celsius(table: pd.DataFrame, rows: Month) -> None:
    table.loc[rows, "temp"] = (table.loc[rows, "temp"] - 32) * 5 / 9


def _stuck(table: pd.DataFrame, rows: Month) -> None:
    """Let one airport's hygrometer repeat a value to the end of the month."""
    own = table.index[rows & (table["origin"] == AIRPORTS[0])]
    late = own[int(STUCK * len(own)) :]
    table.loc[late, "humid"] = table.loc[late[0], "humid"]


def _shuffled(table: pd.DataFrame, rows: Month) -> None:
    """Give the measurements of each airport's rows to other hours of the month."""
    rng = np.random.default_rng(0)
    measured = table.columns.difference(["time_hour", "origin"])
    for airport in AIRPORTS:
        own = table.index[rows & (table["origin"] == airport)]
        table.loc[own, measured] = table.loc[rng.permutation(own), measured].to_numpy()


CORRUPT, SCRAMBLED = 4, 10  # a file cut in the middle; a candidate with scrambled weights
FAULTS: dict[int, Callable[[pd.DataFrame, Month], None]] = {
    5: _seconds,
    6: _stuck,
    9: _celsius,
    11: _tenfold,
    12: _shuffled,
}
EVENTS = {
    FIRST: "first model",
    CORRUPT: "file cut off",
    5: "delay in seconds",
    6: "stuck sensor",
    SHIFT: "delays longer by 25 min",
    8: "nothing new",
    9: "temperature in °C",
    SCRAMBLED: "scrambled weights",
    11: "delay times ten",
    12: "rows shuffled",
}
