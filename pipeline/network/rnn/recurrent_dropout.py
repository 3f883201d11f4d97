"""Dropout inside a recurrent layer: what a kind disturbs, and where in the recurrence it does so.

    x_t -> [inputs] -> x W      h_{t-1} -> [project] -> h U      U -> [kernel]      g_t -> [candidate]      c_t -> [cell]      (h_t, c_t) -> [carry]

A `RecurrentDropout` is a kind with its rates, as configured. When a call of the layer begins it hands out `Places`, one method for each place
above, with all masks of that call drawn already: before the loop over time, in as few draws as there are masks of one shape. At inference
these are the identity, and no seed advances.

In the equations x_t is (batch, channel), g_t, c_t and h_t are (batch, unit), W is (channel, gate and unit) and U (unit, gate and unit). Masks are 0 with
probability `rate`, else 1 / (1 - rate), but in zoneout.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from pipeline.network.layers import noise

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
    generator: keras.random.SeedGenerator
    masked_state: bool  # has the layer recurrent dropout of the kind `keras`?

    def keep(self, shape: Sequence[Any], rate: float) -> Tensor:
        """Zero with probability `rate`, else 1 / (1 - rate)."""
        return ops.cast(noise.keep(shape, rate, self.generator), self.dtype)

    def keep_by_step(self, rate: float) -> list[Tensor]:
        """One such mask (batch, width) for each step."""
        return ops.unstack(self.keep((self.steps, self.batch, self.width), rate))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class RecurrentDropout:
    """The base of the kinds; with its rate of 0 the kind `none`. `monte_carlo` leaves the dropout on at inference."""

    rate: float = 0.0
    monte_carlo: bool = False

    def begin(self, call: Call, training: bool) -> Places:
        """The dropout of one call."""
        return self.drawn(call) if self.rate > 0 and (training or self.monte_carlo) else Places()

    def drawn(self, call: Call) -> Places:
        """The places with fresh masks."""
        raise NotImplementedError


class Tied(Places):
    """One mask m, (batch, channel), for all gates and all time steps, on what a projection reads: z = (v m) K."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def inputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        return ops.matmul(x * self.mask[:, None], kernel)

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        return ops.matmul(h * self.mask, kernel)


class Untied(Places):
    """A mask m_k for each gate k, (gate, batch, channel) together, for all time steps, on what a projection reads: z_k = (v m_k) K_k."""

    def __init__(self, masks: Tensor) -> None:
        self.masks = masks

    def inputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        gates, channels = self.masks.shape[0], kernel.shape[0]
        masked = (
            ops.reshape(kernel, (channels, gates, -1))
            * ops.transpose(self.masks, (1, 2, 0))[..., None]
        )
        return ops.matmul(x, ops.reshape(masked, (-1, *kernel.shape)))

    def kernel(self, kernel: Tensor) -> Tensor:
        """One matrix per gate: (channel, gate and unit) -> (gate, channel, unit)."""
        return ops.transpose(
            ops.reshape(kernel, (kernel.shape[0], self.masks.shape[0], -1)), (1, 0, 2)
        )

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        return _side_by_side(ops.matmul(h * self.masks, kernel))


def _side_by_side(terms: Tensor) -> Tensor:
    """(gate, row, unit) -> (row, gate and unit)."""
    gates, _, units = terms.shape
    return ops.reshape(ops.transpose(terms, (1, 0, 2)), (-1, gates * units))


@dataclass(frozen=True)
class Gal(RecurrentDropout):
    """Variational dropout: masks that stay for the whole window, on x or on h_{t-1} before their projection; one for all gates where `tied`, else one each.

    z_t = (m x_t) W or (m h_{t-1}) U with m (batch, channel or unit); untied z_t,k = (m_k h_{t-1}) U_k with m (gate, batch, channel or unit).
    Source: Gal & Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016. A tied mask on x keeps the
    cuDNN kernel, the others do not. Cost on h: one product per step where tied; else smaller matrix products, one per gate.
    """

    tied: bool = False

    def drawn(self, call: Call) -> Places:
        if self.tied or call.gates == 1:
            return Tied(call.keep((call.batch, call.width), self.rate))
        return Untied(call.keep((call.gates, call.batch, call.width), self.rate))


@dataclass(frozen=True)
class Keras(RecurrentDropout):
    """What `dropout` and `recurrent_dropout` of the Keras layers do: masks that stay for the whole window, on x and on h_{t-1} before their projections.

    The equations are those of `Gal`. On h there is a mask (batch, unit) for each
    gate. On x there is one for all gates, but one for each where the layer's recurrent dropout is `keras` too:
    the habit of Keras 3.15, whose `implementation` switches from 2 to 1. Unlike there, no mask is drawn at inference.
    On x alone it keeps the cuDNN kernel. Source: `keras.layers.LSTM`. Cost: as `Gal`.
    """

    def drawn(self, call: Call) -> Places:
        return Gal(self.rate, tied=not call.masked_state).drawn(call)


class OnCell(Places):
    """A mask m, (batch, unit), for all time steps, on the cell state: c_t <- m c_t."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def cell(self, c: Tensor, t: int) -> Tensor:
        return c * self.mask


@dataclass(frozen=True)
class Moon(RecurrentDropout):
    """rnnDrop: c_t <- m c_t, with a mask (batch, unit) that stays for the whole window; before c_t reaches the output gate. For an LSTM.

    A dropped unit has no memory at all. A kept one is scaled by 1 / (1 - rate) at every step anew, so that in training its memory fades more slowly, or grows.
    Source: Moon et al., "RNNDROP: A Novel Dropout for RNNs in ASR", 2015, with a mask for each sample. Not for the cuDNN kernel. Cost: one product per step.
    """

    def drawn(self, call: Call) -> Places:
        return OnCell(call.keep((call.batch, call.width), self.rate))


class OnCandidate(Places):
    """Masks (batch, unit), one for each step, on what is written into the state: g_t <- m_t g_t."""

    def __init__(self, masks: Sequence[Tensor]) -> None:
        self.masks = masks

    def candidate(self, g: Tensor, t: int) -> Tensor:
        return g * self.masks[t]


@dataclass(frozen=True)
class Semeniuta(RecurrentDropout):
    """Recurrent dropout without memory loss: c_t = f c_{t-1} + i (m_t g_t), in a GRU h_t = z h_{t-1} + (1 - z) (m_t g_t).

    A new mask m_t (batch, unit) at each step where `per_step`, else one for the whole window. What is dropped is the news, never the memory. For LSTM and GRU.
    Source: Semeniuta et al., "Recurrent Dropout without Memory Loss", 2016; the dropout inside of LayerNormBasicLSTMCell. Not for the cuDNN kernel.
    Cost: one product per step.
    """

    per_step: bool = True

    def drawn(self, call: Call) -> Places:
        return OnCandidate(
            call.keep_by_step(self.rate)
            if self.per_step
            else [call.keep((call.batch, call.width), self.rate)] * call.steps
        )


class KeepsOldState(Places):
    """Some units keep their old state: s_t = old where `kept`, else new; for each state and step a mask (batch, unit), or null where all are new."""

    def __init__(self, kept: Sequence[Sequence[Tensor] | None]) -> None:
        self.kept = kept

    def carry(self, new: Sequence[Tensor], old: Sequence[Tensor], t: int) -> Sequence[Tensor]:
        return [
            n if kept is None else ops.where(kept[t], o, n)
            for n, o, kept in zip(new, old, self.kept, strict=False)
        ]


class Blended(Places):
    """The expectation of `KeepsOldState`: s_t = rate old + (1 - rate) new, with a rate for each state."""

    def __init__(self, rates: Sequence[float]) -> None:
        self.rates = rates

    def carry(self, new: Sequence[Tensor], old: Sequence[Tensor], t: int) -> Sequence[Tensor]:
        return [
            n if rate == 0 else n + rate * (o - n)
            for n, o, rate in zip(new, old, self.rates, strict=False)
        ]


@dataclass(frozen=True)
class Zoneout(RecurrentDropout):
    """Zoneout: each unit keeps its old state with a probability, `rate` for h and `cell_rate` for c, drawn anew at each step; at inference the expectation.

    s_t = m_t s_{t-1} + (1 - m_t) s~_t, m_t (batch, unit) being 0 or 1 and h~_t made from the new c~_t before that is zoned.
    Nothing is rescaled. The zoned h is the output too.
    Source: Krueger et al., "Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations", 2017 (there h 0.05, c 0.5 for characters), with the order of
    the authors' code. Not for the cuDNN kernel. Cost: one selection per state and step, at inference too.
    """

    cell_rate: float = 0.0

    def begin(self, call: Call, training: bool) -> Places:
        return (
            self.drawn(call)
            if training or self.monte_carlo
            else Blended((self.rate, self.cell_rate))
        )

    def drawn(self, call: Call) -> Places:
        shape = (call.steps, call.batch, call.width)
        return KeepsOldState(
            [
                ops.unstack(noise.keep(shape, rate, call.generator) == 0) if rate > 0 else None
                for rate in (self.rate, self.cell_rate)
            ]
        )


class OnKernel(Places):
    """A mask m, (unit, gate and unit), on the recurrent kernel: U <- m U."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def kernel(self, kernel: Tensor) -> Tensor:
        return kernel * self.mask


@dataclass(frozen=True)
class WeightDrop(RecurrentDropout):
    """Weight-drop, DropConnect on the recurrent kernel: U <- m U, one mask (unit, gate and unit) for the call, for all samples and all steps.

    Source: Merity et al., "Regularizing and Optimizing LSTM Language Models", 2018. It keeps the cuDNN kernel, to which U is an argument.
    Cost: one product for the whole call.
    """

    def drawn(self, call: Call) -> Places:
        return OnKernel(call.keep((call.width, call.gates * call.width), self.rate))


class OnStateByStep(Places):
    """Masks (batch, unit), one for each step, on what the projection reads: z_t = (h_{t-1} m_t) U."""

    def __init__(self, masks: Sequence[Tensor]) -> None:
        self.masks = masks

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        return ops.matmul(h * self.masks[t], kernel)


@dataclass(frozen=True)
class PerStep(RecurrentDropout):
    """The naive way: a new mask on what is projected, for all gates, z_t = (m_t h_{t-1}) U, m_t (batch, unit). Noise at every step drowns the memory.

    It is here to be compared.
    Source: what Zaremba et al., "Recurrent Neural Network Regularization", 2014, advise against. Not for the cuDNN kernel. Cost: one product per step.
    """

    def drawn(self, call: Call) -> Places:
        return OnStateByStep(call.keep_by_step(self.rate))
