"""What a recurrent cell cannot hold, and which cells cuDNN's fused kernel could compute."""

from collections.abc import Iterator

from pipeline.config.flow import IN_CELL
from pipeline.config.model import Recurrent
from pipeline.config.slots import Slot


def misfits(recurrent: Recurrent) -> Iterator[str]:
    """Yield a sentence for each kind and each option that acts on a part which the cell lacks."""
    cell = recurrent.cell
    for key in IN_CELL:
        name = key.removeprefix("recurrent.")
        slot: Slot = getattr(recurrent, name)
        if cell not in slot.row.cells:
            fitting = ", ".join(sorted(slot.row.cells))
            yield f"{name} {slot.kind} acts on a part that {cell} does not have; it fits {fitting}"
    if cell != "lstm" and recurrent.recurrent_dropout.options.get("cell_rate", 0) > 0:
        yield (
            f"recurrent_dropout.cell_rate acts on a cell state, which {cell} does not have;"
            " set it to 0"
        )


def ignored(recurrent: Recurrent) -> Iterator[str]:
    """Yield a sentence for each option that was set although the cell ignores it."""
    slot = recurrent.normalization
    default = slot.row.options.get("cell")
    if recurrent.cell != "lstm" and slot.options.get("cell") != default:
        yield (
            f"normalization.cell acts on a cell state, which {recurrent.cell} does not have;"
            f" leave it at {default}"
        )


def keeps_cudnn(recurrent: Recurrent) -> bool:
    """Return whether cuDNN's fused kernel could compute this layer.

    The kernel has fixed activations; x, W, U and b are its arguments; nothing may come between two
    steps. An `input_dropout` is fine if it masks x once for all gates. The layer of this project
    never calls the kernel: its loop is unrolled on every device.
    """
    plain = (
        recurrent.cell in {"lstm", "gru"}
        and recurrent.activation == "tanh"
        and recurrent.normalization.kind == "none"
    )
    outside = recurrent.recurrent_dropout.kind in {"none", "weight_drop"}
    once = recurrent.input_dropout.options.get("tied", True)
    return plain and outside and once
