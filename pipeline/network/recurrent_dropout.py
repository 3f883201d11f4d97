"""Dropout inside a recurrent layer: what a kind disturbs, and where in the recurrence it does so.

    x_t -> [inputs] -> x W      h_{t-1} -> [project] -> h U      U -> [kernel]      g_t -> [candidate]      c_t -> [cell]      (h_t, c_t) -> [carry]

A `RecurrentDropout` is a kind with its rates, as configured. When a call of the layer begins it hands out `Places`, one method for each place
above, with all masks of that call drawn already: before the loop over time, in as few draws as there are masks of one shape. At inference
these are the identity, and no seed advances.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from pipeline.network import noise

Tensor = Any


class Places:
    """No dropout: the identity in every place, and the base of what overrides some of them."""

    def inputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        """All x-terms at once: (batch, time, channel), (channel, gate and unit) -> (batch, time, gate and unit)."""
        return ops.matmul(x, kernel)

    def kernel(self, kernel: Tensor) -> Tensor:
        """The recurrent kernel for the whole call, as `project` will read it."""
        return kernel

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        """The h-term of step t: (batch, unit), (unit, gate and unit) -> (batch, gate and unit)."""
        return ops.matmul(h, kernel)

    def candidate(self, g: Tensor, t: int) -> Tensor:
        """What step t would write into the state, (batch, unit)."""
        return g

    def cell(self, c: Tensor, t: int) -> Tensor:
        """The cell state after step t, (batch, unit)."""
        return c

    def carry(self, new: Sequence[Tensor], old: Sequence[Tensor], t: int) -> Sequence[Tensor]:
        """The states that step t leaves, each (batch, unit): h, and c where there is one."""
        return new


@dataclass(frozen=True)
class Call:
    """What one call needs masks for: vectors of `width` channels that feed `gates` gates, in `batch` samples, at each of `steps` steps."""

    batch: Any
    steps: int
    width: int
    gates: int
    dtype: str
    generator: keras.random.SeedGenerator | None
    masked_state: bool  # is the layer's recurrent dropout of the kind `keras`?

    def keep(self, shape: Sequence[Any], rate: float) -> Tensor:
        """Zero with probability `rate`, else 1 / (1 - rate)."""
        return ops.cast(noise.keep(shape, rate, self.generator), self.dtype)


@dataclass(frozen=True)
class RecurrentDropout:
    """The base of the kinds; with its rate of 0 the kind `none`."""

    rate: float = 0.0

    def begin(self, call: Call, training: bool) -> Places:
        """The dropout of one call."""
        return self.drawn(call) if training and self.rate > 0 else Places()

    def drawn(self, call: Call) -> Places:
        """The places with fresh masks."""
        raise NotImplementedError


class Tied(Places):
    """The same mask m, (batch, channel), for all gates and all time steps, on what a projection reads: z = (v m) K."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def inputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Every step under the same mask."""
        return ops.matmul(x * self.mask[:, None], kernel)

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        """Every step under the same mask."""
        return ops.matmul(h * self.mask, kernel)


class Untied(Places):
    """A mask m_k for each gate k, (gate, batch, channel) in all, the same for all time steps, on what a projection reads: z_k = (v m_k) K_k."""

    def __init__(self, masks: Tensor) -> None:
        self.masks = masks

    def inputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Every step under the same masks."""
        gates, (steps, channels) = self.masks.shape[0], x.shape[1:]
        masked = ops.reshape(x * self.masks[:, :, None], (gates, -1, channels))
        return ops.reshape(_side_by_side(ops.matmul(masked, self.kernel(kernel))), (-1, steps, kernel.shape[-1]))

    def kernel(self, kernel: Tensor) -> Tensor:
        """One matrix per gate: (channel, gate and unit) -> (gate, channel, unit)."""
        return ops.transpose(ops.reshape(kernel, (kernel.shape[0], self.masks.shape[0], -1)), (1, 0, 2))

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        """Every step under the same masks."""
        return _side_by_side(ops.matmul(h * self.masks, kernel))


def _side_by_side(terms: Tensor) -> Tensor:
    """(gate, row, unit) -> (row, gate and unit)."""
    gates, _, units = terms.shape
    return ops.reshape(ops.transpose(terms, (1, 0, 2)), (-1, gates * units))


@dataclass(frozen=True)
class Gal(RecurrentDropout):
    """Variational dropout: masks that stay for the whole window, on x or on h_{t-1} before their projection; one for all gates where `tied`, else one each.

    Source: Gal & Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016. A tied mask on x keeps the
    cuDNN kernel, the others do not. Cost on h: one product per step where tied; else smaller matrix products, one per gate.
    """

    tied: bool = False

    def drawn(self, call: Call) -> Places:
        """One mask or one per gate."""
        if self.tied or call.gates == 1:
            return Tied(call.keep((call.batch, call.width), self.rate))
        return Untied(call.keep((call.gates, call.batch, call.width), self.rate))


@dataclass(frozen=True)
class Keras(RecurrentDropout):
    """What `dropout` and `recurrent_dropout` of the Keras layers do: masks that stay for the whole window, on x and on h_{t-1} before their projections.

    On h there is a mask for each gate. On x there is one for all gates, but one for each where the layer's recurrent dropout is `keras` too:
    the habit of Keras 3.15, whose `implementation` switches from 2 to 1. Unlike there, no mask is drawn at inference.
    On x alone it keeps the cuDNN kernel. Cost: as `Gal`.
    """

    def drawn(self, call: Call) -> Places:
        """As `Gal`, tied or not."""
        return Gal(self.rate, tied=not call.masked_state).drawn(call)
