"""The champion: the cheapest of the variants that are as good as the best on the validation split.

The test split has no part in the choice, so that the champion's test error is no winner's curse.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.evaluation.entries import Summary


def champion(summaries: Sequence[Summary], margin: float) -> str | None:
    """Return the name of the champion; `None` if the validation losses are not comparable.

    Of the variants whose mean validation loss is within the relative `margin` of the lowest,
    it is the one with the fewest parameters, and of equals the one with the lowest loss. Losses of
    different kinds are not comparable, nor are those of a study from before they were recorded.
    """
    if not summaries or len({_kind(summary) for summary in summaries}) > 1:
        return None
    means = [validation_loss(summary) for summary in summaries]
    if not np.isfinite(means).all():
        return None
    limit = (1 + margin) * min(means)
    order = [
        (summary.parameters, mean, summary.name)
        for summary, mean in zip(summaries, means, strict=True)
        if mean <= limit
    ]
    return min(order)[-1]


def validation_loss(summary: Summary) -> float:
    """Return the mean of the lowest validation loss of each seed that was not lost; NaN if none."""
    losses = np.array(summary.validation_losses, float)
    kept = losses[~summary.lost] if len(losses) == len(summary.seeds) else losses[:0]
    return float(kept.mean()) if len(kept) else float("nan")


def _kind(summary: Summary) -> str:
    return str((summary.train or {}).get("loss"))
