"""One rule: a condition, what to do about a case that breaks it, and the words for the user."""

from dataclasses import dataclass
from typing import Literal

from pipeline.config.rules.case import Case
from pipeline.config.rules.conditions import Keys

Action = Literal["reject", "warn"]


@dataclass(frozen=True)
class Rule:
    """`keys(case)` are the settings that break the rule together; none where the case keeps it."""

    name: str
    action: Action
    keys: Keys
    reason: str
    advice: str

    def broken(self, case: Case) -> bool:
        """Return whether the case breaks the rule."""
        return bool(self.keys(case))

    def finding(self, case: Case) -> str:
        """Return the sentence for the user: the settings, the reason, the advice, the rule."""
        keys = ", ".join(dict.fromkeys(self.keys(case)))
        return f"{keys}: {self.reason}; {self.advice} [{self.name}]"
