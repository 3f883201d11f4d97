"""Combinations of slots that cannot work, or that work otherwise than they look: refused or warned of before any data is loaded.

Numbers are those of the catalogue in the literature that each reason names. What the configuration cannot even express is in `IMPOSSIBLE`.
A variant that wants a refused combination all the same, to show what it costs, names the rule under `allow:`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import dropwhile
from typing import Literal

from pipeline.network import cell_rules
from pipeline.network.case import Case, Place

__all__ = ["IMPOSSIBLE", "RULES", "Case", "Rule", "broken", "findings"]

BOUNDED = frozenset({"tanh", "sigmoid"})


@dataclass(frozen=True)
class Rule:
    """`keys(case)` are the settings that together should be refused, or warned of; none where the rule is kept."""

    name: str
    action: Literal["refuse", "warn"]
    keys: Callable[[Case], list[str]]
    reason: str
    way_out: str

    def broken(self, case: Case) -> bool:
        """Does the case break it?"""
        return bool(self.keys(case))

    def finding(self, case: Case) -> str:
        """What is told to the user."""
        return f"{', '.join(dict.fromkeys(self.keys(case)))}: {self.reason}; {self.way_out} [{self.name}]"


def _where(holds: Callable[[Place], bool], *more: str) -> Callable[[Case], list[str]]:
    """The places where this holds, with `more` settings in front; nothing if there are none."""

    def keys(case: Case) -> list[str]:
        found = [place.key for place in case.places() if holds(place)]
        return [*more, *found] if found else []

    return keys


def _if(holds: Callable[[Case], bool], *keys: str) -> Callable[[Case], list[str]]:
    return lambda case: list(keys) if holds(case) else []


def _few(place: Place, values: range) -> bool:
    """Statistics over so many values of one window."""
    return bool(place.axes) and "batch" not in place.axes and place.values in values


def _few_windows(place: Place, values: range) -> bool:
    return "batch" in place.axes and place.values in values


def _in_cell(place: Place) -> bool:
    return place.key == "recurrent.normalization"


def _unbounded(case: Case) -> bool:
    return case.model.recurrent.activation not in BOUNDED


def _recurrent_noise(case: Case) -> bool:
    return any(place.key == "recurrent.recurrent_dropout" for place in case.places())


def _dropout_before_batch(case: Case) -> list[str]:
    behind = list(dropwhile(lambda place: not place.kind.noise, case.places()))
    batch = [place.key for place in behind if "batch" in place.axes]
    return [behind[0].key, *batch] if batch else []


def _selu_alone(case: Case) -> list[str]:
    conv = case.model.conv
    if not conv.filters or conv.activation != "selu":
        return []
    initializer = ["conv.initializer"] if conv.initializer != "lecun_normal" else []
    dropout = [place.key for place in case.places() if place.key == "conv.dropout" and not place.kind.alpha]
    return ["conv.activation", *initializer, *dropout] if initializer or dropout else []


def _cancelled_bias(case: Case) -> bool:
    conv = case.model.conv
    direct = conv.position == "before" or conv.activation == "linear"
    return conv.bias and direct and any(place.key == "conv.normalization" and place.axes and "channels" not in place.axes for place in case.places())


def _reversible(place: Place) -> bool:
    return place.kind.reversible


def _not_causal(case: Case) -> list[str]:
    model = case.model
    parts = [place.key for place in case.places() if "time" in place.axes]
    parts += ["recurrent.bidirectional"] if model.recurrent.bidirectional else []
    parts += ["conv.squeeze_excite"] if model.conv.filters and model.conv.squeeze_excite else []
    return ["head.sequence", *parts] if parts and model.head.sequence else []


def _lost_steps(case: Case) -> list[str]:
    if not case.model.head.sequence or case.steps == case.shape.lookback:
        return []
    strided = any(stride > 1 for _, _, stride, _ in case.model.conv.blocks)
    pooled = case.model.pooling.kind != "none"
    return ["head.sequence", *["conv.stride"] * strided, *["pooling.kind"] * pooled]


def _last_batch(case: Case) -> list[str]:
    key = "head.normalization" if case.model.head.hidden else "recurrent.output_normalization"
    return [place.key for place in case.places() if place.key == key and "batch" in place.axes][-1:]


RULES = (
    Rule(
        "R1",
        "refuse",
        _if(lambda c: _unbounded(c) and _recurrent_noise(c), "recurrent.activation", "recurrent.recurrent_dropout"),
        "a recurrent state without bounds and a mask that scales it at every step grow to infinity (keras#13221)",
        "use activation tanh, or no recurrent dropout",
    ),
    Rule(
        "R1b",
        "warn",
        _if(lambda c: _unbounded(c) and not _recurrent_noise(c), "recurrent.activation"),
        "a recurrent state without bounds may grow to infinity, and leaves the cuDNN path",
        "use activation tanh",
    ),
    Rule(
        "R2",
        "warn",
        _dropout_before_batch,
        "the variance that the normalization learns with dropout is not the one it meets without (Li et al., 2019)",
        "put the dropout behind the last batch normalization, or use a layer normalization",
    ),
    Rule(
        "R3",
        "refuse",
        _where(lambda p: p.kind.alpha and p.behind != "selu"),
        "alpha dropout keeps mean and variance only right behind selu (Klambauer et al., 2017)",
        "put it right behind an activation selu, or use another dropout",
    ),
    Rule(
        "R3b",
        "warn",
        _selu_alone,
        "selu keeps mean and variance only with initializer lecun_normal and alpha dropout (Klambauer et al., 2017)",
        "use both with it",
    ),
    Rule(
        "R4",
        "refuse",
        _where(lambda p: _few_windows(p, range(2)), "train.batch"),
        "over a batch of one window the variance is zero and the output a constant",
        "use larger batches, or a layer normalization",
    ),
    Rule(
        "R4b",
        "warn",
        _where(lambda p: not _in_cell(p) and _few_windows(p, range(2, 8)), "train.batch"),
        "statistics over fewer than 8 values are mostly noise (Wu and He, 2018)",
        "use larger batches, or a layer normalization",
    ),
    Rule(
        "R6",
        "warn",
        _if(_cancelled_bias, "conv.bias", "conv.normalization"),
        "the normalization cancels the bias before it",
        "set conv.bias to false",
    ),
    Rule(
        "R15",
        "warn",
        _where(lambda p: _in_cell(p) and _few_windows(p, range(2, 8)), "train.batch"),
        "statistics per time step over fewer than 8 windows are mostly noise (Cooijmans et al., 2017)",
        "use larger batches",
    ),
    Rule(
        "R16",
        "refuse",
        lambda c: _where(_reversible, "head.activation")(c) if c.model.head.activation != "linear" else [],
        "what is undone behind the head has to be able to fall below the window's centre",
        "use head.activation linear",
    ),
    Rule(
        "R16b",
        "refuse",
        lambda c: _where(_reversible, "input.values")(c) if c.model.input.values == "raw" else [],
        "undone on raw inputs it forecasts in the columns' units, and the targets are standardized",
        "feed it standardized values",
    ),
    Rule(
        "R18",
        "refuse",
        _where(lambda p: ("channels" in p.axes and _few(p, range(2))) or p.width % p.slot.options.get("groups", 1) > 0),
        "one channel normalized by itself is a constant, and groups must divide the channels",
        "use another normalization, fewer groups, or more filters or units",
    ),
    Rule(
        "R18c",
        "refuse",
        _where(lambda p: p.axes == {"time"} and _few(p, range(2))),
        "one step has no spread over time",
        "use another normalization there",
    ),
    Rule(
        "R18b",
        "warn",
        _where(lambda p: "channels" in p.axes and _few(p, range(2, 4))),
        "over two or three values little but their order survives",
        "use four channels or more",
    ),
    Rule(
        "R19",
        "warn",
        _not_causal,
        "a forecast at every step should not see later steps, and a part of this network does",
        "use parts that are causal, or one forecast at the end of the window",
    ),
    Rule(
        "R19b",
        "refuse",
        _lost_steps,
        "a forecast at every step needs every step",
        "use stride 1 and no pooling",
    ),
    Rule(
        "R24",
        "warn",
        _last_batch,
        "batch noise right before a regression's output may confuse the head",
        "use a layer normalization, or none there",
    ),
    Rule(
        "R25",
        "refuse",
        _if(lambda c: c.steps < 1, "window.lookback", "pooling.size"),
        "fewer steps reach the pool than it is long",
        "use a smaller pool, smaller strides, or a longer window",
    ),
    Rule(
        "R29",
        "refuse",
        _if(lambda c: c.model.head.activation != "linear", "head.activation"),
        "standardized targets lie on both sides of 0 and beyond 1, and every other activation ends somewhere there",
        "use activation linear",
    ),
    Rule(
        "R30",
        "refuse",
        _where(lambda p: p.kind.live),
        "batch statistics at inference make a forecast depend on what else is in its batch",
        "use kind batch",
    ),
)

IMPOSSIBLE: Mapping[str, str] = {
    "R5": "it hangs on the number of training steps, which only training knows; the epoch is chosen on validation with the moving averages in use",
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
    "R26": "no kind works on slices of the horizon",
    "R27": "as R22",
    "R28": "no layer is ever frozen",
}


def findings(case: Case, action: Literal["refuse", "warn"], allow: tuple[str, ...] = ()) -> list[str]:
    """Every rule of this action that `case` breaks, but for those named in `allow`; what a cell cannot hold is always refused."""
    recurrent = case.model.recurrent
    always = [f"recurrent.{sentence}" for table in (cell_rules.misfits, cell_rules.idle) for sentence in table(recurrent)] + _unknown(allow)
    return (always if action == "refuse" else []) + [rule.finding(case) for rule in broken(case, action, allow)]


def _unknown(allow: tuple[str, ...]) -> list[str]:
    """Entries of `allow` that name no rule that refuses."""
    names = [rule.name for rule in RULES if rule.action == "refuse"]
    return [f"allow: {entry!r} is no rule that refuses; choose from {', '.join(names)}" for entry in allow if entry not in names]


def broken(case: Case, action: Literal["refuse", "warn"], allow: tuple[str, ...] = ()) -> list[Rule]:
    """The rules of this action that `case` breaks, but for those named in `allow`."""
    return [rule for rule in RULES if rule.action == action and rule.name not in allow and rule.broken(case)]
