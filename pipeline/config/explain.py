"""Mistakes that pydantic found, as sentences for the user: where, what was got, what to do."""

from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.config.learning import SEEDS

Path = tuple[int | str, ...]

RENAMED = {  # section and key -> the key's name today
    ("data", "covariates"): "past_covariates",
    ("data", "known"): "future_covariates",
    ("validate", "gaps"): "max_gap",
    ("validate", "mostly_missing"): "max_missing_fraction",
    ("validate", "up_to"): "max_run",
    ("evaluate", "season"): "season_length",
}


def explain(error: ValidationError, variants: Sequence[str]) -> list[str]:
    """Return one sentence for each mistake, where the user made it.

    `variants` are the names in the order of the file. A mistake in `model` or `train` that variants
    inherit is reported once, where it is.
    """
    details = error.errors()
    everywhere = {detail["loc"] for detail in details}
    renamed = {(*detail["loc"][:-1], _new_name(detail["loc"])) for detail in details}
    sentences = [
        sentence(_path(detail["loc"], variants), detail)
        for detail in details
        if not _is_inherited(detail["loc"], everywhere)
        and not (detail["type"] == "missing" and detail["loc"] in renamed)
    ]
    return list(dict.fromkeys(sentences))


def _is_inherited(path: Path, everywhere: set[Path]) -> bool:
    """Return whether the same mistake is in the section that the variant inherits."""
    return (
        path[:1] == ("variants",)
        and path[2:3] in (("model",), ("train",))
        and path[2:] in everywhere
    )


def _new_name(path: Path) -> str | None:
    """Return the name today of the key at this path; null if it never had another."""
    return RENAMED.get((str(path[0]), str(path[-1]))) if path else None


def _path(path: Path, variants: Sequence[str]) -> str:
    """Return the dotted path as in the file: a variant by its name, its network without `model`."""
    if path[:1] == ("variants",) and len(path) > 1:
        inside = path[3:] if path[2:3] == ("model",) else path[2:]
        path = ("variants", variants[int(path[1])], *inside)
    return ".".join(str(part) for part in path if part not in SEEDS)


def sentence(path: str, detail: ErrorDetails) -> str:
    """Return what is wrong at `path`, and what is allowed there."""
    got, message = repr(detail["input"]), detail["msg"]
    match detail["type"]:
        case "model_type" | "dataclass_type" | "dict_type" | "mapping_type":
            return f"{path} is {got}; it must be a mapping of keys to values"
        case "extra_forbidden" if new := _new_name(detail["loc"]):
            return f"{path} is now called {new}; rename it"
        case "extra_forbidden":
            return f"{path} is not a known key; remove it or correct its name"
        case "missing":
            return f"{path} is missing; add it"
        case "literal_error":
            return f"{path} is {got}; choose one of {detail['ctx']['expected']}"
        case "slot" | "split" | "model" | "value":
            return f"{path} {message}".strip()
        case _:
            must = message.replace("Input should be", "it must be", 1)
            return f"{path} is {got}; {must[0].lower()}{must[1:]}"
