"""The tables of how a fleet can learn: every optimizer, schedule, loss and way to clip. A kind is one row, as in `network/catalogue`.

A row names a class or function (imported only where a fleet is built, so that reading `params.yaml` costs no TensorFlow) and its options with their defaults.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.config.kinds import COUNT, POSITIVE, REQUIRED, Kind, between, is_number


def _kind(name: str, **options: Any) -> Kind:
    return Kind(f"pipeline.training.engine.{name}", frozenset({"train"}), options)


OPTIMIZERS: Mapping[str, Kind] = {
    "adam": _kind("optimizers.Adam", weight_decay=0.0),
    "adamw": _kind("optimizers.Adam", weight_decay=0.004),
    "nadam": _kind("optimizers.Nadam", weight_decay=0.0),
    "sgd": _kind("optimizers.SGD", momentum=0.0, weight_decay=0.0),
    "rmsprop": _kind("optimizers.RMSprop", weight_decay=0.0),
}

SCHEDULES: Mapping[str, Kind] = {
    "constant": _kind("schedules.constant"),
    "step": _kind("schedules.step", every=REQUIRED, factor=0.5),
    "cosine": _kind("schedules.cosine", warmup=0),
    "plateau": _kind("schedules.plateau", factor=0.5, patience=2),
}

LOSSES: Mapping[str, Kind] = {
    "mse": _kind("losses.mse"),
    "mae": _kind("losses.mae"),
    "huber": _kind("losses.huber", delta=1.0),
    "pinball": _kind("losses.pinball", quantile=0.5),
}

CLIPS: Mapping[str, Kind] = {
    "none": _kind("clipping.none"),
    "norm": _kind("clipping.norm", limit=REQUIRED),
    "value": _kind("clipping.value", limit=REQUIRED),
}

_SHARE = (lambda value: is_number(value) and 0 < value < 1, "a number above 0 and below 1")

RANGES: Mapping[str, Any] = {  # option -> (is it allowed?, what is)
    "weight_decay": between(0, 1),
    "momentum": between(0, 1),
    "every": COUNT,
    "factor": _SHARE,
    "warmup": (lambda value: value == 0 or COUNT[0](value), "a whole number from 0 up"),
    "patience": COUNT,
    "delta": POSITIVE,
    "quantile": _SHARE,
    "limit": POSITIVE,
}
