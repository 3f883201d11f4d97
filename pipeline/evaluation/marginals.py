"""Marginal effects: what a value of a slot does, over all variants that differ in it alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.evaluation.settings import OFF
from pipeline.evaluation.statistics.conclusion import Conclusion
from pipeline.evaluation.statistics.effects import Answer, Effect
from pipeline.evaluation.statistics.planning import Needed

Settings = Mapping[str, str]
POSITIONS = {"conv.position": "conv.normalization", "pooling.position": "pooling.normalization"}
"""Where a normalization stands, which is a part of what its slot holds."""


@dataclass(frozen=True)
class Marginal:
    """The effect of `value` in the slot `key` against `base`, which the reference has there.

    It is the mean over `pairs`, each of two variants that differ in this slot alone, the one with
    `value` first; as a ratio of errors, it is a geometric mean.
    """

    key: str
    value: str
    base: str
    pairs: tuple[tuple[str, str], ...]
    effect: Effect
    answer: Answer
    needed: Needed | None

    @property
    def name(self) -> str:
        """The slot and the value, as one name."""
        return f"{self.key}: {self.value}"


def marginals(found: Conclusion, settings: Mapping[str, Settings]) -> tuple[Marginal, ...]:
    """Return the effect of each value that a pair of variants tests, by slot, all at once.

    `settings` are those of the variants, by name. Without a variant as the reference there is none.
    """
    base = settings.get(found.reference or "")
    if not base:
        return ()
    heads = [group[0] for group in found.groups]
    slots = {name: _slots(settings[name]) for name in heads if settings.get(name)}
    pairs = _pairs(slots, _slots(base))
    sides = [([one for one, _ in each], [other for _, other in each]) for each in pairs.values()]
    effects = found.compare(sides)
    return tuple(
        Marginal(
            *(key, value, _slots(base).get(key, OFF), tuple(each), effect),
            effect.answer(found.margin),
            found.needed(effect, [name for pair in each for name in pair]),
        )
        for ((key, value), each), effect in zip(pairs.items(), effects, strict=True)
    )


def _slots(settings: Settings) -> Settings:
    """Return settings in which the position of a normalization belongs to its slot."""
    slots = {key: value for key, value in settings.items() if key not in POSITIONS}
    for position, key in POSITIONS.items():
        if slots.get(key, OFF) != OFF and position in settings:
            slots[key] = f"{slots[key]}, {settings[position]}"
    return slots


def _pairs(
    slots: Mapping[str, Settings], base: Settings
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Return by slot and value the pairs of variants with the value and with that of the base."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one, mine in slots.items():
        for key in _changed(mine, base):
            without = {**mine, key: base.get(key)}
            for other in [name for name, theirs in slots.items() if dict(theirs) == without]:
                found.setdefault((key, mine[key]), []).append((one, other))
    return dict(sorted(found.items()))


def _changed(mine: Settings, base: Settings) -> Iterator[str]:
    return (key for key, value in mine.items() if base.get(key) != value)


def tested(every: Sequence[Marginal]) -> list[Marginal]:
    """Return those over two pairs or more: one pair alone is an effect in the leaderboard."""
    return [each for each in every if len(each.pairs) > 1]
