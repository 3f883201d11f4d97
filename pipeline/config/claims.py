"""`claims:` are sentences about which of two sides has the lower error, for the study to judge."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.config.section import Names, Section, value_error

Expected = Literal["lower", "equal", "higher"]
Text = Annotated[str, Field(min_length=1)]


class Claim(Section):
    """What somebody says, where, and the variants that test it.

    `sentence` says that the error of `variants` is, as `expected`, lower or higher than that of
    `against`, or equal to it. Where a side has several, its geometric mean is meant: the sides are
    pairs, one in the place of the other. A claim without variants says in `note` why none tests it.
    """

    sentence: Text
    source: Text
    variants: Names = ()
    against: Names = ()
    expected: Expected = "lower"
    note: Text | None = None

    @model_validator(mode="after")
    def _has_two_sides(self) -> "Claim":
        if bool(self.variants) != bool(self.against):
            raise value_error("has one side only; give `variants` and `against`, or neither")
        if not self.variants and self.note is None:
            raise value_error("has no `variants`; say in `note` why none tests it")
        if self.variants and sorted(self.variants) == sorted(self.against):
            raise value_error("compares variants with themselves; name other ones in `against`")
        return self


def unknown(claims: Mapping[str, Claim], variants: Collection[str]) -> Iterator[str]:
    """Yield a sentence for every variant of a claim that no file defines."""
    for name, claim in claims.items():
        for side in ("variants", "against"):
            for variant in getattr(claim, side):
                if variant not in variants:
                    yield f"claims.{name}.{side}: {variant!r} is no variant; correct its name"
