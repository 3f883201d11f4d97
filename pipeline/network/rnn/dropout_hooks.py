"""Where a recurrent dropout acts: one hook for each place of the recurrence, and its masks.

    x_t -> [inputs] -> x W      h_{t-1} -> [project] -> h U      U -> [kernel]
    g_t -> [candidate]          c_t -> [cell]                    (h_t, c_t) -> [carry]

In the equations x_t is (batch, channel); g_t, c_t and h_t are (batch, unit); W is
(channel, gate and unit) and U (unit, gate and unit). The elements of a mask are 0 with
probability `rate`, else 1 / (1 - rate), except in zoneout.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
from keras import ops

from pipeline.network.base import Tensor, TensorShape
from pipeline.network.layers import noise

States = Sequence[Tensor]  # h, and c where there is one, each (batch, unit)


@dataclass(frozen=True)
class MaskRequest:
    """What one call needs masks for.

    Args:
        batch: number of samples, which may be a tensor.
        steps: number of time steps.
        width: number of channels of the vectors that are masked.
        gates: number of gates that these vectors feed.
        dtype: type of the masks.
        generator: the seed, which every draw advances.
        has_keras_recurrent_dropout: whether the layer has recurrent dropout of the kind `keras`.
    """

    batch: Tensor
    steps: int
    width: int
    gates: int
    dtype: str
    generator: keras.random.SeedGenerator
    has_keras_recurrent_dropout: bool

    def keep(self, shape: TensorShape, rate: float) -> Tensor:
        """Draw a mask of `shape`: 0 with probability `rate`, else 1 / (1 - rate)."""
        return ops.cast(noise.keep(shape, rate, self.generator), self.dtype)

    def keep_by_step(self, rate: float) -> list[Tensor]:
        """Draw one such mask (batch, width) for each step."""
        masks: list[Tensor] = ops.unstack(self.keep((self.steps, self.batch, self.width), rate))
        return masks


class Hooks:
    """No dropout: the identity in every place, and the base of what overrides some of them."""

    def inputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        """Return x W for all steps: (batch, time, channel) -> (batch, time, gate and unit)."""
        return ops.matmul(x, kernel)

    def kernel(self, kernel: Tensor) -> Tensor:
        """Return the recurrent kernel for the whole call, as `project` will read it."""
        return kernel

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        """Return h U of step t: (batch, unit) -> (batch, gate and unit)."""
        return ops.matmul(h, kernel)

    def candidate(self, g: Tensor, t: int) -> Tensor:
        """Return what step t writes into the state, (batch, unit)."""
        return g

    def cell(self, c: Tensor, t: int) -> Tensor:
        """Return the cell state after step t, (batch, unit)."""
        return c

    def carry(self, new: States, old: States, t: int) -> States:
        """Return the states that step t leaves to the next one."""
        return new


class MaskForAllGates(Hooks):
    """One mask m (batch, channel) for all gates and steps: z = (v m) K for v = x_t or h_{t-1}."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def inputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        return ops.matmul(x * self.mask[:, None], kernel)

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        return ops.matmul(h * self.mask, kernel)


class MaskPerGate(Hooks):
    """A mask m_k for each gate k, the same for all steps: z_k = (v m_k) K_k for v = x_t or h_{t-1}.

    The masks together are (gate, batch, channel).
    """

    def __init__(self, masks: Tensor) -> None:
        self.masks = masks

    def inputs(self, x: Tensor, kernel: Tensor) -> Tensor:
        gates, channels = self.masks.shape[0], kernel.shape[0]
        by_gate = ops.reshape(kernel, (channels, gates, -1))
        masked = by_gate * ops.transpose(self.masks, (1, 2, 0))[..., None]
        return ops.matmul(x, ops.reshape(masked, (-1, *kernel.shape)))

    def kernel(self, kernel: Tensor) -> Tensor:
        """Return one matrix per gate: (channel, gate and unit) -> (gate, channel, unit)."""
        by_gate = ops.reshape(kernel, (kernel.shape[0], self.masks.shape[0], -1))
        return ops.transpose(by_gate, (1, 0, 2))

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        terms = ops.matmul(h * self.masks, kernel)  # (gate, batch, unit)
        gates, _, units = terms.shape
        return ops.reshape(ops.transpose(terms, (1, 0, 2)), (-1, gates * units))


class MaskPerStep(Hooks):
    """A mask m_t (batch, unit) for each step, for all gates: z_t = (h_{t-1} m_t) U."""

    def __init__(self, masks: Sequence[Tensor]) -> None:
        self.masks = masks

    def project(self, h: Tensor, kernel: Tensor, t: int) -> Tensor:
        return ops.matmul(h * self.masks[t], kernel)


class MaskedKernel(Hooks):
    """One mask m (unit, gate and unit) on the recurrent kernel: U <- m U."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def kernel(self, kernel: Tensor) -> Tensor:
        return kernel * self.mask


class MaskedCandidate(Hooks):
    """A mask m_t (batch, unit) for each step on what is written into the state: g_t <- m_t g_t."""

    def __init__(self, masks: Sequence[Tensor]) -> None:
        self.masks = masks

    def candidate(self, g: Tensor, t: int) -> Tensor:
        return g * self.masks[t]


class MaskedCell(Hooks):
    """One mask m (batch, unit) for all steps on the cell state: c_t <- m c_t."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def cell(self, c: Tensor, t: int) -> Tensor:
        return c * self.mask


class KeepsOldState(Hooks):
    """Some units keep their old state: s_t = old where `kept`, else new.

    Args:
        kept: for each state either None, if all units are new, or one mask (batch, unit) per step.
    """

    def __init__(self, kept: Sequence[Sequence[Tensor] | None]) -> None:
        self.kept = kept

    def carry(self, new: States, old: States, t: int) -> States:
        return [
            n if kept is None else ops.where(kept[t], o, n)
            for n, o, kept in zip(new, old, self.kept, strict=False)
        ]


class BlendsOldState(Hooks):
    """The expectation of `KeepsOldState`: s_t = rate old + (1 - rate) new, one rate per state."""

    def __init__(self, rates: Sequence[float]) -> None:
        self.rates = rates

    def carry(self, new: States, old: States, t: int) -> States:
        return [
            n if rate == 0 else n + rate * (o - n)
            for n, o, rate in zip(new, old, self.rates, strict=False)
        ]
