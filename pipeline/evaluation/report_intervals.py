"""What the prediction intervals of the champion hold of the test values, in words."""

from collections.abc import Iterator

from pipeline.evaluation.verdict import Verdict


def text(verdict: Verdict) -> Iterator[str]:
    """Yield a sentence for each level and target; none without `forecast.levels`."""
    if verdict.champion is None:
        return
    for row in verdict.champion.entry.summary.intervals:
        yield (
            f"Prediction intervals of `{verdict.champion.name}`, split-conformal from the errors "
            f"on the validation split: those of {row['level']:.4g} held {row['coverage']:.1%} of "
            f"{row['cells']:,} test values of `{row['target']}`, and are {row['width']:.4g} wide "
            "on average."
        )
