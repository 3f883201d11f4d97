"""Where a recurrent cell is normalized: around the terms of its gates, and its states.

The gates that add an x-term to an h-term are one block, `gates`. The candidate of a GRU, whose
reset gate acts between its two terms, is another block, `candidate`. x W and x_t W are
(batch, gate and unit), as is h U; N stands for a normalization, b for the bias.
"""

from collections.abc import Mapping

from pipeline.network.base import Tensor
from pipeline.network.rnn.normalizers import Term


class Unnormalized:
    """A block of gates without normalization, x W + b + h U; and the base of the arrangements."""

    terms: tuple[str, ...] = ()  # names of the terms that it normalizes

    def inputs(self, x: Tensor, bias: Tensor) -> Tensor:
        """Prepare all x-terms (batch, time, gate and unit), adding the bias if it belongs there."""
        return x + bias

    def recurrent(self, z: Tensor, t: int) -> Tensor:
        """Prepare the h-term of step t, (batch, gate and unit)."""
        return z

    def sum(self, x: Tensor, z: Tensor, bias: Tensor, t: int) -> Tensor:
        """Return the pre-activations of step t, from its part of `inputs` and its h-term."""
        return x + self.recurrent(z, t)


class InputsOnly(Unnormalized):
    """The x-term is normalized: N(x W) + b + h U."""

    terms: tuple[str, ...] = ("x",)

    def __init__(self, x: Term) -> None:
        self.x = x

    def inputs(self, x: Tensor, bias: Tensor) -> Tensor:
        return self.x.every_step(x) + bias


class Separate(InputsOnly):
    """Both terms are normalized separately: N(x W) + N'(h U) + b."""

    terms = ("x", "h")

    def __init__(self, x: Term, h: Term) -> None:
        super().__init__(x)
        self.h = h

    def recurrent(self, z: Tensor, t: int) -> Tensor:
        return self.h.step(z, t)


class Joint(Unnormalized):
    """The sum of both terms is normalized: N(x W + h U) + b."""

    terms = ("sum",)

    def __init__(self, total: Term) -> None:
        self.total = total

    def inputs(self, x: Tensor, bias: Tensor) -> Tensor:
        return x

    def sum(self, x: Tensor, z: Tensor, bias: Tensor, t: int) -> Tensor:
        return self.total.step(x + z, t) + bias


class CellTerms:
    """What a cell uses during one call: its blocks of gates, and the normalization of its states.

    Args:
        gates: the block of the gates that add both terms.
        candidate: the block of a GRU's candidate.
        terms: all normalized terms by name; `cell` and `output` are those of the states.
        normalizes_state: whether the next step, too, gets the normalized cell state.
    """

    def __init__(
        self,
        gates: Unnormalized,
        candidate: Unnormalized,
        terms: Mapping[str, Term],
        normalizes_state: bool,
    ) -> None:
        self.gates, self.candidate = gates, candidate
        self.terms, self.normalizes_state = terms, normalizes_state

    def cell(self, c: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """Return the cell state (batch, unit) for the output gate, and for the next step."""
        if "cell" not in self.terms:
            return c, c
        output = self.terms["cell"].step(c, t)
        return output, output if self.normalizes_state else c

    def output(self, h: Tensor, t: int) -> Tensor:
        """Return the output (batch, unit) of step t, which is also passed to the next step."""
        return self.terms["output"].step(h, t) if "output" in self.terms else h

    def end(self) -> None:
        """Store what was learned of the batch; called after the last step."""
        for term in self.terms.values():
            term.end()
