"""What may be concluded of a whole study: references, effects, places, and who is identical."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from pipeline.evaluation.statistics.draws import Draws, draw
from pipeline.evaluation.statistics.effects import NONE, Answer, Contrast, Effect, contrasts
from pipeline.evaluation.statistics.losses import Losses
from pipeline.evaluation.statistics.planning import Needed, needed
from pipeline.evaluation.statistics.ranking import Place, places

PLAIN = "plain"
TINY = 1e-9  # weight of an entry that is on both sides
SAME = 1e-6  # relative difference of losses up to which entries are identical: rounding
Group = Literal["reference", "baseline"]
Names = Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """The effect of the entry `name` against `against`, as one of a group of effects.

    `answer` is better, worse, equivalent or undecided; `needed` is what would decide the latter.
    """

    group: Group
    name: str
    against: str
    effect: Effect
    answer: Answer
    needed: Needed | None


@dataclass(frozen=True)
class Conclusion:
    """The comparisons and places of a study.

    `losses` has the entries with a loss above 0, by name; `variants` and `baselines` name them, the
    lowest first. `horizon` is in steps. `references` names those that variants have of their own.
    """

    losses: Mapping[str, Losses]
    variants: tuple[str, ...]
    baselines: tuple[str, ...]
    horizon: int
    margin: float
    references: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def reference(self) -> str | None:
        """`plain`, or the best baseline where it is not in the study; `None` without either."""
        return PLAIN if PLAIN in self.variants else next(iter(self.baselines), None)

    @property
    def without_reference(self) -> list[str]:
        """The variants whose own reference has no result in this study."""
        own = self.references
        return [name for name in self.variants if own.get(name, name) not in self.variants]

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The variants, those with identical losses together."""
        groups: list[list[str]] = []
        for name in self.variants:
            twin = next((group for group in groups if self._same(group[0], name)), None)
            if twin is None:
                groups.append([name])
            else:
                twin.append(name)
        return tuple(map(tuple, groups))

    @property
    def identical(self) -> list[list[str]]:
        """The names of variants that have the same errors as another."""
        return [list(group) for group in self.groups if len(group) > 1]

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Every variant against its reference, and against the best baseline."""
        baseline = next(iter(self.baselines), None)
        others = {name: self.reference_of(name) for name in self.variants}
        own = self._compare("reference", others) if self.reference != baseline else []
        return (*own, *self._compare("baseline", dict.fromkeys(self.variants, baseline)))

    def reference_of(self, name: str) -> str | None:
        """Return what a variant is compared with: its own reference, where the study has it."""
        own = self.references.get(name)
        return own if own in self.variants else self.reference

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """The place of every variant among the variants."""
        positions = [self._position[group[0]] for group in self.groups]
        found = places(self._draws.of(positions), [len(group) for group in self.groups])
        return {
            name: place for group, place in zip(self.groups, found, strict=True) for name in group
        }

    @property
    def best_set(self) -> list[str]:
        """The variants that cannot be told from the best."""
        return [name for name in self.variants if self.places[name].best_set]

    @cached_property
    def effects(self) -> Mapping[str, Comparison]:
        """The comparison of each variant with the reference."""
        against = "baseline" if self.reference in self.baselines else "reference"
        return {each.name: each for each in self.comparisons if each.group == against}

    @cached_property
    def _heads(self) -> list[str]:
        """The entries of the draws: one of each group of identical variants, and the baselines."""
        return [*(group[0] for group in self.groups), *self.baselines]

    @cached_property
    def _position(self) -> Mapping[str, int]:
        """The position of every entry in the draws; identical variants share one."""
        position = {name: i for i, name in enumerate(self._heads)}
        return position | {name: position[group[0]] for group in self.groups for name in group}

    @cached_property
    def _draws(self) -> Draws:
        fixed = [name in self.baselines for name in self._heads]
        return draw([self.losses[name] for name in self._heads], fixed, self.horizon)

    def compare(self, sides: Sequence[tuple[Names, Names]]) -> list[Effect]:
        """Return the effect of each first side against the second, as one group of effects.

        The error of a side is the geometric mean of those of its entries, of which one may be named
        repeatedly. Sides of identical errors have no effect, and widen no interval.
        """
        weights = [self._contrast(*each) for each in sides]
        distinct = list({tuple(sorted(each.items())): each for each in weights if each}.values())
        found = {
            tuple(sorted(each.items())): effect
            for each, effect in zip(distinct, contrasts(self._draws, distinct), strict=True)
        }
        return [found.get(tuple(sorted(each.items())), NONE) for each in weights]

    def needed(self, effect: Effect, names: Names) -> Needed | None:
        """Return how many more seeds or origins would decide an effect of these entries."""
        losses = [self.losses[name] for name in names]
        seeds = max(len(each.by_seed) for each in losses)
        return needed(effect, self.margin, seeds, int((losses[0].cells > 0).sum()))

    def _contrast(self, first: Names, second: Names) -> Contrast:
        weights: dict[int, float] = {}
        for side, sign in ((first, 1.0), (second, -1.0)):
            for name in side:
                position = self._position[name]
                weights[position] = weights.get(position, 0.0) + sign / len(side)
        return {position: weight for position, weight in weights.items() if abs(weight) > TINY}

    def _compare(self, group: Group, against: Mapping[str, str | None]) -> list[Comparison]:
        named = [(name, other) for name, other in against.items() if other and other != name]
        found = self.compare([([name], [other]) for name, other in named])
        return [
            Comparison(
                *(group, name, other, effect),
                effect.answer(self.margin),
                self.needed(effect, [name, other]),
            )
            for (name, other), effect in zip(named, found, strict=True)
        ]

    def _same(self, name: str, other: str) -> bool:
        mine, theirs = self.losses[name].by_seed, self.losses[other].by_seed
        return len(mine) == len(theirs) and bool(
            np.allclose(mine, theirs, rtol=SAME, atol=0.0)
            and np.allclose(self.losses[name].sums, self.losses[other].sums, rtol=SAME, atol=0.0)
        )


def conclude(
    losses: Mapping[str, Losses],
    variants: Sequence[str],
    baselines: Sequence[str],
    horizon: int,
    margin: float,
    references: Mapping[str, str],
) -> Conclusion:
    """Conclude from the losses of the entries; those without a loss above 0 are left out."""
    usable = {name: each for name, each in losses.items() if each.mean > 0}
    return Conclusion(
        usable,
        tuple(name for name in variants if name in usable),
        tuple(name for name in baselines if name in usable),
        horizon,
        margin,
        references,
    )
