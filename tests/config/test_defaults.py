"""An omitted key means what the shipped `params.yaml` says, or nothing at all."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from pipeline.config import params
from pipeline.config.section import Section
from pipeline.config.variants import SHIPPED

NOTHING = {  # lists of the user's own: without an entry there is none
    "catalogue",
    "factors",
    "claims",
    "data.past_covariates",
    "data.future_covariates",
    "data.categories",
    "data.calendar",
    "data.holidays",
    "validate.missing",
    "validate.limits",
    "standardize.columns",
    "forecast.limits",
    "forecast.levels",
}

HIDDEN = ("rows",)  # of a smoke run only


def defaults(section: Section, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, shipped value and default of every key that may be left out."""
    for name, field in type(section).model_fields.items():
        key, value = f"{path}{field.alias or name}", getattr(section, name)
        default = field.get_default(call_default_factory=True, validated_data={})
        if isinstance(value, Section):
            yield from defaults(value, f"{key}.")
        elif default is not PydanticUndefined and key != "variants":
            yield key, value, default


def test_an_omitted_key_means_what_the_shipped_file_says(content: dict[str, Any]) -> None:
    found = [*defaults(params.parse(content))]
    assert len(found) > 50
    differing = {key for key, value, default in found if value != default}
    written = {
        f"{section}.{key}" if section == "train" else f"{section}.{key}.{name}"
        for section, keys in SHIPPED.items()
        for key, values in keys.items()
        for name in (values if isinstance(values, dict) else [""])
    }
    assert differing <= NOTHING | written


def test_omitted_networks_and_trainings_are_the_shipped_ones(content: dict[str, Any]) -> None:
    shipped, omitted = params.parse(content), params.parse({**content, "train": {}, "model": {}})
    assert (omitted.train, omitted.model) == (shipped.train, shipped.model)
    assert omitted.variants == shipped.variants


def test_an_omitted_list_of_the_users_own_is_empty(content: dict[str, Any]) -> None:
    found = {key: default for key, _, default in defaults(params.parse(content))}
    assert found.keys() >= NOTHING
    assert [key for key in NOTHING if found[key]] == []


def keys(section: Section) -> Iterator[str]:
    """The names of the keys of a section."""
    return (field.alias or name for name, field in type(section).model_fields.items())


@pytest.mark.parametrize(
    "section",
    [
        *("data", "validate_", "standardize", "window", "train"),
        *("forecast", "evaluate", "compare", "track", "promote"),
    ],
)
def test_every_key_is_on_the_page_of_keys(content: dict[str, Any], section: str) -> None:
    page = (Path(__file__).parents[2] / "docs/params.md").read_text()
    found = getattr(params.parse(content), section)
    names = {name for name in keys(found) if name not in HIDDEN}
    missing = {n for n in names if not re.search(rf"`({section}\.)?{n}`", page)}
    assert missing == set()
