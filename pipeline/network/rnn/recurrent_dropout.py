"""The kinds of dropout inside a recurrent layer.

A `RecurrentDropout` is a kind with its rates. At the beginning of each call of the layer it hands
out `Hooks`, one method for each place of the recurrence (see `dropout_hooks`, also for the
symbols). It draws all masks of the call then, before the loop over time, in as few draws as there
are shapes of masks. At inference the hooks are the identity, and no seed advances.
"""

from dataclasses import dataclass

from keras import ops

from pipeline.network.layers import noise
from pipeline.network.rnn.dropout_hooks import (
    BlendsOldState,
    Hooks,
    KeepsOldState,
    MaskedCandidate,
    MaskedCell,
    MaskedKernel,
    MaskForAllGates,
    MaskPerGate,
    MaskPerStep,
    MaskRequest,
)


@dataclass(frozen=True)
class RecurrentDropout:
    """The base of the kinds and, with its rate of 0, the kind `none`.

    Args:
        rate: the share of elements that is dropped, from 0 up to but not 1.
        monte_carlo: whether the dropout is also active at inference.
    """

    rate: float = 0.0
    monte_carlo: bool = False

    def begin(self, request: MaskRequest, training: bool) -> Hooks:
        """Return the dropout of one call."""
        active = self.rate > 0 and (training or self.monte_carlo)
        return self.drawn(request) if active else Hooks()

    def drawn(self, request: MaskRequest) -> Hooks:
        """Return the hooks with fresh masks."""
        raise NotImplementedError


@dataclass(frozen=True)
class Gal(RecurrentDropout):
    """Variational dropout: z_t = (m x_t) W or z_t = (m h_{t-1}) U, m staying for the whole window.

    Args:
        tied: whether all gates share one mask, or gate k has its own: z_t,k = (m_k h_{t-1}) U_k.

    Shapes:
        m is (batch, channel or unit) where tied, else (gate, batch, channel or unit).

    Causality:
        Causal.

    Cost:
        On h, one product per step where tied; otherwise smaller matrix products, one per gate.
        A tied mask on x keeps the cuDNN kernel; the others exclude it.

    Source:
        Gal & Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural
        Networks", 2016.
    """

    tied: bool = False

    def drawn(self, request: MaskRequest) -> Hooks:
        shape = (request.batch, request.width)
        if self.tied or request.gates == 1:
            return MaskForAllGates(request.keep(shape, self.rate))
        return MaskPerGate(request.keep((request.gates, *shape), self.rate))


@dataclass(frozen=True)
class Keras(RecurrentDropout):
    """Dropout of the Keras layers: z_t,k = (m_k h_{t-1}) U_k, m_k staying for the whole window.

    On h each gate has its own mask. On x_t all gates share one, unless the layer also has
    recurrent dropout of this kind, as in Keras 3.15, whose `implementation` then switches from 2
    to 1. Unlike there, no mask is drawn at inference.

    Shapes:
        (gate, batch, unit) on h; (batch, channel) or (gate, batch, channel) on x.

    Causality:
        Causal.

    Cost:
        That of `Gal`. On x alone it keeps the cuDNN kernel.

    Source:
        `dropout` and `recurrent_dropout` of `keras.layers.LSTM`.
    """

    def drawn(self, request: MaskRequest) -> Hooks:
        tied = not request.has_keras_recurrent_dropout
        return Gal(self.rate, tied=tied).drawn(request)


@dataclass(frozen=True)
class Moon(RecurrentDropout):
    """RNNDrop: c_t <- m c_t before c_t reaches the output gate, m staying for the whole window.

    It exists for an LSTM only. A dropped unit has no memory at all. A kept one is scaled by
    1 / (1 - rate) at each step, so that in training its memory fades more slowly, or grows.

    Shapes:
        m is (batch, unit).

    Causality:
        Causal.

    Cost:
        One product per step. Excludes the cuDNN kernel.

    Source:
        Moon et al., "RNNDROP: A Novel Dropout for RNNs in ASR", 2015, with a mask for each sample.
    """

    def drawn(self, request: MaskRequest) -> Hooks:
        return MaskedCell(request.keep((request.batch, request.width), self.rate))


@dataclass(frozen=True)
class Semeniuta(RecurrentDropout):
    """Recurrent dropout without memory loss: c_t = f c_{t-1} + i (m_t g_t).

    In a GRU h_t = z h_{t-1} + (1 - z) (m_t g_t). It exists for LSTM and GRU. What is dropped is
    the update, never the memory.

    Args:
        per_step: whether a new mask is drawn at each step, or one for the whole window.

    Shapes:
        m_t is (batch, unit).

    Causality:
        Causal.

    Cost:
        One product per step. Excludes the cuDNN kernel.

    Source:
        Semeniuta et al., "Recurrent Dropout without Memory Loss", 2016; the dropout inside
        LayerNormBasicLSTMCell of TensorFlow 1's contrib.
    """

    per_step: bool = True

    def drawn(self, request: MaskRequest) -> Hooks:
        if self.per_step:
            return MaskedCandidate(request.keep_by_step(self.rate))
        mask = request.keep((request.batch, request.width), self.rate)
        return MaskedCandidate([mask] * request.steps)


@dataclass(frozen=True)
class Zoneout(RecurrentDropout):
    """Zoneout: s_t = m_t s_{t-1} + (1 - m_t) s~_t, where m_t is 1 with the rate, else 0.

    At inference m_t is replaced by its expectation. Nothing is rescaled. s is h and, in an LSTM,
    c; h~_t is computed from the new c~_t, before zoneout is applied to that. The output is h_t.
    The paper uses rates of 0.05 for h and 0.5 for c on characters.

    Args:
        cell_rate: the rate for c; `rate` is that for h.

    Shapes:
        m_t is (batch, unit).

    Causality:
        Causal.

    Cost:
        One selection per state and step, also at inference. Excludes the cuDNN kernel.

    Source:
        Krueger et al., "Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations",
        2017, with the order of operations in the authors' code.
    """

    cell_rate: float = 0.0

    def begin(self, request: MaskRequest, training: bool) -> Hooks:
        if training or self.monte_carlo:
            return self.drawn(request)
        return BlendsOldState((self.rate, self.cell_rate))

    def drawn(self, request: MaskRequest) -> Hooks:
        shape = (request.steps, request.batch, request.width)
        return KeepsOldState(
            [
                ops.unstack(noise.keep(shape, rate, request.generator) == 0) if rate > 0 else None
                for rate in (self.rate, self.cell_rate)
            ]
        )


@dataclass(frozen=True)
class WeightDrop(RecurrentDropout):
    """Weight-drop, or DropConnect on the recurrent kernel: U <- m U.

    One mask is drawn per call, for all samples and all steps.

    Shapes:
        m is (unit, gate and unit).

    Causality:
        Causal.

    Cost:
        One product for the whole call. It keeps the cuDNN kernel, to which U is an argument.

    Source:
        Merity et al., "Regularizing and Optimizing LSTM Language Models", 2018.
    """

    def drawn(self, request: MaskRequest) -> Hooks:
        shape = (request.width, request.gates * request.width)
        return MaskedKernel(request.keep(shape, self.rate))


@dataclass(frozen=True)
class PerStep(RecurrentDropout):
    """Naive recurrent dropout: z_t = (m_t h_{t-1}) U with a new mask at each step.

    All gates share the mask. It is included for comparison: such noise drowns the memory.

    Shapes:
        m_t is (batch, unit).

    Causality:
        Causal.

    Cost:
        One product per step. Excludes the cuDNN kernel.

    Source:
        What Zaremba et al., "Recurrent Neural Network Regularization", 2014, advise against.
    """

    def drawn(self, request: MaskRequest) -> Hooks:
        return MaskPerStep(request.keep_by_step(self.rate))
