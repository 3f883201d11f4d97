"""The shipped parameters with every variant selected, and what an edit of them leads to."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import params
from pipeline.config.catalogue import include
from pipeline.config.params import Params
from pipeline.config.yaml import load
from pipeline.core.errors import InputError

PARAMS = Path(__file__).parents[2] / "params.yaml"
SHIPPED, _ = include(load(PARAMS), PARAMS)


@pytest.fixture
def content() -> dict[str, Any]:
    """All but grids and claims: they would add variants to those of an edit, or miss them."""
    return {**copy.deepcopy(SHIPPED), "study": "*", "factors": {}, "claims": {}}


@pytest.fixture
def shipped_study() -> list[str]:
    return list(SHIPPED["study"])


@pytest.fixture
def edit(content: dict[str, Any]) -> Callable[[Mapping[str, Any]], None]:
    """Put values at paths such as `window/lookback`."""

    def assign(edits: Mapping[str, Any]) -> None:
        for path, value in edits.items():
            *sections, key = path.split("/")
            section = content
            for name in sections:
                section = section.setdefault(name, {})
            section[key] = value

    return assign


@pytest.fixture
def parsed(
    content: dict[str, Any], edit: Callable[[Mapping[str, Any]], None]
) -> Callable[[Mapping[str, Any]], Params]:
    """The parameters after edits."""

    def parse(edits: Mapping[str, Any]) -> Params:
        edit(edits)
        return params.parse(content)

    return parse


@pytest.fixture
def rejected(
    content: dict[str, Any], edit: Callable[[Mapping[str, Any]], None]
) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    """The findings after edits."""

    def parse(edits: Mapping[str, Any]) -> tuple[str, ...]:
        edit(edits)
        with pytest.raises(InputError) as error:
            params.parse(content)
        return tuple(error.value.findings)

    return parse
