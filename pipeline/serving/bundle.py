"""The bundle: the folder of a forecaster, with everything that a forecast needs.

`params.json` (the `Card`), `scaler.json`, `encoder.json`, `channels.json`, `fleet.json` (the
network), `weights.npz` (seed, ...), `intervals.json` (half widths of the prediction intervals, if
there are some) and `manifest.json`, against which the other files are checked
when they are read. Nothing is pickled, and equal contents are equal bytes.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from pipeline.config.params import Params
from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import new_folder, read_json, write_json
from pipeline.evaluation.intervals import Intervals
from pipeline.series.features import Features

CARD = "params.json"
WITHOUT_INTERVALS = 2  # the format before, which is the same but for them
FORMAT = 3  # of the folder; the gate of a later release recognizes what it can compare with


class Card(TypedDict):
    """What `params.json` holds. `members` are the positions of the seeds that take part.

    The gate of a later release reads `format`, `targets`, `series`, `lookback` and `horizon`.
    """

    format: int
    variant: str
    members: list[int]
    targets: list[str]
    series: list[str]
    lookback: int
    horizon: int
    frequency: str
    data: Mapping[str, object]
    validate: Mapping[str, object]
    forecast: Mapping[str, object]


def build(
    params: Params,
    frequency: str,
    variant: Path,
    members: Sequence[int],
    standardized: Path,
    out: Path,
    intervals: Intervals | None = None,
) -> None:
    """Write the forecaster of the trained `variant` (a folder) to the folder `out`.

    `members` are the positions of the seeds that take part; `standardized` is the folder that the
    stage of this name wrote; `intervals` are those that `evaluate` has calibrated and tried.
    """
    data, rules = params.data, params.validate_
    features = Features.load(standardized, data)
    with new_folder(out) as draft:
        features.save(draft)
        if intervals:
            intervals.save(draft)
        for name in ("fleet.json", "weights.npz"):
            shutil.copyfile(variant / name, draft / name)
        card: Card = {
            "format": FORMAT,
            "variant": variant.name,
            "members": list(members),
            "targets": list(data.targets),
            "series": list(features.scaler.names),
            "lookback": params.window.lookback,
            "horizon": params.window.horizon,
            "frequency": frequency,
            "data": data.model_dump(mode="json", by_alias=True, exclude={"path", "rows"}),
            "validate": rules.model_dump(mode="json", include={"max_gap", "missing", "limits"}),
            "forecast": params.forecast.model_dump(mode="json"),
        }
        write_json(draft / CARD, card)
        manifest.write(draft)


def read_card(folder: Path) -> Card:
    """Read a forecaster's card.

    Raises `InputError` if `folder` holds no forecaster, or one of another format.
    """
    if not (folder / CARD).exists():
        raise InputError(
            f"{folder}: is not the folder of a forecaster, {CARD} was not found; check the path"
        )
    card: Card = read_json(folder / CARD)
    if card.get("format") not in (WITHOUT_INTERVALS, FORMAT):
        raise InputError(
            f"{folder / CARD}: the format is {card.get('format')}, expected {FORMAT}: another "
            "release of this pipeline wrote this forecaster"
        )
    return card
