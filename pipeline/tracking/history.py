"""The history of a registered model: which version became champion, when, how, and after which.

It is kept as tags of the registered model, `history.0001` and so on, one for each change.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

PREFIX = "history."


@dataclass(frozen=True)
class Event:
    """A change of the champion; `replaced` is the number of the version before it, if any."""

    version: str
    replaced: str | None
    how: Literal["promotion", "rollback"]
    at: str  # ISO 8601, UTC

    @classmethod
    def now(
        cls, version: str, replaced: str | None, how: Literal["promotion", "rollback"]
    ) -> "Event":
        """Return an event of this moment."""
        return cls(version, replaced, how, datetime.now(UTC).isoformat(timespec="seconds"))


def read(tags: Mapping[str, str]) -> list[Event]:
    """Return the events in the tags of a registered model, oldest first."""
    names = sorted(name for name in tags if name.startswith(PREFIX))
    return [Event(**json.loads(tags[name])) for name in names]


def tag(events: list[Event], event: Event) -> tuple[str, str]:
    """Return the tag that appends `event` to `events`: its name and its value."""
    return f"{PREFIX}{len(events) + 1:04d}", json.dumps(asdict(event))
