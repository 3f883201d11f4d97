"""Combinations of slots that cannot work, or that work otherwise than they look: refused or warned of before any data is loaded.

Numbers are those of the catalogue in the literature that each reason names. What the configuration cannot even express is in `IMPOSSIBLE`.
A variant that wants a refused combination all the same, to show what it costs, names the rule under `allow:`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.network import cell_rules
from pipeline.network.configuration import Model, Shape, Slot

UNBOUNDED = frozenset({"linear", "relu", "selu", "elu", "gelu", "silu", "softplus"})
REVERSIBLE = frozenset({"revin", "revin_last", "last_value", "robust"})
WHOLE_WINDOW = frozenset({*REVERSIBLE, "group", "instance", "batch", "batch_renorm", "batch_always"})  # a step sees later ones
ALPHA = frozenset({"alpha", "alpha_feature"})


@dataclass(frozen=True)
class Case:
    """A variant as the rules see it."""

    model: Model
    shape: Shape
    batch: int  # windows

    def places(self) -> Iterator[tuple[str, Slot, int]]:
        """The filled slots that data flows through, in that order, with the number of channels there."""
        model, width = self.model, self.shape.channels
        yield "input.normalization", model.input.normalization, width
        for width in model.conv.filters:
            yield "conv.normalization", model.conv.normalization, width
            yield "conv.dropout", model.conv.dropout, width
        yield "pooling.normalization", model.pooling.normalization, width
        yield from self._recurrent_places(width)
        for width in model.head.hidden:
            yield "head.normalization", model.head.normalization, width
            yield "head.dropout", model.head.dropout, width

    def _recurrent_places(self, width: int) -> Iterator[tuple[str, Slot, int]]:
        recurrent = self.model.recurrent
        yield "recurrent.dropout_before", recurrent.dropout_before, width
        for depth, units in enumerate(recurrent.units, 1):
            yield "recurrent.input_dropout", recurrent.input_dropout, width
            yield "recurrent.recurrent_dropout", recurrent.recurrent_dropout, units
            yield "recurrent.normalization", recurrent.normalization, units
            width = units * (2 if recurrent.bidirectional else 1)
            yield "recurrent.output_normalization", recurrent.output_normalization, width
            last = depth == len(recurrent.units)
            name = "dropout_after" if last else "dropout_between"
            yield f"recurrent.{name}", getattr(recurrent, name), width

    def at(self, *kinds: str) -> list[tuple[str, Slot, int]]:
        """The places that hold one of these kinds; a trailing `*` stands for any ending."""
        return [place for place in self.places() if any(place[1].kind == kind or (kind[-1] == "*" and place[1].kind.startswith(kind[:-1])) for kind in kinds)]

    @property
    def steps(self) -> int:
        """Steps that reach the recurrent layers."""
        time = self.shape.lookback
        for _ in self.model.conv.filters:
            time = -(-time // self.model.conv.stride)
        return time if self.model.pooling.kind == "none" else time // self.model.pooling.size


@dataclass(frozen=True)
class Rule:
    """`broken(case)` is true where the combination of `keys` should be refused, or warned of."""

    name: str
    action: Literal["refuse", "warn"]
    broken: Callable[[Case], bool]
    keys: str
    reason: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.keys}: {self.reason}; {self.way_out} [{self.name}]"


def _dropout_before_batch(case: Case) -> bool:
    kinds = [(slot.kind, "dropout" in place) for place, slot, _ in case.places() if slot.kind != "none"]
    first = next((i for i, (_, dropout) in enumerate(kinds) if dropout), len(kinds))
    return any(kind.startswith("batch") for kind, dropout in kinds[first:] if not dropout)


def _last_output_batch(case: Case) -> bool:
    """A batch normalization over windows alone, right behind the last recurrent layer or in the head."""
    recurrent = case.model.recurrent.output_normalization.kind.startswith("batch")
    return recurrent or (bool(case.model.head.hidden) and case.model.head.normalization.kind.startswith("batch"))


def _indivisible(case: Case) -> bool:
    return any(width % slot.options["groups"] for _, slot, width in case.at("group"))


def _narrow(case: Case, widths: range) -> bool:
    return any(width in widths for _, _, width in case.at("layer", "layer_*", "rms", "unit"))


RULES = (
    Rule(
        "R1",
        "refuse",
        lambda c: c.model.recurrent.activation in UNBOUNDED and c.model.recurrent.recurrent_dropout.kind != "none",
        "recurrent.activation, recurrent.recurrent_dropout",
        "a recurrent state without bounds and a mask that scales it at every step grow to infinity (keras#13221)",
        "use activation tanh, or no recurrent dropout",
    ),
    Rule(
        "R1b",
        "warn",
        lambda c: c.model.recurrent.activation in UNBOUNDED and c.model.recurrent.recurrent_dropout.kind == "none",
        "recurrent.activation",
        "a recurrent state without bounds may grow to infinity, and leaves the cuDNN path",
        "use activation tanh",
    ),
    Rule(
        "R2",
        "warn",
        _dropout_before_batch,
        "dropout before a batch normalization",
        "the variance that the normalization learns with dropout is not the one it meets without (Li et al., 2019)",
        "put the dropout behind the last batch normalization, or use a layer normalization",
    ),
    Rule(
        "R3",
        "refuse",
        lambda c: (c.model.conv.dropout.kind in ALPHA and c.model.conv.activation != "selu") or any("conv" not in place for place, *_ in c.at(*ALPHA)),
        "conv.activation, alpha dropout",
        "alpha dropout keeps mean and variance only right behind selu (Klambauer et al., 2017)",
        "use it as conv.dropout with activation selu, or use another dropout",
    ),
    Rule(
        "R3b",
        "warn",
        lambda c: c.model.conv.activation == "selu" and (c.model.conv.initializer != "lecun_normal" or c.model.conv.dropout.kind not in {"none", *ALPHA}),
        "conv.activation, conv.initializer, conv.dropout",
        "selu keeps mean and variance only with initializer lecun_normal and alpha dropout (Klambauer et al., 2017)",
        "use both with it",
    ),
    Rule(
        "R4",
        "refuse",
        lambda c: c.batch == 1 and bool(c.at("batch*")) and _last_output_batch(c),
        "train.batch, batch normalization",
        "over a batch of one window the variance is zero and the output a constant",
        "use larger batches, or a layer normalization",
    ),
    Rule(
        "R4b",
        "warn",
        lambda c: 1 < c.batch < 8 and _last_output_batch(c),
        "train.batch, batch normalization",
        "statistics over fewer than 8 windows are mostly noise (Wu and He, 2018)",
        "use larger batches, or a layer normalization",
    ),
    Rule(
        "R6",
        "warn",
        lambda c: bool(c.model.conv.filters) and c.model.conv.bias and c.model.conv.normalization.kind == "batch" and c.model.conv.position == "before",
        "conv.bias, conv.normalization",
        "the normalization cancels the bias before it",
        "set conv.bias to false",
    ),
    Rule(
        "R15",
        "warn",
        lambda c: c.batch < 8 and c.model.recurrent.normalization.kind.startswith("batch"),
        "train.batch, recurrent.normalization",
        "statistics per time step over fewer than 8 windows are mostly noise (Cooijmans et al., 2017)",
        "use larger batches",
    ),
    Rule(
        "R16",
        "refuse",
        lambda c: c.model.input.normalization.kind in REVERSIBLE and c.model.head.activation != "linear",
        "input.normalization, head.activation",
        "what is undone behind the head has to be able to fall below the window's centre",
        "use head.activation linear",
    ),
    Rule(
        "R16b",
        "refuse",
        lambda c: c.model.input.normalization.kind in REVERSIBLE and c.model.input.values == "raw",
        "input.normalization, input.values",
        "undone on raw inputs it forecasts in the columns' units, and the targets are standardized",
        "feed it standardized values",
    ),
    Rule(
        "R18",
        "refuse",
        lambda c: _narrow(c, range(1, 2)) or _indivisible(c),
        "normalization over channels",
        "one channel normalized by itself is a constant, and groups must divide the channels",
        "use another normalization, or more filters or units",
    ),
    Rule(
        "R18c",
        "refuse",
        lambda c: (c.model.recurrent.output_normalization.kind == "instance" and not c.model.head.sequence) or (c.steps == 1 and bool(c.at("instance"))),
        "instance normalization",
        "one step has no spread over time",
        "use another normalization there",
    ),
    Rule(
        "R18b",
        "warn",
        lambda c: _narrow(c, range(2, 4)),
        "normalization over channels",
        "over two or three channels little but their order survives",
        "use four channels or more",
    ),
    Rule(
        "R19",
        "warn",
        lambda c: (
            c.model.head.sequence and bool(c.at(*WHOLE_WINDOW) or c.model.recurrent.bidirectional or (c.model.conv.filters and c.model.conv.squeeze_excite))
        ),
        "head.sequence",
        "a forecast at every step should not see later steps, and a part of this network does",
        "use parts that are causal, or one forecast at the end of the window",
    ),
    Rule(
        "R19b",
        "refuse",
        lambda c: c.model.head.sequence and c.steps != c.shape.lookback,
        "head.sequence, conv.stride, pooling",
        "a forecast at every step needs every step",
        "use stride 1 and no pooling",
    ),
    Rule(
        "R24",
        "warn",
        lambda c: c.model.recurrent.output_normalization.kind.startswith("batch") and not c.model.head.hidden,
        "recurrent.output_normalization",
        "batch noise right before a regression's output may confuse the head",
        "use a layer normalization, or none there",
    ),
    Rule(
        "R29",
        "refuse",
        lambda c: c.model.head.activation not in {"linear", "tanh"},
        "head.activation",
        "standardized targets are negative half of the time, and this head cannot forecast them",
        "use activation linear",
    ),
)

IMPOSSIBLE: Mapping[str, str] = {
    "R5": "moving averages start from (0, 1), but the epoch is chosen on validation with them in use, so that unready ones are never kept unnoticed",
    "R7": "the assembly returns sequences from every recurrent layer but the last",
    "R8": "no slot holds a time-distributed layer; `batch_time_step` is what was meant",
    "R9": "windows lie inside one series without gaps: nothing is padded or masked",
    "R10": "as R9",
    "R11": "as R9",
    "R12": "the recurrent layer is always unrolled; the cuDNN path that a network would have kept is recorded with each variant",
    "R13": "XLA is never switched on",
    "R14": "every layer and direction draws from a stream of its own",
    "R17": "reversible normalizations know how many channels are measured and that targets come first",
    "R20": "the catalogue's ranges refuse rates outside of [0, 1)",
    "R21": "the recurrent layer has one implementation",
    "R22": "normalizations compute in float32",
    "R23": "one slot holds one recurrent dropout",
    "R25": "pooling leaves out the oldest samples, never the newest",
    "R26": "no kind works on slices of the horizon",
    "R27": "as R22",
    "R28": "no layer is ever frozen",
}


def findings(case: Case, action: Literal["refuse", "warn"], allow: tuple[str, ...] = ()) -> list[str]:
    """Every rule of this action that `case` breaks, but for those named in `allow`; what a cell cannot hold is always refused."""
    misfits = [f"recurrent.{sentence}" for sentence in cell_rules.misfits(case.model.recurrent)] if action == "refuse" else []
    return misfits + [str(rule) for rule in broken(case, action, allow)]


def broken(case: Case, action: Literal["refuse", "warn"], allow: tuple[str, ...] = ()) -> list[Rule]:
    """The rules of this action that `case` breaks, but for those named in `allow`."""
    return [rule for rule in RULES if rule.action == action and rule.name not in allow and rule.broken(case)]
