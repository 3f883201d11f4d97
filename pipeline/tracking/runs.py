"""A run before it is logged: everything that MLflow will show of it, and its identity."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipeline.core.manifest import sha256


@dataclass(frozen=True)
class Standing:
    """What a run is among the others: it changes with them, and then replaces what was logged.

    `figures` map a path inside the run to a file.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Path] = field(default_factory=dict)

    @cached_property
    def content_hash(self) -> str:
        """The SHA-256 of everything, contents of files included."""
        files = {name: sha256(path) for name, path in self.figures.items()}
        return _hash([self.metrics, self.tags, files])


@dataclass(frozen=True)
class Run:
    """A run before it is logged.

    `tags` contain its `role`. `curves` map a metric to its value at each step. `artifacts` map a
    path inside the run to a file. A change of anything but the `standing` makes a new run.
    """

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)
    standing: Standing = Standing()
    children: tuple["Run", ...] = ()
    failed: bool = False

    @cached_property
    def content_hash(self) -> str:
        """The SHA-256 of everything but the standing, contents of files and children included."""
        files = {name: sha256(path) for name, path in self.artifacts.items()}
        children = [child.content_hash for child in self.children]
        content = [self.name, self.tags, self.params, self.metrics, self.curves]
        return _hash([*content, files, children, self.failed])


def _hash(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
