"""What the rules say about a case: the only part of this room that others call."""

from pipeline.config.rules import cells
from pipeline.config.rules.case import Case
from pipeline.config.rules.rule import Action, Rule
from pipeline.config.rules.table import RULES


def findings(case: Case, action: Action, allow: tuple[str, ...] = ()) -> list[str]:
    """Return a sentence for every rule of this action that `case` breaks, except for `allow`.

    Whatever is allowed, a kind that the cell cannot hold and an unknown entry of `allow` are
    always rejected.
    """
    found = [rule.finding(case) for rule in broken(case, action, allow)]
    if action == "warn":
        return found
    recurrent = case.model.recurrent
    in_cell = [*cells.misfits(recurrent), *cells.ignored(recurrent)]
    return [f"recurrent.{sentence}" for sentence in in_cell] + _unknown(allow) + found


def broken(case: Case, action: Action, allow: tuple[str, ...] = ()) -> list[Rule]:
    """Return the rules of this action that `case` breaks, except for those that `allow` names."""
    rules = [rule for rule in RULES if rule.action == action and rule.name not in allow]
    return [rule for rule in rules if rule.broken(case)]


def explained(name: str) -> str:
    """Return why a rule is there and what to do, for readers who do not have the case."""
    return next(f"{rule.reason}; {rule.advice}" for rule in RULES if rule.name == name)


def _unknown(allow: tuple[str, ...]) -> list[str]:
    """Return a sentence for every entry of `allow` that is not the name of a rejecting rule."""
    names = [rule.name for rule in RULES if rule.action == "reject"]
    choices = ", ".join(names)
    return [
        f"allow: {entry!r} is not the name of a rule that rejects; choose from {choices}"
        for entry in allow
        if entry not in names
    ]
