"""The report of what was done to a table: every changed cell, however many there are.

Changes are kept on disk, not in memory, until the report is written.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from pipeline.core import files

Entry = dict[str, object]  # one change: series, time and what was done


class Changes:
    """Changes of several kinds, each for several columns, in files of an empty folder."""

    def __init__(self, folder: Path, kinds: Mapping[str, Sequence[str]]) -> None:
        self.paths = {
            kind: {column: folder / f"{kind}.{position}" for position, column in enumerate(columns)}
            for kind, columns in kinds.items()
        }
        self.counts = dict.fromkeys(kinds, 0)
        for paths in self.paths.values():
            for path in paths.values():
                path.touch()

    def add(self, kind: str, entries: Iterable[Entry]) -> None:
        """Add the next changes; those of kinds without a column have the column ''."""
        lines: dict[str, list[str]] = {}
        for entry in entries:
            lines.setdefault(str(entry.get("column", "")), []).append(json.dumps(entry))
            self.counts[kind] += 1
        for column, added in lines.items():
            with self.paths[kind][column].open("a") as file:
                file.write("\n".join([*added, ""]))

    def entries(self, kind: str) -> Iterator[Entry]:
        """Yield the changes of one kind, column by column, in the order of the table."""
        for path in self.paths[kind].values():
            with path.open() as file:
                yield from map(json.loads, file)

    def write(self, path: Path, facts: Mapping[str, object]) -> None:
        """Write `facts` and all changes as `files.write_json` would."""
        with files.new_file(path) as draft, draft.open("w") as file:
            for position, key in enumerate(sorted([*facts, *self.paths])):
                file.write(f"{',' if position else '{'}\n {json.dumps(key)}: ")
                if key in self.paths:
                    self._list(file, self.entries(key))
                else:
                    file.write(_indented(facts[key], 1))
            file.write("\n}\n")

    def _list(self, file: TextIO, entries: Iterator[Entry]) -> None:
        position = -1
        for position, entry in enumerate(entries):
            file.write(f"{',' if position else '['}\n  {_indented(entry, 2)}")
        file.write("[]" if position < 0 else "\n ]")


def _indented(value: object, depth: int) -> str:
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
    return text.replace("\n", "\n" + " " * depth)
