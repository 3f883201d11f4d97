"""Combinations of slots that cannot work, or that work otherwise than they look: refused or warned of before any data is loaded.

Numbers are those of the catalogue in the literature that each reason names. What the configuration cannot even express
is a table of attempts in `tests/network/test_impossible.py`.
A variant that wants a refused combination all the same, to show what it costs, names the rule under `allow:`.
"""

from dataclasses import dataclass
from typing import Literal

from pipeline.config.rules import cells as cell_rules
from pipeline.config.rules.case import Case
from pipeline.config.rules.conditions import (
    Keys,
    cancelled_bias,
    carries_nothing,
    dropout_before_batch,
    few,
    few_windows,
    in_cell,
    last_batch,
    lost_steps,
    not_causal,
    recurrent_noise,
    reversible,
    selu_alone,
    unbounded,
    unsettled,
    when,
    where,
)

__all__ = ["RULES", "Case", "Rule", "broken", "findings"]


@dataclass(frozen=True)
class Rule:
    """`keys(case)` are the settings that together should be refused, or warned of; none where the rule is kept."""

    name: str
    action: Literal["refuse", "warn"]
    keys: Keys
    reason: str
    way_out: str

    def broken(self, case: Case) -> bool:
        """Does the case break it?"""
        return bool(self.keys(case))

    def finding(self, case: Case) -> str:
        """What is told to the user."""
        return f"{', '.join(dict.fromkeys(self.keys(case)))}: {self.reason}; {self.way_out} [{self.name}]"


RULES = (
    Rule(
        "R1",
        "refuse",
        when(
            lambda c: unbounded(c) and recurrent_noise(c),
            "recurrent.activation",
            "recurrent.recurrent_dropout",
        ),
        "a recurrent state without bounds and a mask that scales it at every step grow to infinity (keras#13221)",
        "use activation tanh, or no recurrent dropout",
    ),
    Rule(
        "R1b",
        "warn",
        when(lambda c: unbounded(c) and not recurrent_noise(c), "recurrent.activation"),
        "a recurrent state without bounds may grow to infinity, and leaves the cuDNN path",
        "use activation tanh",
    ),
    Rule(
        "R2",
        "warn",
        dropout_before_batch,
        "the variance that the normalization learns with dropout is not the one it meets without (Li et al., 2019)",
        "put the dropout behind the last batch normalization, or use a layer normalization",
    ),
    Rule(
        "R3",
        "refuse",
        where(lambda p: p.kind.alpha and p.behind != "selu"),
        "alpha dropout keeps mean and variance only right behind selu (Klambauer et al., 2017)",
        "put it right behind an activation selu, or use another dropout",
    ),
    Rule(
        "R3b",
        "warn",
        selu_alone,
        "selu keeps mean and variance only with initializer lecun_normal and alpha dropout (Klambauer et al., 2017)",
        "use both with it",
    ),
    Rule(
        "R4",
        "refuse",
        where(lambda p: few_windows(p, range(2)), "train.batch"),
        "over a batch of one window the variance is zero and the output a constant",
        "use larger batches, or a layer normalization",
    ),
    Rule(
        "R4b",
        "warn",
        where(lambda p: not in_cell(p) and few_windows(p, range(2, 8)), "train.batch"),
        "statistics over fewer than 8 values are mostly noise (Wu and He, 2018)",
        "use larger batches, or a layer normalization",
    ),
    Rule(
        "R5",
        "warn",
        unsettled,
        "so few steps were trained that over a hundredth of the initial moving statistics is left in them at inference (keras#10666)",
        "use a smaller momentum, or train longer",
    ),
    Rule(
        "R6",
        "warn",
        when(cancelled_bias, "conv.bias", "conv.normalization"),
        "the normalization cancels the bias before it",
        "set conv.bias to false",
    ),
    Rule(
        "R15",
        "warn",
        where(lambda p: in_cell(p) and few_windows(p, range(2, 8)), "train.batch"),
        "statistics per time step over fewer than 8 windows are mostly noise (Cooijmans et al., 2017)",
        "use larger batches",
    ),
    Rule(
        "R16",
        "refuse",
        lambda c: (
            where(reversible, "head.activation")(c) if c.model.head.activation != "linear" else []
        ),
        "what is undone behind the head has to be able to fall below the window's centre",
        "use head.activation linear",
    ),
    Rule(
        "R16b",
        "refuse",
        lambda c: where(reversible, "input.values")(c) if c.model.input.values == "raw" else [],
        "undone on raw inputs it forecasts in the columns' units, and the targets are standardized",
        "feed it standardized values",
    ),
    Rule(
        "R18",
        "refuse",
        where(
            lambda p: (
                ("channels" in p.axes and few(p, range(2)))
                or p.width % p.slot.options.get("groups", 1) > 0
            )
        ),
        "one channel normalized by itself is a constant, and groups must divide the channels",
        "use another normalization, fewer groups, or more filters or units",
    ),
    Rule(
        "R18c",
        "refuse",
        where(lambda p: p.axes == {"time"} and few(p, range(2))),
        "one step has no spread over time",
        "use another normalization there",
    ),
    Rule(
        "R18b",
        "warn",
        where(lambda p: "channels" in p.axes and few(p, range(2, 4))),
        "over two or three values little but their order survives",
        "use four channels or more",
    ),
    Rule(
        "R19",
        "warn",
        not_causal,
        "a forecast at every step should not see later steps, and a part of this network does",
        "use parts that are causal, or one forecast at the end of the window",
    ),
    Rule(
        "R19b",
        "refuse",
        lost_steps,
        "a forecast at every step needs every step",
        "use stride 1 and no pooling",
    ),
    Rule(
        "R24",
        "warn",
        last_batch,
        "batch noise right before a regression's output may confuse the head",
        "use a layer normalization, or none there",
    ),
    Rule(
        "R25",
        "refuse",
        when(lambda c: c.steps < 1, "window.lookback", "pooling.size"),
        "fewer steps reach the pool than it is long",
        "use a smaller pool, smaller strides, or a longer window",
    ),
    Rule(
        "R29",
        "refuse",
        when(lambda c: c.model.head.activation != "linear", "head.activation"),
        "standardized targets lie on both sides of 0 and beyond 1, and every other activation ends somewhere there",
        "use activation linear",
    ),
    Rule(
        "R31",
        "refuse",
        when(
            lambda c: bool(c.model.recurrent.stateful) and c.model.recurrent.bidirectional,
            "recurrent.stateful",
            "recurrent.bidirectional",
        ),
        "a sweep from the newest step to the oldest has no state to be carried on from before",
        "use one of them",
    ),
    Rule(
        "R32",
        "refuse",
        when(carries_nothing, "recurrent.stateful", "window.lookback"),
        "a piece as long as what reaches the recurrent layers has none before it",
        "use fewer steps, or null",
    ),
    Rule(
        "R30",
        "refuse",
        where(lambda p: p.kind.batch_stats_at_inference),
        "batch statistics at inference make a forecast depend on what else is in its batch",
        "use kind batch",
    ),
)


def findings(
    case: Case, action: Literal["refuse", "warn"], allow: tuple[str, ...] = ()
) -> list[str]:
    """Every rule of this action that `case` breaks, but for those named in `allow`; what a cell cannot hold is always refused."""
    recurrent = case.model.recurrent
    always = [
        f"recurrent.{sentence}"
        for table in (cell_rules.misfits, cell_rules.idle)
        for sentence in table(recurrent)
    ] + _unknown(allow)
    return (always if action == "refuse" else []) + [
        rule.finding(case) for rule in broken(case, action, allow)
    ]


def _unknown(allow: tuple[str, ...]) -> list[str]:
    """Entries of `allow` that name no rule that refuses."""
    names = [rule.name for rule in RULES if rule.action == "refuse"]
    return [
        f"allow: {entry!r} is no rule that refuses; choose from {', '.join(names)}"
        for entry in allow
        if entry not in names
    ]


def broken(
    case: Case, action: Literal["refuse", "warn"], allow: tuple[str, ...] = ()
) -> list[Rule]:
    """The rules of this action that `case` breaks, but for those named in `allow`."""
    return [
        rule
        for rule in RULES
        if rule.action == action and rule.name not in allow and rule.broken(case)
    ]
