"""A network as the rules see it: its filled slots in the order of the data, and its training."""

from dataclasses import dataclass
from functools import cached_property

from pipeline.config.flow import Part, Place, parts
from pipeline.config.model import Model, Shape


@dataclass(frozen=True)
class Case:
    """A network, its input and output, and the windows in a batch.

    `trained` is the number of training steps up to the best weights, once they are known.
    """

    model: Model
    shape: Shape
    batch: int
    trained: int | None = None

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the network, in the order of the data."""
        return tuple(parts(self.model, self.shape, self.batch))

    @property
    def places(self) -> list[Place]:
        """The filled slots, in the order of the data."""
        return [part for part in self.parts if isinstance(part, Place)]

    @property
    def steps(self) -> int:
        """Steps that reach the recurrent layers; 0 if the pool is longer than its input."""
        return next(part.steps for part in self.parts if part.layer == "recurrent")
