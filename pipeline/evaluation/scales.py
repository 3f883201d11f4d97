"""The scales of the targets in words: what a standardized error of 1 is."""

from collections.abc import Callable, Mapping

from pipeline.config.scalers import SCALERS, ScalerKind
from pipeline.evaluation.evaluator import Setup
from pipeline.series.curves import CURVES


def unit(setup: Setup) -> str:
    """Return what an error of 1 is."""
    return _words(setup, lambda kind: kind.unit)


def squared_unit(setup: Setup) -> str:
    """Return what an MSE of 1 is, for the label of an axis."""
    if len(set(setup.scalers)) > 1:
        return "on the scale of each target"
    return f"1 = {_words(setup, lambda kind: kind.squared_unit)}"


def by_kind(setup: Setup) -> str:
    """Return the kinds of the scalers, with their targets if there are several kinds."""
    kinds = _targets(setup)
    if len(kinds) == 1:
        return f"`{setup.scalers[0]}`"
    return ", ".join(f"`{kind}` for {targets}" for kind, targets in kinds.items())


def curved(setup: Setup) -> Mapping[str, str]:
    """Return the kind of each target whose scale is not a straight line."""
    kinds = dict(zip(setup.targets, setup.scalers, strict=True))
    return {target: kind for target, kind in kinds.items() if kind in CURVES}


def _words(setup: Setup, of: Callable[[ScalerKind], str]) -> str:
    kinds = _targets(setup)
    if len(kinds) == 1:
        return of(SCALERS[setup.scalers[0]])
    return ", ".join(f"{of(SCALERS[kind])} for {targets}" for kind, targets in kinds.items())


def _targets(setup: Setup) -> dict[str, str]:
    """Return the targets of each kind, as text."""
    return {
        kind: ", ".join(
            f"`{target}`"
            for target, own in zip(setup.targets, setup.scalers, strict=True)
            if own == kind
        )
        for kind in dict.fromkeys(setup.scalers)
    }
