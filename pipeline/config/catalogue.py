"""The catalogue: sections of `params.yaml` that may be spread over the files of a folder.

`catalogue: FOLDER` adds what the files `*.yaml` of that folder define, in the order of their names,
before what `params.yaml` itself defines. An entry has one definition.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.config.yaml import line, load
from pipeline.core.errors import InputError

Content = Mapping[str, Any]

SECTIONS = ("variants", "factors", "claims")
"""The sections that a file of the catalogue may hold."""


NAMED = 3  # variants whose names a sentence about many of them holds


@dataclass(frozen=True)
class Origin:
    """The file of each entry of the catalogue by its dotted path; `source` is that of the rest.

    `grids` names the entry of `factors` of each variant that such an entry spans.
    """

    source: str = "params.yaml"
    files: Mapping[str, str] = field(default_factory=dict)
    grids: Mapping[str, str] = field(default_factory=dict)

    def locate(self, sentences: Iterable[str]) -> list[str]:
        """Return sentences that begin with dotted paths, each after the file that holds the path.

        What many variants of a grid have in common is one sentence about the grid.
        """
        grouped: dict[str, list[str]] = {}
        for sentence in sentences:
            whole, name = self._of_grid(sentence)
            grouped.setdefault(whole, []).extend(name)
        return [
            self._after_file(f"{whole} (in {listed(names)})" if names else whole)
            for whole, names in grouped.items()
        ]

    def _of_grid(self, sentence: str) -> tuple[str, list[str]]:
        """Return a sentence about a variant of a grid as one about the grid, and the variant."""
        names = [name for name in self.grids if _is_about(sentence, f"variants.{name}")]
        if not names:
            return sentence, []
        name = max(names, key=len)
        rest = sentence.removeprefix(f"variants.{name}").lstrip(".: ")
        return f"factors.{self.grids[name]}: {rest}", [name]

    def _after_file(self, sentence: str) -> str:
        named = [key for key in self.files if _is_about(sentence, key)]
        file = self.files[max(named, key=len)] if named else self.source
        return f"{file}: {sentence}"


def _is_about(sentence: str, path: str) -> bool:
    """Return whether a sentence begins with this dotted path, or one inside of it."""
    return re.match(rf"{re.escape(path)}[.:\s]", sentence) is not None


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


ALONE = Origin()
"""Without a catalogue, all is in `params.yaml`."""


def include(content: object, path: Path) -> tuple[object, Origin]:
    """Return the content of `params.yaml` with that of its catalogue, and where each entry is.

    Raises `InputError` with every entry that is defined twice, and every file that is no part of a
    catalogue.
    """
    folder = content.get("catalogue") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(folder, str):
        return content, Origin(path.name)
    found = {str(file): load(file) for file in _files(Path(folder), path.name)}
    if mistakes := [each for file, held in found.items() for each in _unfit(file, held)]:
        raise InputError(*mistakes)
    owners = _owners({**found, str(path): content})
    merged = {
        section: _merged(section, [*found.values(), content])
        for section in SECTIONS
        if any(section in held for held in [*found.values(), content])
    }
    names = {key: file for key, file in owners.items() if file != str(path)}
    return {**content, **merged}, Origin(path.name, names)


def _files(folder: Path, source: str) -> list[Path]:
    """Return the files of the folder, which must have some."""
    if files := sorted(folder.glob("*.yaml")):
        return files
    raise InputError(
        f"{source}: catalogue is {str(folder)!r}, where no file *.yaml was found; name the folder "
        "of the catalogue, seen from the project's top folder"
    )


def _unfit(file: str, held: object) -> Iterator[str]:
    """Yield a sentence for all that a file of the catalogue may not hold."""
    if not isinstance(held, Mapping):
        yield f"{file}: contains {type(held).__name__}; it must be a mapping of sections"
        return
    for name, entries in held.items():
        if name not in SECTIONS:
            yield f"{file}: {name} is not a section of a catalogue; use {', '.join(SECTIONS)}"
        elif not isinstance(entries, Mapping):
            yield f"{file}: {name} is {entries!r}; it must be a mapping of names to entries"


def _owners(contents: Mapping[str, Content]) -> dict[str, str]:
    """Return the file of each entry; raises `InputError` with every second definition."""
    owners: dict[str, str] = {}
    twice = []
    for file, held in contents.items():
        for section, name in _entries(held):
            first = owners.setdefault(f"{section}.{name}", file)
            if first != file:
                twice.append(
                    f"{_place(file, section, name)}: {section}.{name} is also defined in "
                    f"{_place(first, section, name)}; remove or rename one of them"
                )
    if twice:
        raise InputError(*twice)
    return owners


def _entries(held: Content) -> Iterator[tuple[str, object]]:
    for section in SECTIONS:
        entries = held.get(section)
        if isinstance(entries, Mapping):
            yield from ((section, name) for name in entries)


def _place(file: str, section: str, name: object) -> str:
    """Return a file and the line of an entry."""
    return f"{file}:{line(Path(file), section, name)}"


def _merged(section: str, contents: list[Content]) -> object:
    """Return the entries of all files; what is no mapping is left for the check to reject."""
    merged: dict[object, object] = {}
    for held in contents:
        entries = held.get(section, {})
        if not isinstance(entries, Mapping):
            return entries
        merged |= entries
    return merged
