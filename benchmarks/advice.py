"""What became of the advice: every claim as a comparison of two variants, judged by a run of the whole catalogue.

    python benchmarks/advice.py data/6_verdict/leaderboard.csv > docs/advice.md

A difference of mean test errors over the seeds is called only where its 95 % interval (Welch, 1947: seeds as independent samples of unequal
variance) leaves zero out; otherwise it is a tie. It says what a change did on this data with these seeds, not what it does anywhere.
"""

import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats


@dataclass(frozen=True)
class Claim:
    """`source` says that `better` has a lower error than `worse`; an empty `better` names a claim that no comparison tests."""

    source: str
    text: str
    better: str
    worse: str


SOURCES = {
    "Q": "the question: Stack Overflow 59285058, batch normalization layer for CNN-LSTM",
    "A": "its answer",
    "S2": "Stack Overflow, how to implement TensorFlow batch normalization in LSTM",
    "S3": "Stack Overflow, LayerNorm: where and how many in an LSTM",
}

CLAIMS = [
    Claim("Q", "The network as asked, with BN and a relu head at the end, is a sound start", "asker", "plain"),
    Claim("Q", "BN after the LSTM is rational", "lstm_bn_after", "plain"),
    Claim("Q", "BN does not work with LSTM (said of the recurrent path)", "plain", "cell_bn"),
    Claim("Q", "Average pooling between convolution and LSTM helps", "average_pooling", "plain"),
    Claim("Q", "BN between convolution and pooling helps", "bn_before_pooling", "average_pooling"),
    Claim("A", "Standardize the input, do not batch-normalize it", "plain", "input_batch_norm"),
    Claim("A", "BN on the convolution is worth a try: before the activation", "conv_bn_before", "plain"),
    Claim("A", "... or after it", "conv_bn_after", "plain"),
    Claim("A", "BN dominates LN (between layers)", "lstm_bn_after", "lstm_ln_after"),
    Claim("A", "LN inside the cell may be better than LN after the layer", "cell_ln_paper", "lstm_ln_after"),
    Claim("A", "BN right before the output may confuse the head", "plain", "lstm_bn_after"),
    Claim("A", "Dropout before the LSTM", "dropout_before", "plain"),
    Claim("A", "Dropout after the LSTM", "dropout_after", "plain"),
    Claim("A", "Dropout before and after", "dropout_both", "plain"),
    Claim("A", "Spatial dropout is better than dropout of single values", "spatial_dropout", "dropout_before"),
    Claim("A", "Recurrent dropout is preferable to dropout", "recurrent_dropout", "dropout_after"),
    Claim("A", "Pooling is redundant or harmful for small data", "plain", "average_pooling"),
    Claim("A", "Squeeze-and-excitation is strongly recommended", "squeeze_excite", "plain"),
    Claim("A", "selu with lecun_normal", "selu", "plain"),
    Claim("A", "The template as a whole (BN, selu, alpha dropout, squeeze-and-excitation, recurrent dropout)", "seed_template", "plain"),
    Claim("A", "... with the relu head that it was published with", "seed_template_published", "seed_template"),
    Claim("S2", "Batch statistics and dropout stay on at inference (as published)", "many_to_many_published", "many_to_many"),
    Claim("S2", "LayerNormBasicLSTMCell is the better cell", "cell_ln_per_gate", "plain"),
    Claim("S2", "LN has more advantage than BN on sequences: inside the cell", "cell_ln_paper", "cell_bn"),
    Claim("S2", "... between layers", "stack_ln", "stack_bn"),
    Claim("S2", "LN-GRU", "cell_ln_gru", "gru"),
    Claim("S3", "LN after each recurrent layer", "stack_ln", "stack"),
    Claim("S3", "LN before the output layer is always worth keeping", "lstm_ln_after", "plain"),
    Claim("S3", "LN inside the cell, in the corrected form of the published cell", "cell_ln_joint", "plain"),
    Claim("S3", "The bidirectional stack with LN (a fifth of the published widths) beats a plain LSTM", "bidirectional_ln_stack", "plain"),
]

UNTESTED = [
    "*Never recurrent dropout with relu* (A): refused when parameters are read (rule R1), because it diverges: keras#13221.",
    "*Where does dropout stand to BN?* (Q): before it is warned of (rule R2); no pair of variants differs in this alone.",
    "*Too many normalizations over-regularize; with four layers or more combine both kinds* (S3): no primary evidence found, and no network here is that deep.",
    "*The published LN cell* (S3): its gates have no sigmoid, and its bias stands inside the normalization; only the corrected form can be built.",
]


def difference(board: pd.DataFrame, better: str, worse: str) -> tuple[float, float]:
    """Mean test MSE of `better` minus that of `worse`, and half the width of its 95 % interval."""
    rows = board.loc[[better, worse]]
    variances = rows["mse_sd"] ** 2 / rows["seeds"]
    freedom = variances.sum() ** 2 / (variances**2 / (rows["seeds"] - 1)).sum()
    return float(rows["mse"].iloc[0] - rows["mse"].iloc[1]), float(stats.t.ppf(0.975, freedom) * np.sqrt(variances.sum()))


def verdict(value: float, half: float) -> str:
    """What the interval says of the claim that the difference is negative."""
    return "tie" if abs(value) <= half else "confirmed" if value < 0 else "refuted"


def line(board: pd.DataFrame, claim: Claim) -> str:
    """The claim as a row of the table; percentages are of the error of `worse`."""
    value, half = difference(board, claim.better, claim.worse)
    base = board.loc[claim.worse, "mse"]
    comparison = f"`{claim.better}` against `{claim.worse}`"
    errors = f"{board.loc[claim.better, 'mse']:.4f} against {base:.4f}"
    return f"| {claim.source} | {claim.text} | {comparison} | {errors} | {value / base:+.0%} ± {half / base:.0%} | **{verdict(value, half)}** |"


def text(board: pd.DataFrame) -> str:
    """The page."""
    sources = [f"- **{key}**: {title}" for key, title in SOURCES.items()]
    head = ["| from | claim | tested by | MSE | difference | verdict |", "|---|---|---|---|---|---|"]
    table = [line(board, claim) for claim in CLAIMS]
    return "\n".join(
        [
            "# What became of the advice",
            "",
            "For years the question has been answered by opinion. Here each claim is a comparison of two variants of `params.yaml` on the embedded data",
            "(hourly weather, 6 steps ahead, five seeds each), by their mean test error. A difference is called only where its 95 % interval over the",
            'seeds leaves zero out. It holds for this data; for yours, run the catalogue (`study: ["*"]`), then',
            "`python benchmarks/advice.py data/6_verdict/leaderboard.csv`.",
            "With this many comparisons at 95 %, one or two may be called by chance.",
            "",
            *sources,
            "",
            *head,
            *table,
            "",
            "## Not tested by a pair",
            "",
            *(f"- {sentence}" for sentence in UNTESTED),
        ]
    )


if __name__ == "__main__":
    print(text(pd.read_csv(sys.argv[1]).set_index("name")))
