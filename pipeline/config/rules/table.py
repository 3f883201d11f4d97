"""The rules: combinations of slots that cannot work, or that do not do what they seem to.

The numbers are those of a catalogue of the literature, which each reason cites. Combinations that
`params.yaml` cannot express at all are tried in vain in `tests/config/test_impossible.py`.
"""

from pipeline.config.rules.conditions import (
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
from pipeline.config.rules.rule import Rule

RULES = (
    Rule(
        "R1",
        "reject",
        when(
            lambda c: unbounded(c) and recurrent_noise(c),
            "recurrent.activation",
            "recurrent.recurrent_dropout",
        ),
        "an unbounded recurrent state grows to infinity under a mask at every step (keras#13221)",
        "use activation tanh, or no recurrent dropout",
    ),
    Rule(
        "R1b",
        "warn",
        when(lambda c: unbounded(c) and not recurrent_noise(c), "recurrent.activation"),
        "an unbounded recurrent state may grow to infinity, and cuDNN's kernel cannot compute it",
        "use activation tanh",
    ),
    Rule(
        "R2",
        "warn",
        dropout_before_batch,
        "the variance learned with dropout is not that at inference (Li et al., 2019)",
        "put the dropout after the last batch normalization, or use a layer normalization",
    ),
    Rule(
        "R3",
        "reject",
        where(lambda p: p.kind.alpha and p.preceding != "selu"),
        "alpha dropout keeps mean and variance only right after selu (Klambauer et al., 2017)",
        "put it right after an activation selu, or use another dropout",
    ),
    Rule(
        "R3b",
        "warn",
        selu_alone,
        "selu keeps mean and variance with its own initializer and dropout only",
        "use initializer lecun_normal and, as dropout, alpha or none (Klambauer et al., 2017)",
    ),
    Rule(
        "R4",
        "reject",
        where(lambda p: few_windows(p, range(2)), "train.batch"),
        "over a batch of one window the variance is 0 and the output constant",
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
        "after so few steps over 1 % of the initial moving statistics is left (keras#10666)",
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
        "statistics of a step over fewer than 8 windows are mostly noise (Cooijmans et al., 2017)",
        "use larger batches",
    ),
    Rule(
        "R16",
        "reject",
        lambda c: (
            where(reversible, "head.activation")(c) if c.model.head.activation != "linear" else []
        ),
        "what is undone after the head must be able to lie below the centre of the window",
        "use head.activation linear",
    ),
    Rule(
        "R16b",
        "reject",
        lambda c: where(reversible, "input.values")(c) if c.model.input.values == "raw" else [],
        "undone on raw inputs it forecasts in the columns' units, but the targets are standardized",
        "use input.values standardized",
    ),
    Rule(
        "R18",
        "reject",
        where(lambda p: ("channels" in p.axes and few(p, range(2))) or p.width % p.groups > 0),
        "one channel normalized by itself is constant; groups and heads must divide the channels",
        "use another normalization, fewer groups or heads, or more filters or units",
    ),
    Rule(
        "R18c",
        "reject",
        where(lambda p: p.axes == {"time"} and few(p, range(2))),
        "a single step has no variance over time",
        "use another normalization there",
    ),
    Rule(
        "R18b",
        "warn",
        where(lambda p: "channels" in p.axes and few(p, range(2, 4))),
        "of two or three normalized values little more than their order is left",
        "use four channels or more",
    ),
    Rule(
        "R19",
        "warn",
        not_causal,
        "a forecast at every step should not see later steps, but a part of this network does",
        "use parts that are causal, or one forecast at the end of the window",
    ),
    Rule(
        "R19b",
        "reject",
        lost_steps,
        "a forecast at every step needs every step",
        "use stride 1 and no pooling",
    ),
    Rule(
        "R24",
        "warn",
        last_batch,
        "the noise of batch statistics right before the output of a regression may hurt it",
        "use a layer normalization, or none there",
    ),
    Rule(
        "R25",
        "reject",
        when(lambda c: c.steps < 1, "window.lookback", "pooling.size"),
        "the pool is longer than the number of steps that reach it",
        "use a smaller pool, smaller strides, or a longer window",
    ),
    Rule(
        "R29",
        "reject",
        when(lambda c: c.model.head.activation != "linear", "head.activation"),
        "standardized targets lie on both sides of 0 and beyond 1, which only linear can reach",
        "use head.activation linear",
    ),
    Rule(
        "R31",
        "reject",
        when(
            lambda c: bool(c.model.recurrent.stateful) and c.model.recurrent.bidirectional,
            "recurrent.stateful",
            "recurrent.bidirectional",
        ),
        "a pass from the newest step to the oldest has no earlier state to begin with",
        "use one of them",
    ),
    Rule(
        "R32",
        "reject",
        when(carries_nothing, "recurrent.stateful", "window.lookback"),
        "no piece comes before one that is as long as what reaches the recurrent layers",
        "use a smaller number, or null",
    ),
    Rule(
        "R30",
        "reject",
        where(lambda p: p.kind.batch_stats_at_inference),
        "with batch statistics at inference a forecast depends on the rest of its batch",
        "use kind batch",
    ),
)
