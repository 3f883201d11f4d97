"""The tables of the network: normalizations, dropouts, weight reparametrizations, seasons, heads.

A row names its layer, which is imported only when a network is built, so that reading
`params.yaml` costs no import of Keras; the places that it may fill; and its options with their
defaults. The tests hold every row to a NumPy reference under the same key.
"""

from collections.abc import Mapping
from typing import Any

from pipeline.config.options import FIRST
from pipeline.config.slots import REQUIRED, Kind

_INPUT = "pipeline.network.layers.input_normalization"
_NORMALIZATION = "pipeline.network.layers.normalization"
_BATCH = "pipeline.network.layers.batch_normalization"
_DYNAMIC = "pipeline.network.layers.dynamic"
_CELL_LAYER = "pipeline.network.rnn.cell_layer_normalization"
_CELL_BATCH = "pipeline.network.rnn.cell_batch_normalization"
_DROPOUT = "pipeline.network.layers.dropout"
_RECURRENT = "pipeline.network.rnn.recurrent_dropout"
_WEIGHTS = "pipeline.network.layers.weights"

_WINDOW: Mapping[str, Any] = {"reduction_axes": "time", "reversible": True}
_MOVING: Mapping[str, Any] = {"momentum": 0.99, "epsilon": 1e-3, "scale": True}
_PER_STEP: Mapping[str, Any] = {"momentum": 0.99, "epsilon": 1e-5, "gamma": 0.1, "cell": "output"}


def _kind(
    layer: str | None,
    places: str,
    *,
    cells: str = "lstm gru simple_rnn",
    reduction_axes: str = "",
    batch_stats_at_inference: bool = False,
    reversible: bool = False,
    for_each_step: bool = False,
    **options: Any,
) -> Kind:
    """Return a row; places, cells and axes are given as words between spaces."""
    return Kind(
        layer,
        frozenset(places.split()),
        options,
        frozenset(cells.split()),
        frozenset(reduction_axes.split()),
        batch_stats_at_inference,
        reversible,
        for_each_step=for_each_step,
    )


def _dropout(
    layer: str,
    places: str,
    *,
    cells: str = "lstm gru simple_rnn",
    alpha: bool = False,
    **options: Any,
) -> Kind:
    """Return the row of a dropout: its rate is required, and each can be a Monte Carlo dropout."""
    return Kind(
        layer,
        frozenset(places.split()),
        {"rate": REQUIRED, **options, "monte_carlo": False},
        frozenset(cells.split()),
        noise=True,
        alpha=alpha,
    )


NORMALIZATIONS: Mapping[str, Kind] = {
    "none": _kind(None, "input conv pooling cell between head"),
    # of the input
    "keras": _kind("pipeline.network.layers.adapted_normalization.AdaptedNormalization", "input"),
    "revin": _kind(f"{_INPUT}.RevIN", "input", **_WINDOW, affine=True, epsilon=1e-5),
    "revin_last": _kind(f"{_INPUT}.RevINLast", "input", **_WINDOW, affine=True, epsilon=1e-5),
    "last_value": _kind(f"{_INPUT}.LastValue", "input", **_WINDOW),
    "robust": _kind(f"{_INPUT}.Robust", "input", **_WINDOW, epsilon=1e-5),
    # between layers
    "batch": _kind(
        "keras.layers.BatchNormalization",
        "input conv pooling between head",
        reduction_axes="batch time",
        **_MOVING,
    ),
    "batch_renorm": _kind(
        f"{_BATCH}.BatchRenormalization",
        "conv pooling between head",
        reduction_axes="batch time",
        **_MOVING,
        rmax=3.0,
        dmax=5.0,
    ),
    "batch_always": _kind(
        f"{_BATCH}.AlwaysBatchNormalization",
        "conv pooling between head",
        reduction_axes="batch time",
        batch_stats_at_inference=True,
        epsilon=1e-3,
        scale=True,
    ),
    "batch_time_step": _kind(
        f"{_BATCH}.TimeStepBatchNormalization",
        "between",
        reduction_axes="batch",
        **_MOVING,
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
    "layer_per_head": _kind(
        f"{_NORMALIZATION}.HeadNormalization",
        "between",
        reduction_axes="channels",
        heads=REQUIRED,
        epsilon=1e-5,
        scale=True,
    ),
    "instance": _kind(
        f"{_NORMALIZATION}.InstanceNormalization",
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
        f"{_NORMALIZATION}.UnitNormalization",
        "conv pooling between head",
        reduction_axes="channels",
        epsilon=1e-6,
    ),
    "dyt": _kind(f"{_DYNAMIC}.DynamicTanh", "conv pooling between head", alpha=0.5),
    "derf": _kind(f"{_DYNAMIC}.DynamicErf", "conv pooling between head", alpha=0.5),
    # inside a recurrent cell
    "layer_paper": _kind(
        f"{_CELL_LAYER}.LayerSeparate",
        "cell",
        reduction_axes="channels",
        epsilon=1e-5,
        shift=True,
        cell="output",
    ),
    "layer_addons": _kind(
        f"{_CELL_LAYER}.LayerSeparate",
        "cell",
        cells="lstm",
        reduction_axes="channels",
        epsilon=1e-3,
        shift=True,
        cell="state",
    ),
    "layer_joint": _kind(
        f"{_CELL_LAYER}.LayerJoint",
        "cell",
        reduction_axes="channels",
        epsilon=1e-5,
        cell="output",
        output=False,
    ),
    "layer_per_gate": _kind(
        f"{_CELL_LAYER}.LayerPerGate",
        "cell",
        cells="lstm gru",
        reduction_axes="channels",
        epsilon=1e-12,
        cell="state",
    ),
    "batch_recurrent": _kind(
        f"{_CELL_BATCH}.BatchSeparate", "cell", reduction_axes="batch", **_PER_STEP
    ),
    "batch_shared": _kind(
        f"{_CELL_BATCH}.BatchShared", "cell", reduction_axes="batch", **_PER_STEP
    ),
    "batch_inputs": _kind(
        f"{_CELL_BATCH}.BatchInputs",
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
    # between layers
    "standard": _dropout(f"{_DROPOUT}.Dropout", "conv before between after head"),
    "spatial": _dropout(f"{_DROPOUT}.SpatialDropout", "conv before between"),
    "locked": _dropout(f"{_DROPOUT}.SpatialDropout", "before between"),
    "time_step": _dropout(f"{_DROPOUT}.TimeStepDropout", "conv before between"),
    "gaussian": _dropout(f"{_DROPOUT}.GaussianDropout", "conv before between after head"),
    "alpha": _dropout(f"{_DROPOUT}.AlphaDropout", "conv before between after head", alpha=True),
    "alpha_feature": _dropout(f"{_DROPOUT}.AlphaFeatureDropout", "conv before between", alpha=True),
    # inside a recurrent layer
    "keras": _dropout(f"{_RECURRENT}.Keras", "input recurrent"),
    "gal": _dropout(f"{_RECURRENT}.Gal", "input recurrent", tied=False),
    "moon": _dropout(f"{_RECURRENT}.Moon", "recurrent", cells="lstm"),
    "semeniuta": _dropout(f"{_RECURRENT}.Semeniuta", "recurrent", cells="lstm gru", per_step=True),
    "zoneout": _dropout(f"{_RECURRENT}.Zoneout", "recurrent", cell_rate=0.0),
    "weight_drop": _dropout(f"{_RECURRENT}.WeightDrop", "recurrent"),
    "per_step": _dropout(f"{_RECURRENT}.PerStep", "recurrent"),
}

WEIGHTS: Mapping[str, Kind] = {
    "none": _kind(None, "conv recurrent head"),
    "weight_norm": _kind(f"{_WEIGHTS}.WeightNormalization", "conv recurrent head"),
    "spectral": _kind(f"{_WEIGHTS}.SpectralNormalization", "conv recurrent head", iterations=1),
    "max_norm": _kind(f"{_WEIGHTS}.MaxNorm", "conv recurrent head", limit=2.0),
    "unit_norm": _kind(f"{_WEIGHTS}.UnitNorm", "conv recurrent head"),
}

SEASONS: Mapping[str, Kind] = {
    "none": _kind(None, "input"),
    "cycle": _kind(
        "pipeline.network.layers.cycle.Cycle",
        "input",
        reversible=True,
        calendar=FIRST,
        phases=None,
    ),
}

HEADS: Mapping[str, Kind] = {
    "direct": _kind("pipeline.network.layers.direct.Direct", "head"),
    "per_step": _kind("pipeline.network.layers.per_step.PerStep", "head", for_each_step=True),
}
