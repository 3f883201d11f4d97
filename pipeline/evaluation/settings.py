"""The network and the training of a variant as flat settings, generic over their sections."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS, WEIGHTS
from pipeline.evaluation.entries import Summary

OFF = "none"
DEFAULTS = {
    kind: row.options
    for table in (NORMALIZATIONS, DROPOUTS, WEIGHTS)
    for kind, row in table.items()
}


def settings(summary: Summary) -> dict[str, str]:
    """Return the network and the training of a variant by dotted key, as text."""
    parts = {**(summary.model or {}), "train": summary.train or {}}
    return dict(_flat(parts))


def _flat(sections: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for section, value in sections.items():
        if isinstance(value, Mapping):
            yield from ((f"{section}.{key}", _text(entry)) for key, entry in value.items())
        else:
            yield section, _text(value)


def _text(value: Any) -> str:
    """Return a setting as text; of a slot, the options that are not the defaults of its kind."""
    if isinstance(value, Mapping):
        given = {name: option for name, option in value.items() if name != "kind"}
        usual = DEFAULTS.get(value["kind"], {})
        told = {name: option for name, option in given.items() if usual.get(name) != option}
        options = ", ".join(f"{name} {_text(option)}" for name, option in told.items())
        return f"{value['kind']} ({options})" if options else str(value["kind"])
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or OFF
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return OFF if value is None else str(value)
