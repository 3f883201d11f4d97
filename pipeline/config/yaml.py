"""The only place where YAML is read and written."""

import io
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from pipeline.core.errors import InputError

COLUMNS = 98  # the longest line that is written


@dataclass(frozen=True)
class Reasoned:
    """A value of `params.yaml`, or a mapping of further ones, and why it is proposed."""

    value: object
    reason: str = ""


Sections = Mapping[str, Mapping[str, Reasoned]]


def load(path: Path) -> Any:
    """Return the content of a YAML file; raises `InputError` for a missing or an invalid file."""
    return _load(YAML(typ="safe", pure=True), _text(path), path)


def line(path: Path, section: str, name: object) -> int:
    """Return the line, from 1, at which an entry of a section begins."""
    entries = _round_trip(_text(path), path)[section]
    return int(entries.lc.key(name)[0]) + 1


def loads(text: str) -> Any:
    """Return the content of YAML text that `render` or `merge` has made."""
    return YAML(typ="safe", pure=True).load(text)


def render(sections: Sections) -> str:
    """Return sections as YAML, each reason as a comment above its key."""
    blocks = [f"{_key(name)}:\n{_block(keys, '  ')}" for name, keys in sections.items()]
    return "\n".join(blocks)


def merge(path: Path, sections: Sections, scalars: Mapping[str, Mapping[str, object]]) -> str:
    """Return the text of a YAML file with whole sections, and single values of others, replaced.

    All other lines stay as they are. Raises `InputError` for a missing or an invalid file.
    """
    text = _text(path)
    for name, keys in scalars.items():
        for key, value in keys.items():
            text = _with_scalar(_round_trip(text, path), text, name, key, _dump(value))
    for name, keys in sections.items():
        text = _with_section(_round_trip(text, path), text, name, render({name: keys}))
    return text


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: was not found; run this from the project's top folder") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None


def _load(reader: YAML, text: str, path: Path) -> Any:
    try:
        return reader.load(text)
    except YAMLError as error:
        raise InputError(f"{path}: is not valid YAML: {error}") from None


def _round_trip(text: str, path: Path) -> CommentedMap:
    """Return the content with the place of each key; raises `InputError` if it is no mapping."""
    content = _load(YAML(typ="rt"), text, path)
    if not isinstance(content, CommentedMap):
        raise InputError(f"{path}: must be a mapping of sections")
    return content


def _with_section(content: CommentedMap, text: str, name: str, block: str) -> str:
    """Return the text with a section replaced, or appended; comments before the next one stay."""
    lines = text.splitlines(keepends=True)
    if name not in content:
        return f"{text.rstrip()}\n\n{block}"
    start = content.lc.key(name)[0]
    later = [content.lc.key(key)[0] for key in content if content.lc.key(key)[0] > start]
    stop = min(later, default=len(lines))
    while re.match(r"#|\s*$", lines[stop - 1]):
        stop -= 1
    return "".join([*lines[:start], block, *lines[stop:]])


def _with_scalar(content: CommentedMap, text: str, name: str, key: str, value: str) -> str:
    """Return the text with one value of a section replaced, or the key added to it."""
    section = content.get(name)
    lines = text.splitlines(keepends=True)
    if not isinstance(section, CommentedMap):
        return _with_section(content, text, name, f"{name}:\n  {key}: {value}\n")
    if key not in section and section.fa.flow_style():
        whole = {**section, key: loads(value)}
        return _with_section(content, text, name, f"{name}: {_dump(whole)}\n")
    if key not in section:
        lines.insert(content.lc.key(name)[0] + 1, f"  {key}: {value}\n")
        return "".join(lines)
    row, column = section.lc.value(key)
    old = lines[row]
    rest = re.sub(r"^[^\s,}#]*", value, old[column:], count=1)
    lines[row] = old[:column] + rest
    return "".join(lines)


def _block(keys: Mapping[str, Reasoned], indent: str) -> str:
    """Return the lines of a mapping, each key below its reason."""
    lines: list[str] = []
    for name, entry in keys.items():
        begin = f"{indent}# "
        lines += textwrap.wrap(entry.reason, COLUMNS, initial_indent=begin, subsequent_indent=begin)
        if isinstance(entry.value, Mapping) and _has_reasons(entry.value):
            lines.append(f"{indent}{_key(name)}:\n{_block(entry.value, indent + '  ')}".rstrip())
        else:
            written = f"{_key(name)}: {_dump(entry.value, len(indent) + len(name) + 2)}"
            lines.append(textwrap.indent(written, indent))
    return "\n".join(lines) + "\n"


def _has_reasons(value: Mapping[str, object]) -> bool:
    return bool(value) and all(isinstance(entry, Reasoned) for entry in value.values())


def _key(name: str) -> str:
    return _dump(name)


def _dump(value: object, before: int = 0) -> str:
    """Return a value as YAML of flow style; lists that are too long go on in further lines."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = True
    writer.sort_base_mapping_type_on_output = False
    writer.width = COLUMNS - before
    stream = io.StringIO()
    writer.dump(value, stream)
    lines = stream.getvalue().removesuffix("...\n").splitlines()
    return "\n  ".join(line.strip() for line in lines)
