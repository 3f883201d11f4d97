"""`train.tune`: the grid of settings from which each variant gets its own point on validation."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from pipeline.config.section import Positive, Section, as_tuple, value_error


def _distinct(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return the values in increasing order; raises an error if one is repeated."""
    if len(set(values)) < len(values):
        raise value_error(f"is {list(values)}; name every value once")
    return tuple(sorted(values))


_AXIS = BeforeValidator(as_tuple), AfterValidator(_distinct)
Fraction = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class Tune(Section):
    """The values of each setting that are tried, in all combinations; none where it is not tuned.

    The learning rate is the highest of its schedule; the weight decay is an option of the
    optimizer.
    """

    learning_rate: Annotated[tuple[Positive, ...], *_AXIS] = ()
    weight_decay: Annotated[tuple[Fraction, ...], *_AXIS] = ()

    @property
    def axes(self) -> Mapping[str, tuple[float, ...]]:
        """The settings that are tuned, each with its values in increasing order."""
        return {name: values for name, values in self if values}
