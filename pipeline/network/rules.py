"""Combinations that cannot work, refused before any data is loaded, each with the reason and the way out."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.network.configuration import Model


@dataclass(frozen=True)
class Rule:
    """`broken(model)` is true where the combination of `keys` cannot work."""

    name: str
    broken: Callable[[Model], bool]
    keys: str
    reason: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.keys}: {self.reason}; {self.way_out} [{self.name}]"


UNBOUNDED = {"linear", "relu", "selu", "elu", "gelu", "silu", "softplus"}

RULES = (
    Rule(
        "R1",
        lambda m: m.recurrent.activation in UNBOUNDED and m.recurrent.recurrent_dropout.kind != "none",
        "recurrent.activation, recurrent.recurrent_dropout",
        "a recurrent state without bounds and a mask that scales it at every step grow to infinity",
        "use activation tanh, or no recurrent dropout",
    ),
    Rule(
        "R3",
        lambda m: m.conv.dropout.kind == "alpha" and m.conv.activation != "selu",
        "conv.activation, conv.dropout",
        "alpha dropout keeps mean and variance only behind selu",
        "use activation selu, or another dropout",
    ),
    Rule(
        "R29",
        lambda m: m.head.activation != "linear",
        "head.activation",
        "standardized targets are negative half of the time, and this head cannot forecast them",
        "use activation linear",
    ),
)


def findings(model: Model, allow: tuple[str, ...] = ()) -> list[str]:
    """Every rule that `model` breaks, but for those named in `allow`."""
    return [str(rule) for rule in RULES if rule.name not in allow and rule.broken(model)]
