"""Flags: signs in the learning curves that the result of a variant is not to be trusted.

A replica shows a sign or does not; a variant is flagged if at least half of its trained replicas
show it, because the validation loss of a single replica varies by some percent from one epoch to
the next. The exception is divergence, of which one replica is enough. A flag is one line: how many
replicas of which variants, and what to do.

The thresholds:

- *still improving*: the replica ran out of epochs, and its last epoch lowered the lowest
  validation loss by more than `SETTLED`. That is half of the margin within which the verdict calls
  two variants equivalent: where each epoch gains half of what the one before it gained, all epochs
  that were not trained would together gain as much as the last one did. A single epoch always
  counts, for nothing shows that it was enough.
- *best at once*: the best epoch is among the first `FIRST`, and at least as many followed in vain.
- *overfitted*: at the best epoch, the median over the replicas of validation loss / training loss
  is more than `FAR` times the median of all variants. The ratio itself says little: the validation
  rows may be harder than those of training, for every variant alike. Dropout raises the training
  loss and so lowers the ratio, which may hide overfitting but never invents it. It takes at least
  `COMPARABLE` variants, for with fewer the median is their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypedDict

import numpy as np
import pandas as pd

from pipeline.core.files import read_json

SETTLED = 0.01
FIRST = 2  # epochs
FAR = 1.5
COMPARABLE = 3  # variants
NAMED = 5  # variants that a line names
Array = np.ndarray


class Flag(TypedDict):
    """One flag, as `flags.json` keeps it; `variants` has the number of replicas that show it."""

    flag: str
    variants: dict[str, int]
    line: str


@dataclass(frozen=True)
class Curve:
    """The losses of a replica by epoch, each (epoch,), of at most `limit` epochs."""

    training: Array
    validation: Array
    limit: int
    diverged: bool = False

    @property
    def best(self) -> int:
        """The epoch with the lowest validation loss, counted from 0."""
        return int(np.argmin(self.validation))

    @property
    def ratio(self) -> float:
        """Validation loss / training loss at the best epoch."""
        return float(self.validation[self.best] / self.training[self.best])


Curves = Mapping[str, Sequence[Curve]]  # variant -> replicas


def read(folder: Path) -> list[Curve]:
    """Return the curves of the replicas in the folder of a trained variant."""
    fleet = read_json(folder / "fleet.json")
    columns = ["seed", "loss", "validation_loss"]
    history = pd.read_parquet(folder / "history.parquet", columns=columns)
    curves = []
    for seed, state in zip(fleet["seeds"], fleet["states"], strict=True):
        own = history[history["seed"] == seed]
        losses = own["loss"].to_numpy(), own["validation_loss"].to_numpy()
        curves.append(Curve(*losses, fleet["train"]["epochs"], state == "diverged"))
    return curves


def still_improving(curve: Curve) -> bool:
    """Return whether the last epoch that was allowed still lowered the loss markedly."""
    if len(curve.validation) < curve.limit:
        return False
    before = curve.validation[:-1].min(initial=np.inf)
    return bool(curve.validation[-1] < (1 - SETTLED) * before)


def best_at_once(curve: Curve) -> bool:
    """Return whether one of the first epochs was the best, and several followed in vain."""
    return curve.best < FIRST and len(curve.validation) >= 2 * FIRST


SIGNS: Mapping[str, tuple[Callable[[Curve], bool], str]] = {
    "still improving": (
        still_improving,
        "were still improving at their last epoch: raise train.epochs",
    ),
    "best at once": (
        best_at_once,
        f"were best after one of their first {FIRST} epochs: lower train.learning_rate, or train "
        "on more rows",
    ),
}


def flags(curves: Curves) -> list[Flag]:
    """Return what is flagged, in the order in which the module describes it."""
    trained = {name: [c for c in own if not c.diverged] for name, own in curves.items()}
    trained = {name: own for name, own in trained.items() if own}
    totals = {name: len(own) for name, own in trained.items()}
    found = [
        _flag(sign, {name: sum(map(shows, own)) for name, own in trained.items()}, totals, advice)
        for sign, (shows, advice) in SIGNS.items()
    ]
    return [flag for flag in (*found, _overfitted(trained), _diverged(curves)) if flag]


def _overfitted(trained: Curves) -> Flag | None:
    ratios = {name: [curve.ratio for curve in own] for name, own in trained.items()}
    usual = median(median(own) for own in ratios.values()) if len(ratios) >= COMPARABLE else np.inf
    counts = {name: sum(ratio > FAR * usual for ratio in own) for name, own in ratios.items()}
    advice = (
        f"have more than {FAR:g} times the usual ratio of validation to training loss "
        f"({usual:.3g}): add dropout or weight_decay, make the network smaller, or look for inputs "
        "out of the range of training"
    )
    return _flag("overfitted", counts, {name: len(own) for name, own in ratios.items()}, advice)


def _diverged(curves: Curves) -> Flag | None:
    counts = {name: sum(curve.diverged for curve in own) for name, own in curves.items()}
    advice = "diverged: lower train.learning_rate, add warm-up epochs, or set train.clip"
    totals = {name: len(own) for name, own in curves.items()}
    return _flag("diverged", counts, totals, advice, share=0.0)


def _flag(
    name: str, counts: Mapping[str, int], totals: Mapping[str, int], advice: str, share: float = 0.5
) -> Flag | None:
    """Return the flag of the variants of which at least a `share` of the replicas, and one, count.

    `totals` are all replicas of each variant; the line counts those of all variants.
    """
    shown = {v: count for v, count in counts.items() if count and count >= share * totals[v]}
    if not shown:
        return None
    order = sorted(shown, key=lambda variant: -shown[variant] / totals[variant])
    named = ", ".join(f"{v} {shown[v]} of {totals[v]}" for v in order[:NAMED])
    more = f" and {len(order) - NAMED} more variants" if len(order) > NAMED else ""
    line = f"{sum(shown.values())} of {sum(totals.values())} replicas {advice} ({named}{more})"
    return {"flag": name, "variants": {v: shown[v] for v in order}, "line": line}
