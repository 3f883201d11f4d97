"""Runs before they are logged: all that MLflow will show of one, and what tells it from another."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """A run before it is logged. `curves` is metric -> step -> value, `artifacts` path in the run -> file; `tags` hold its `role`.

    `pictures` are artifacts that show the run among others: new ones take the place of those that are there, and make no new run.
    """

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    pictures: Mapping[str, Path] = field(default_factory=dict)
    children: tuple["Run", ...] = ()
    failed: bool = False

    @cached_property
    def fingerprint(self) -> str:
        """Equal exactly for runs that would be logged equally, files and children included, pictures not."""
        files = _hashes(self.artifacts)
        children = [child.fingerprint for child in self.children]
        content = [
            self.name,
            self.tags,
            self.params,
            self.metrics,
            self.curves,
            files,
            children,
            self.failed,
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def pictured(self) -> str | None:
        """What identifies the pictures; null where there are none."""
        return (
            hashlib.sha256(json.dumps(_hashes(self.pictures), sort_keys=True).encode()).hexdigest()
            if self.pictures
            else None
        )


def _hashes(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
