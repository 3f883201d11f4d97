"""What may be concluded of a whole study: references, effects, places, and who is identical."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from pipeline.evaluation.statistics.draws import Draws, draw
from pipeline.evaluation.statistics.effects import NONE, Effect, effects
from pipeline.evaluation.statistics.losses import Losses
from pipeline.evaluation.statistics.ranking import Place, places

PLAIN = "plain"
MARGIN = 0.02
SAME = 1e-6  # relative difference of losses up to which entries are identical: rounding
Group = Literal["plain", "baseline"]


@dataclass(frozen=True)
class Comparison:
    """The effect of the entry `name` against `against`, as one of a group of effects."""

    group: Group
    name: str
    against: str
    effect: Effect

    @property
    def answer(self) -> str:
        """Return better, worse, equivalent or undecided."""
        return self.effect.answer(MARGIN)


@dataclass(frozen=True)
class Conclusion:
    """The comparisons and places of a study.

    `losses` has the entries with a loss above 0, by name; `variants` and `baselines` name them, the
    lowest first. `horizon` is in steps.
    """

    losses: Mapping[str, Losses]
    variants: tuple[str, ...]
    baselines: tuple[str, ...]
    horizon: int

    @cached_property
    def reference(self) -> str | None:
        """`plain`, or the best baseline where it is not in the study; `None` without either."""
        return PLAIN if PLAIN in self.variants else next(iter(self.baselines), None)

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
        """Every variant against the reference, and against the best baseline."""
        baseline = next(iter(self.baselines), None)
        plain = self._compare("plain", self.reference) if self.reference != baseline else []
        return (*plain, *self._compare("baseline", baseline))

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
        against = "baseline" if self.reference in self.baselines else "plain"
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

    def _compare(self, group: Group, against: str | None) -> list[Comparison]:
        if against is None:
            return []
        reference = self._position[against]
        heads = [self._position[each[0]] for each in self.groups]
        others = [position for position in heads if position != reference]
        found = dict(zip(others, effects(self._draws, reference, others), strict=True))
        return [
            Comparison(group, name, against, found.get(self._position[name], NONE))
            for name in self.variants
            if name != against
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
) -> Conclusion:
    """Conclude from the losses of the entries; those without a loss above 0 are left out."""
    usable = {name: each for name, each in losses.items() if each.mean > 0}
    return Conclusion(
        usable,
        tuple(name for name in variants if name in usable),
        tuple(name for name in baselines if name in usable),
        horizon,
    )
