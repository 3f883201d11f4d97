"""Rollback: an earlier version of a registered model becomes its champion again."""

from collections.abc import Mapping

from pipeline.core.errors import InputError
from pipeline.tracking.registry import PREVIOUS, Registry, Version


def earlier(registry: Registry, number: str | None = None) -> tuple[Version, Version]:
    """Return the version that a rollback makes the champion, and the present champion.

    It is the version with this number; by default the newest champion before the present one that
    no user has rolled back. Raises `InputError` if there is none.
    """
    champion = registry.version()
    versions = {version.number: version for version in registry.versions()}
    if champion is None:
        raise InputError(
            f"MLflow: {registry.name} has no previous champion to return to; the champion is not "
            "chosen yet"
        )
    if number is None:
        return _newest_earlier(registry, champion, versions), champion
    if number not in versions or number == champion.number:
        state = "is the champion already" if number in versions else "was not found"
        listed = ", ".join(map(str, versions.values()))
        raise InputError(
            f"MLflow: version {number} of {registry.name} {state}; there are: {listed}"
        )
    return versions[number], champion


def rollback(registry: Registry, number: str | None = None) -> tuple[Version, Version]:
    """Make an earlier version (see `earlier`) the champion; return it and the replaced one.

    The replaced one is tagged, so that the gate does not promote it again.
    """
    with registry.experiment.lock(), registry.experiment.explained_errors():
        target, champion = earlier(registry, number)
        for version, value in ((champion, "true"), (target, "false")):
            registry.client.set_model_version_tag(
                registry.name, version.number, "rolled_back", value
            )
        registry.replace_champion(champion, target, "rollback")
    return target, champion


def _newest_earlier(
    registry: Registry, champion: Version, versions: Mapping[str, Version]
) -> Version:
    previous = registry.version(PREVIOUS)  # of a registry that kept no history yet
    numbers = [*([previous.number] if previous else []), *(e.version for e in registry.history())]
    for number in reversed(numbers):
        version = versions.get(number)
        if version and version != champion and not version.rolled_back:
            return version
    listed = ", ".join(map(str, versions.values()))
    raise InputError(
        f"MLflow: {registry.name} has no previous champion to return to, other than those that "
        f"were rolled back; the champion is {champion}; `--rollback VERSION` takes any of: {listed}"
    )
