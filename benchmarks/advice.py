"""Turn every claim of three threads into comparisons of two variants, judged by a whole catalogue.

    python benchmarks/advice.py data/6_verdict/leaderboard.csv > docs/advice.md

A difference of mean test errors over the seeds counts only if its 95 % interval (Welch, 1947: seeds
as independent samples of unequal variance) excludes zero; otherwise it is a tie. It says what a
change did on this data with these seeds, not what it does anywhere.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
import pandas as pd
from scipy import stats


@dataclass(frozen=True)
class Pair:
    """The claim says that `better` has a lower error than `worse`, or with `same` an equal one.

    `confounders` says what else differs between the two.
    """

    better: str
    worse: str
    confounders: str = ""
    same: bool = False


@dataclass(frozen=True)
class Claim:
    """`source` says `text`. `pairs` test it; `note` says why none does, or what they leave open."""

    source: str
    text: str
    pairs: tuple[Pair, ...] = ()
    note: str = ""


SOURCES = {
    "Q": "the question: Stack Overflow 59285058, batch normalization layer for CNN-LSTM",
    "A": "its answer",
    "S2": "Stack Overflow, how to implement TensorFlow batch normalization in LSTM",
    "S3": "Stack Overflow, LayerNorm: where and how many in an LSTM",
}


def pairs(*names: str) -> tuple[Pair, ...]:
    """`"one > other"`: the two differ in what the claim is about, and in nothing else."""
    return tuple(Pair(*name.split(" > ")) for name in names)


CLAIMS = (  # numbered from 1, in the order in which the threads make them
    Claim(
        "Q",
        "Convolution, LSTM, BN and a dense layer with relu are a sound start",
        (Pair("asker", "plain", "both BN and the relu head"), *pairs("asker > lstm_bn_after")),
        "The second pair differs in the relu head alone; BN alone is row 4.",
    ),
    Claim(
        "Q",
        "BN does not work with LSTM",
        pairs("plain > cell_bn", "plain > cell_bn_inputs", "plain > lstm_bn_after"),
    ),
    Claim(
        "Q",
        "BN can stand before the convolution",
        pairs("input_batch_norm > input_raw"),
        "Against a standardized input: row 10.",
    ),
    Claim(
        "Q",
        "BN after the LSTM is rational",
        pairs("lstm_bn_after > plain", "stack_bn > stack", "stack_bn_time_step > stack"),
    ),
    Claim(
        "Q",
        "Dropout before BN, or after it? (the literature: after the last BN)",
        pairs("bn_then_dropout > dropout_then_bn", "bn_then_dropout > conv_bn_after"),
        "On the convolution; the second pair is what the dropout does at all.",
    ),
    Claim(
        "Q", "Average pooling between convolution and LSTM helps", pairs("average_pooling > plain")
    ),
    Claim(
        "Q",
        "BN between convolution and pooling is without any effect on the LSTM",
        (
            Pair("bn_before_pooling", "average_pooling", same=True),
            Pair("bn_after_pooling", "average_pooling", same=True),
        ),
        "A tie does not prove that there is none.",
    ),
    Claim(
        "A",
        "BN dominates LN, though LN inside the cell may be better than LN after the layer",
        pairs(
            "lstm_bn_after > lstm_ln_after",
            "stack_bn > stack_ln",
            "conv_bn_after > conv_ln",
            "cell_ln_paper > lstm_ln_after",
        ),
    ),
    Claim(
        "A",
        "The linked answer gives false advice",
        (),
        "It says nothing of a network that could be built.",
    ),
    Claim(
        "A",
        "Standardize the input, do not batch-normalize it",
        (
            Pair("plain", "input_batch_norm", "the kind, and statistics of each series or of all"),
            *pairs("input_keras_normalization > input_batch_norm"),
        ),
        "The second pair has statistics of all series in both.",
    ),
    Claim(
        "A",
        "BN on the convolution is worth a try, before the activation and after it",
        (
            Pair("conv_bn_before", "plain", "BN, and the bias, which BN would cancel"),
            *pairs("conv_bn_after > plain"),
            Pair(
                "conv_bn_before",
                "conv_bn_after",
                "the position, and the bias, which BN would cancel",
            ),
        ),
    ),
    Claim(
        "A",
        "... and on the LSTM",
        pairs("cell_bn > plain", "lstm_bn_after > plain", "cell_bn > lstm_bn_after"),
        "Before the activation means inside the cell. An LSTM without activation, then BN, "
        "then tanh is something else, with a cell that has no bounds; "
        "no slot can hold it.",
    ),
    Claim("A", "BN right before the output may confuse the head", pairs("plain > lstm_bn_after")),
    Claim(
        "A",
        "Dropout can stand anywhere but between stacked recurrent layers",
        pairs("stack > stack_locked_dropout"),
        "With one mask for all steps; no variant redraws it at each step there.",
    ),
    Claim(
        "A",
        "Dropout before the LSTM, after it, or both",
        (
            *pairs("dropout_before > plain", "dropout_after > plain"),
            Pair("dropout_both", "plain", "dropout in two places"),
            *pairs("dropout_both > dropout_after"),
        ),
    ),
    Claim(
        "A",
        "Spatial dropout performs better than dropout of single values, and converges more slowly",
        pairs("spatial_dropout > dropout_before"),
        "The speed is not compared.",
    ),
    Claim(
        "A",
        "Dropout with noise_shape (batch, 1, channels) is spatial dropout",
        (),
        "One layer under two names; a batch size written into it breaks the last batch.",
    ),
    Claim(
        "A",
        "Recurrent dropout is preferable to dropout, and both are possible",
        pairs("recurrent_dropout > dropout_after", "recurrent_dropout > dropout_before"),
        "No variant adds just both to the plain network.",
    ),
    Claim(
        "A",
        "Never recurrent dropout with relu",
        (),
        "Rejected when parameters are read (rule R1), because it diverges: keras#13221.",
    ),
    Claim(
        "A",
        "Pooling is redundant or harmful for small data",
        pairs("plain > average_pooling", "plain > max_pooling"),
        "The embedded data is not small.",
    ),
    Claim("A", "Squeeze-and-excitation is strongly recommended", pairs("squeeze_excite > plain")),
    Claim(
        "A",
        "selu with lecun_normal and alpha dropout",
        (
            Pair("selu", "plain", "activation and initializer, which belong together"),
            *pairs("selu_alpha > selu", "feature_alpha > selu"),
            Pair("selu_alpha", "plain", "activation, initializer and dropout"),
        ),
    ),
    Claim(
        "A", "None of this may hold for texts and embeddings", (), "The data is a table of numbers."
    ),
    Claim(
        "A",
        "The template as a whole",
        (
            Pair(
                "seed_template",
                "plain",
                "BN, bias, selu, alpha dropout, squeeze-and-excitation, recurrent dropout, units, "
                "optimizer",
            ),
            *pairs("seed_template_published > seed_template"),
        ),
        "The second pair is the relu head that it was published with.",
    ),
    Claim(
        "A",
        "Random numbers as data to try the template on",
        (),
        "Targets independent of the inputs: there is nothing to learn, and it shows only that "
        "the code runs.",
    ),
    Claim(
        "A",
        "The template's convolution: BN without scale, selu, alpha dropout, squeeze-and-excitation",
        (
            Pair(
                "seed_template",
                "selu_alpha",
                "BN, bias, squeeze-and-excitation, and also recurrent dropout, units, optimizer",
            ),
        ),
        "No variant has this block and a plain LSTM; its parts, one by one, are rows 11, 21 and "
        "22.",
    ),
    Claim(
        "A",
        "One step of training shows whether a network is in order",
        (),
        "A check, not a choice; the tests make it with every variant.",
    ),
    Claim("A", "Further reading", (), "No claim."),
    Claim(
        "S2",
        "A simple recurrent network with a forecast at every step",
        (
            Pair(
                "many_to_many",
                "simple_rnn",
                "the forecasts at every step, no convolution, BN, dropout",
            ),
            Pair(
                "many_to_many_published",
                "simple_rnn",
                "as published: the same, BN and dropout as in training, one window a batch, "
                "one epoch",
            ),
        ),
    ),
    Claim(
        "S2",
        "BN with momentum 0.4 that uses the batch's statistics also at inference",
        (Pair("many_to_many_live", "many_to_many", "BN and dropout, both as in training"),),
        "No variant switches BN alone.",
    ),
    Claim(
        "S2",
        "Dropout that stays on at inference",
        (
            *pairs("monte_carlo_dropout > dropout_after"),
            Pair("many_to_many_live", "many_to_many", "BN and dropout, both as in training"),
        ),
    ),
    Claim(
        "S2",
        "LayerNormBasicLSTMCell, which is LN and recurrent dropout, is the cell to use",
        (
            *pairs("cell_ln_per_gate > plain"),
            Pair("cell_ln_per_gate_semeniuta", "plain", "LN and the dropout"),
            *pairs(
                "cell_ln_per_gate_semeniuta > cell_ln_per_gate",
                "cell_ln_per_gate_semeniuta > semeniuta",
            ),
        ),
    ),
    Claim(
        "S2",
        "The linked BN-LSTM is the cell to use",
        pairs("cell_bn > plain", "cell_bn > cell_bn_shared"),
        "The second pair: statistics for each time step, or for all.",
    ),
    Claim(
        "S2",
        "LN has more advantage than BN on sequences",
        pairs(
            "cell_ln_paper > cell_bn",
            "stack_ln > stack_bn",
            "lstm_ln_after > lstm_bn_after",
            "conv_ln > conv_bn_after",
        ),
    ),
    Claim(
        "S2",
        "LN normalizes the summed inputs within a layer",
        (),
        "A definition; the tests compare it with its equation.",
    ),
    Claim("S2", "The linked LN-GRU is the cell to use", pairs("cell_ln_gru > gru")),
    Claim(
        "S3",
        "Two bidirectional layers with LN after each, and both dropouts",
        (
            Pair(
                "bidirectional_ln_stack",
                "plain",
                "depth, direction, widths, LN, dropouts, no convolution",
            ),
            Pair(
                "bidirectional_ln_stack",
                "bidirectional",
                "depth, widths, LN, dropouts, no convolution",
            ),
            Pair(
                "bidirectional_ln_stack_published",
                "plain",
                "the same at the published widths, two epochs",
            ),
        ),
        "The first two pairs: a fifth of the published widths.",
    ),
    Claim("S3", "LN after each recurrent layer is valid", pairs("stack_ln > stack")),
    Claim(
        "S3",
        "The first LN works on sequences, the second prepares the dense layer",
        pairs("lstm_ln_after > plain"),
        "The second alone; no variant has the first alone, and row 38 has both.",
    ),
    Claim(
        "S3",
        "LN inside the cell makes deep or unstable training stable",
        pairs(
            "cell_ln_joint > plain",
            "cell_ln_paper > plain",
            "cell_ln_haste > plain",
            "cell_ln_addons > plain",
            "cell_ln_gates_only > plain",
        ),
        "The first is the published cell, corrected: as published its gates have no sigmoid, and "
        "no slot can hold that. Nothing deep or unstable is compared.",
    ),
    Claim("S3", "Wrap the cell in an RNN layer", (), "A way of writing it."),
    Claim(
        "S3",
        "With two or three layers, one LN for each",
        pairs("stack_ln > stack"),
        "Two layers; no variant has three.",
    ),
    Claim(
        "S3",
        "Too many normalizations over-regularize",
        pairs("stack_ln > cell_and_between_ln"),
        "LN is not stochastic, and no primary evidence was found.",
    ),
    Claim(
        "S3",
        "With four layers or more, LN after the layers and inside the cells",
        (),
        "No variant is that deep; with two layers, row 43.",
    ),
    Claim(
        "S3",
        "Always keep the last LN before the dense layer",
        pairs("lstm_ln_after > plain", "hidden_head_ln > plain"),
    ),
    Claim("S3", "The second bidirectional layer needs no input_shape", (), "A way of writing it."),
    Claim(
        "S3",
        "If the loss spikes take LN inside the cell, else leave it",
        (),
        "A rule for one's own training curves; no pair is chosen by its spikes. See row 40.",
    ),
)


@dataclass(frozen=True)
class Result:
    """The errors of a pair, their difference with half of its 95 % interval, and the verdict."""

    errors: str
    difference: str
    verdict: str


def measured(board: pd.DataFrame, pair: Pair) -> Result:
    """Return what the run says of a pair.

    The verdict stays open if a variant is missing from the run, lost a seed or has a single one.
    """
    names = [pair.better, pair.worse]
    if absent := [f"`{name}`" for name in names if name not in board.index]:
        return Result("", "", f"not in this run: {', '.join(absent)}")
    if lost := [
        f"`{name}`: {board.loc[name, 'state']}"
        for name in names
        if board.loc[name, "state"] != "trained"
    ]:
        return Result("", "", f"open, because seeds were lost: {', '.join(lost)}")
    better, worse = board.loc[names, "mse"]
    half = half_interval(board.loc[names])
    spread = f" ± {half / worse:.0%}" if np.isfinite(half) else ""
    return Result(
        f"{better:.4f} against {worse:.4f}",
        f"{(better - worse) / worse:+.0%}{spread}",
        verdict(better - worse, half, pair.same),
    )


def half_interval(rows: pd.DataFrame) -> float:
    """Return half of the 95 % interval of the difference between two means; NaN for one seed."""
    variances = rows["mse_sd"] ** 2 / rows["seeds"]
    if not (variances.notna().all() and variances.sum() > 0 and rows["seeds"].min() > 1):
        return float("nan")
    freedom = variances.sum() ** 2 / (variances**2 / (rows["seeds"] - 1)).sum()
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(variances.sum()))


def verdict(value: float, half: float, same: bool) -> str:
    """Return what the interval says of the claim that the difference is negative, or zero."""
    if not np.isfinite(half):
        return "no interval"
    if abs(value) <= half:
        return "tie"
    return "confirmed" if value < 0 and not same else "refuted"


def lines(number: int, claim: Claim, results: dict[Pair, Result]) -> list[str]:
    """Return the rows of a claim, one per pair; percentages refer to the second variant."""
    note = f" *{claim.note}*" if claim.note else ""
    heads = [
        f"| {number} | {claim.source} | {claim.text}.{note} |",
        *["| | | |"] * len(claim.pairs[1:]),
    ]
    if not claim.pairs:
        return [f"{heads[0]} no pair of variants | | | |"]
    return [
        f"{head} {cells(pair, results[pair])} |"
        for head, pair in zip(heads, claim.pairs, strict=True)
    ]


def cells(pair: Pair, result: Result) -> str:
    """Return the cells of a pair and its result."""
    confounded = f"; **several things differ**: {pair.confounders}" if pair.confounders else ""
    compared = f"`{pair.better}` against `{pair.worse}`{confounded}"
    return f"{compared} | {result.errors} | {result.difference} | **{result.verdict}**"


def text(board: pd.DataFrame) -> str:
    """Return the whole page as Markdown."""
    results = {pair: measured(board, pair) for claim in CLAIMS for pair in claim.pairs}
    return "\n".join(
        [
            "# What became of the advice",
            "",
            *wrap(introduction(board, results), 100),
            "",
            *(f"- **{key}**: {title}" for key, title in SOURCES.items()),
            "",
            "| | from | claim | tested by | MSE | difference | verdict |",
            "|---|---|---|---|---|---|---|",
            *(
                line
                for number, claim in enumerate(CLAIMS, 1)
                for line in lines(number, claim, results)
            ),
        ]
    )


def introduction(board: pd.DataFrame, results: dict[Pair, Result]) -> str:
    """Return how to read the table, and its totals."""
    count = Counter(result.verdict.partition(":")[0] for result in results.values())
    total = ", ".join(f"{name} {number}" for name, number in count.most_common())
    untested = sum(not claim.pairs for claim in CLAIMS)
    seeds = board.loc[board["kind"] == "variant", "seeds"].max()
    return (
        "For years the question has been answered by opinion. Here each claim is a comparison of "
        "two variants of `params.yaml` on the embedded data (hourly departure delays, 6 steps "
        f"ahead, {seeds} seeds each), by their mean test error. A difference counts only if its "
        "95 % interval over the seeds excludes zero. The two variants differ in what the claim is "
        "about and in nothing else; where several things change at once, the row says so. Of "
        f"{len(CLAIMS)} claims, {untested} are tested by no pair, and the row says why. The "
        f"outcome of the {len(results)} comparisons: {total}. At 95 %, about "
        f"{len(results) * 0.05:.0f} would count by chance alone. The outcome holds "
        "for this data; for yours, run the catalogue "
        '(`study: ["*"]`), then `python benchmarks/advice.py data/6_verdict/leaderboard.csv`.'
    )


if __name__ == "__main__":
    print(text(pd.read_csv(sys.argv[1]).set_index("name")))
