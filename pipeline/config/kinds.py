"""The tables: every normalization, dropout and weight reparametrization that a slot can hold.

A kind is one row: the layer's dotted name (imported only when a network is built, so that reading `params.yaml` costs no
Keras import), the places it can stand in, and its options with their defaults. `REQUIRED` marks an option without a default.
The NumPy references of the tests have the same keys; a row without a reference fails them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

REQUIRED: Any = ...


@dataclass(frozen=True)
class Kind:
    """A row: `layer` is a dotted class name or null for the identity, `places` are slots of the network, `options` name -> default.

    `cells` are the recurrent cells that have what the kind acts on, where it stands inside of one. The others are what the rules ask about:
    `reduction_axes`, the axes of a normalization's statistics (batch, time, channels); `batch_stats_at_inference`, whether those of the batch also serve at inference;
    `reversible`, whether it is undone behind the head; `noise`, whether it is a dropout; `alpha`, whether only selu's mean and variance survive it.
    """

    layer: str | None
    places: frozenset[str]
    options: Mapping[str, Any] = field(default_factory=dict)
    cells: frozenset[str] = frozenset({"lstm", "gru", "simple_rnn"})
    reduction_axes: frozenset[str] = frozenset()
    batch_stats_at_inference: bool = False
    reversible: bool = False
    noise: bool = False
    alpha: bool = False

    def axes(self, options: Mapping[str, Any]) -> frozenset[str]:
        """The axes of the statistics with these options."""
        return self.reduction_axes - ({"time"} if options.get("per_step") else set())

    def load(self) -> Any:
        """What `layer` names, imported now."""
        module, _, name = str(self.layer).rpartition(".")
        return getattr(import_module(module), name)


def _kind(
    layer: str | None,
    places: str,
    reduction_axes: str = "",
    batch_stats_at_inference: bool = False,
    reversible: bool = False,
    **options: Any,
) -> Kind:
    return Kind(
        layer,
        frozenset(places.split()),
        options,
        reduction_axes=frozenset(reduction_axes.split()),
        batch_stats_at_inference=batch_stats_at_inference,
        reversible=reversible,
    )


def _dropout(layer: str, places: str, alpha: bool = False, **options: Any) -> Kind:
    return Kind(layer, frozenset(places.split()), options, noise=True, alpha=alpha)


def _inside(
    layer: str,
    places: str,
    cells: str = "lstm gru simple_rnn",
    reduction_axes: str = "",
    noise: bool = False,
    **options: Any,
) -> Kind:
    """A kind inside of a recurrent cell."""
    return Kind(
        layer,
        frozenset(places.split()),
        options,
        frozenset(cells.split()),
        frozenset(reduction_axes.split()),
        noise=noise,
    )


_OWN = "pipeline.network.layers.normalization"
_CELL = "pipeline.network.rnn.cell_normalization"
_RECURRENT = "pipeline.network.rnn.recurrent_dropout"

NORMALIZATIONS: Mapping[str, Kind] = {
    "none": _kind(None, "input conv pooling cell between head"),
    "keras": _kind("pipeline.network.layers.input_normalization.AdaptedNormalization", "input"),
    "revin": _kind(
        "pipeline.network.layers.input_normalization.RevIN",
        "input",
        reduction_axes="time",
        reversible=True,
        affine=True,
        epsilon=1e-5,
    ),
    "revin_last": _kind(
        "pipeline.network.layers.input_normalization.RevINLast",
        "input",
        reduction_axes="time",
        reversible=True,
        affine=True,
        epsilon=1e-5,
    ),
    "last_value": _kind(
        "pipeline.network.layers.input_normalization.LastValue",
        "input",
        reduction_axes="time",
        reversible=True,
    ),
    "robust": _kind(
        "pipeline.network.layers.input_normalization.Robust",
        "input",
        reduction_axes="time",
        reversible=True,
        epsilon=1e-5,
    ),
    "batch": _kind(
        "keras.layers.BatchNormalization",
        "input conv pooling between head",
        reduction_axes="batch time",
        momentum=0.99,
        epsilon=1e-3,
        scale=True,
    ),
    "batch_renorm": _kind(
        f"{_OWN}.BatchRenormalization",
        "conv pooling between head",
        reduction_axes="batch time",
        momentum=0.99,
        epsilon=1e-3,
        scale=True,
        rmax=3.0,
        dmax=5.0,
    ),
    "batch_always": _kind(
        f"{_OWN}.AlwaysBatchNormalization",
        "conv pooling between head",
        reduction_axes="batch time",
        batch_stats_at_inference=True,
        epsilon=1e-3,
        scale=True,
    ),
    "batch_time_step": _kind(
        f"{_OWN}.TimeStepBatchNormalization",
        "between",
        reduction_axes="batch",
        momentum=0.99,
        epsilon=1e-3,
        scale=True,
    ),
    "layer": _kind(
        "keras.layers.LayerNormalization",
        "conv pooling between head",
        reduction_axes="channels",
        epsilon=1e-3,
    ),
    "group": _kind(
        "keras.layers.GroupNormalization",
        "conv pooling between head",
        reduction_axes="time channels",
        groups=REQUIRED,
        epsilon=1e-3,
    ),
    "instance": _kind(
        f"{_OWN}.InstanceNormalization",
        "conv pooling between",
        reduction_axes="time",
        epsilon=1e-3,
        scale=True,
    ),
    "rms": _kind(
        "keras.layers.RMSNormalization",
        "conv pooling between head",
        reduction_axes="channels",
        epsilon=1e-6,
    ),
    "unit": _kind(
        f"{_OWN}.UnitNormalization",
        "conv pooling between head",
        reduction_axes="channels",
        epsilon=1e-6,
    ),
    "layer_paper": _inside(
        f"{_CELL}.LayerSeparate",
        "cell",
        reduction_axes="channels",
        epsilon=1e-5,
        shift=True,
        cell="output",
    ),
    "layer_addons": _inside(
        f"{_CELL}.LayerSeparate",
        "cell",
        "lstm",
        reduction_axes="channels",
        epsilon=1e-3,
        shift=True,
        cell="state",
    ),
    "layer_joint": _inside(
        f"{_CELL}.LayerJoint",
        "cell",
        reduction_axes="channels",
        epsilon=1e-5,
        cell="output",
        output=False,
    ),
    "layer_per_gate": _inside(
        f"{_CELL}.LayerPerGate",
        "cell",
        "lstm gru",
        reduction_axes="channels",
        epsilon=1e-12,
        cell="state",
    ),
    "batch_recurrent": _inside(
        f"{_CELL}.BatchSeparate",
        "cell",
        reduction_axes="batch",
        momentum=0.99,
        epsilon=1e-5,
        gamma=0.1,
        cell="output",
    ),
    "batch_shared": _inside(
        f"{_CELL}.BatchShared",
        "cell",
        reduction_axes="batch",
        momentum=0.99,
        epsilon=1e-5,
        gamma=0.1,
        cell="output",
    ),
    "batch_inputs": _inside(
        f"{_CELL}.BatchInputs",
        "cell",
        reduction_axes="batch time",
        momentum=0.99,
        epsilon=1e-5,
        gamma=1.0,
        per_step=False,
    ),
}

DROPOUTS: Mapping[str, Kind] = {
    "none": _kind(None, "conv before between after head input recurrent"),
    "standard": _dropout(
        "pipeline.network.layers.dropout.Dropout",
        "conv before between after head",
        rate=REQUIRED,
        monte_carlo=False,
    ),
    "spatial": _dropout(
        "pipeline.network.layers.dropout.SpatialDropout",
        "conv before between",
        rate=REQUIRED,
        monte_carlo=False,
    ),
    "locked": _dropout(
        "pipeline.network.layers.dropout.SpatialDropout",
        "before between",
        rate=REQUIRED,
        monte_carlo=False,
    ),
    "time_step": _dropout(
        "pipeline.network.layers.dropout.TimeStepDropout",
        "conv before between",
        rate=REQUIRED,
        monte_carlo=False,
    ),
    "gaussian": _dropout(
        "pipeline.network.layers.dropout.GaussianDropout",
        "conv before between after head",
        rate=REQUIRED,
        monte_carlo=False,
    ),
    "alpha": _dropout(
        "pipeline.network.layers.dropout.AlphaDropout",
        "conv before between after head",
        alpha=True,
        rate=REQUIRED,
        monte_carlo=False,
    ),
    "alpha_feature": _dropout(
        "pipeline.network.layers.dropout.AlphaFeatureDropout",
        "conv before between",
        alpha=True,
        rate=REQUIRED,
        monte_carlo=False,
    ),
    "keras": _inside(
        f"{_RECURRENT}.Keras", "input recurrent", noise=True, rate=REQUIRED, monte_carlo=False
    ),
    "gal": _inside(
        f"{_RECURRENT}.Gal",
        "input recurrent",
        noise=True,
        rate=REQUIRED,
        tied=False,
        monte_carlo=False,
    ),
    "moon": _inside(
        f"{_RECURRENT}.Moon", "recurrent", "lstm", noise=True, rate=REQUIRED, monte_carlo=False
    ),
    "semeniuta": _inside(
        f"{_RECURRENT}.Semeniuta",
        "recurrent",
        "lstm gru",
        noise=True,
        rate=REQUIRED,
        per_step=True,
        monte_carlo=False,
    ),
    "zoneout": _inside(
        f"{_RECURRENT}.Zoneout",
        "recurrent",
        noise=True,
        rate=REQUIRED,
        cell_rate=0.0,
        monte_carlo=False,
    ),
    "weight_drop": _inside(
        f"{_RECURRENT}.WeightDrop", "recurrent", noise=True, rate=REQUIRED, monte_carlo=False
    ),
    "per_step": _inside(
        f"{_RECURRENT}.PerStep", "recurrent", noise=True, rate=REQUIRED, monte_carlo=False
    ),
}

WEIGHTS: Mapping[str, Kind] = {
    "none": _kind(None, "conv recurrent head"),
    "weight_norm": _kind(
        "pipeline.network.layers.weights.WeightNormalization", "conv recurrent head"
    ),
    "spectral": _kind(
        "pipeline.network.layers.weights.SpectralNormalization", "conv recurrent head", iterations=1
    ),
    "max_norm": _kind("pipeline.network.layers.weights.MaxNorm", "conv recurrent head", limit=2.0),
    "unit_norm": _kind("pipeline.network.layers.weights.UnitNorm", "conv recurrent head"),
}


def between(low: float, high: float) -> Any:
    """A range as `RANGES` has them: is it allowed, and what is."""
    return (
        lambda value: is_number(value) and low <= value < high,
        f"a number from {low:g} up to but not {high:g}",
    )


def is_number(value: Any) -> bool:
    """Is `value` a finite number? True and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_BOOLEAN = (lambda value: isinstance(value, bool), "true or false")
COUNT = (
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1,
    "a whole number from 1 up",
)
POSITIVE = (lambda value: is_number(value) and value > 0, "a number above 0")

RANGES: Mapping[str, Any] = {  # option -> (is it allowed?, what is)
    "rate": between(0, 1),
    "momentum": between(0, 1),
    "epsilon": POSITIVE,
    "scale": _BOOLEAN,
    "monte_carlo": _BOOLEAN,
    "affine": _BOOLEAN,
    "groups": COUNT,
    "iterations": COUNT,
    "rmax": (lambda value: is_number(value) and value >= 1, "a number from 1 up"),
    "dmax": (lambda value: is_number(value) and value >= 0, "a number from 0 up"),
    "limit": POSITIVE,
    "gamma": POSITIVE,
    "shift": _BOOLEAN,
    "output": _BOOLEAN,
    "per_step": _BOOLEAN,
    "tied": _BOOLEAN,
    "cell_rate": between(0, 1),
    "cell": (lambda value: value in ("none", "output", "state"), "one of none, output, state"),
}
