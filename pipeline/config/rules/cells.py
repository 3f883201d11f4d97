"""What a recurrent cell cannot hold, and which cells a GPU's fused kernel can compute. Never imports Keras."""

from collections.abc import Iterator

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS
from pipeline.config.model import Recurrent


def misfits(recurrent: Recurrent) -> Iterator[str]:
    """A sentence for each slot whose kind, or one of whose rates, acts on a part that the cell does not have."""
    cell = recurrent.cell
    for name, table in {
        "normalization": NORMALIZATIONS,
        "input_dropout": DROPOUTS,
        "recurrent_dropout": DROPOUTS,
    }.items():
        kind = getattr(recurrent, name).kind
        if cell not in table[kind].cells:
            yield f"{name} {kind} acts on a part that {cell} does not have; it fits {', '.join(sorted(table[kind].cells))}"
    if cell != "lstm" and recurrent.recurrent_dropout.options.get("cell_rate", 0) > 0:
        yield f"recurrent_dropout.cell_rate acts on a cell state, which {cell} does not have; set it to 0"


def idle(recurrent: Recurrent) -> Iterator[str]:
    """A sentence for each option that was set and that the cell passes over, having no cell state."""
    slot = recurrent.normalization
    default = NORMALIZATIONS[slot.kind].options.get("cell")
    if recurrent.cell != "lstm" and slot.options.get("cell") != default:
        yield f"normalization.cell acts on a cell state, which {recurrent.cell} does not have; leave it at {default}"


def keeps_cudnn(recurrent: Recurrent) -> bool:
    """Could cuDNN's fused kernel compute this layer? It has fixed activations; x, W, U and b are arguments; nothing comes between two steps.

    The layer of this project never calls it: it is unrolled, on every device. An `input_dropout` passes if it masks x once for all gates.
    """
    plain = (
        recurrent.cell in {"lstm", "gru"}
        and recurrent.activation == "tanh"
        and recurrent.normalization.kind == "none"
    )
    outside = recurrent.recurrent_dropout.kind in {"none", "weight_drop"}
    once = recurrent.input_dropout.options.get("tied", True)
    return plain and outside and once
