"""Normalization inside a recurrent cell: what is normalized, and where.

A kind (`CellNormalization`) is a layer without a call of its own. It says how it arranges its normalizers about the two terms of the gates
(`Nothing`, `Inputs`, `Separate`, `Joint`), and which copy of the cell state it normalizes. When a call of the recurrent layer begins it hands out
`Norms`, which the cell asks at each step. The gates that add an x-term to an h-term are one block, `gates`; the candidate of a GRU, whose reset gate
stands between its two terms, is another.

In the equations x W and x_t W are (batch, gate and unit), as is h U; c_t and h_t are (batch, unit); standardize, gamma and beta are those of
`normalizers`. The kinds live inside of `Recurrent` only, which keeps their options in its own configuration and makes them anew from there; so they
are not registered with Keras.
"""

from collections.abc import Mapping
from typing import Any

import keras

from pipeline.network.rnn.normalizers import BatchNorm, LayerNorm, Normalizer, Term

Tensor = Any


class Nothing:
    """A block of gates without normalization, x W + b + h U; and the base of the arrangements."""

    terms: tuple[str, ...] = ()  # what it normalizes

    def inputs(self, x: Tensor, bias: Tensor) -> Tensor:
        """All x-terms at once, (batch, time, gate and unit), with the bias if it belongs there."""
        return x + bias

    def recurrent(self, z: Tensor, t: int) -> Tensor:
        """The h-term of step t, (batch, gate and unit)."""
        return z

    def sum(self, x: Tensor, z: Tensor, bias: Tensor, t: int) -> Tensor:
        """Pre-activations of step t, from its part of `inputs` and its h-term."""
        return x + self.recurrent(z, t)


class Inputs(Nothing):
    """N(x W) + b + h U."""

    terms: tuple[str, ...] = ("x",)

    def __init__(self, x: Term) -> None:
        self.x = x

    def inputs(self, x: Tensor, bias: Tensor) -> Tensor:
        return self.x.every_step(x) + bias


class Separate(Inputs):
    """N(x W) + N'(h U) + b."""

    terms = ("x", "h")

    def __init__(self, x: Term, h: Term) -> None:
        super().__init__(x)
        self.h = h

    def recurrent(self, z: Tensor, t: int) -> Tensor:
        return self.h.step(z, t)


class Joint(Nothing):
    """N(x W + h U) + b."""

    terms = ("sum",)

    def __init__(self, total: Term) -> None:
        self.total = total

    def inputs(self, x: Tensor, bias: Tensor) -> Tensor:
        return x

    def sum(self, x: Tensor, z: Tensor, bias: Tensor, t: int) -> Tensor:
        return self.total.step(x + z, t) + bias


class Norms:
    """What a cell asks in one call: its blocks `gates` and `candidate`, and what becomes of its states."""

    def __init__(
        self, gates: Nothing, candidate: Nothing, terms: Mapping[str, Term], carried: bool
    ) -> None:
        self.gates, self.candidate, self.terms, self.carried = gates, candidate, terms, carried

    def cell(self, c: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """The cell state, (batch, unit), as the output gate sees it, and as the next step gets it."""
        shown = self.terms["cell"].step(c, t) if "cell" in self.terms else c
        return shown, shown if self.carried else c

    def output(self, h: Tensor, t: int) -> Tensor:
        """The output of a step, (batch, unit), which the next step gets too."""
        return self.terms["output"].step(h, t) if "output" in self.terms else h

    def end(self) -> None:
        """After the last step."""
        for term in self.terms.values():
            term.end()


class CellNormalization(keras.Layer):
    """No normalization, x W + h U + b: the kind `none`, and the base of the others.

    Arguments: `cell`, which copy of an LSTM's cell state is normalized: `none`; `output`, that which the output gate sees, while the next step gets the
    state as it is; `state`, that which the next step gets too. `output`: is h normalized, which the next step gets too?
    """

    gates: type[Nothing] = Nothing
    candidate: type[Nothing] = Nothing

    def __init__(self, cell: str = "none", output: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell, self.normalize_output = cell, output

    def normalizer(self, gates: int, units: int, steps: int, state: bool, name: str) -> Normalizer:
        """For a term of `gates` gates, or for a state, which is as wide as one gate."""
        raise NotImplementedError

    def attach(self, *, summed: int, apart: int, states: int, units: int, steps: int) -> None:
        """Make the normalizers for a cell with `summed` gates that add both terms, `apart` that do not, and `states` states."""
        blocks = {"gates": (self.gates, summed), "candidate": (self.candidate, apart)}
        terms = {
            f"{name}_{term}": gates
            for name, (block, gates) in blocks.items()
            for term in block.terms
            if gates
        }
        wanted = {"cell": states > 1 and self.cell != "none", "output": self.normalize_output}
        self.normalizers = {
            name: self.normalizer(gates, units, steps, False, name) for name, gates in terms.items()
        }
        self.normalizers |= {
            name: self.normalizer(1, units, steps, True, name)
            for name, there in wanted.items()
            if there
        }
        self.built = True

    def begin(self, steps: int, training: bool) -> Norms:
        """The normalizations of one call over `steps` steps."""
        terms = {
            name: normalizer.begin(steps, training) for name, normalizer in self.normalizers.items()
        }
        return Norms(
            _block(self.gates, "gates", terms),
            _block(self.candidate, "candidate", terms),
            terms,
            self.cell == "state",
        )


def _block(kind: type[Nothing], name: str, terms: Mapping[str, Term]) -> Nothing:
    mine = [terms[f"{name}_{term}"] for term in kind.terms if f"{name}_{term}" in terms]
    return kind(*mine) if mine else Nothing()


class LayerSeparate(CellNormalization):
    """Layer normalization of both terms, all gates together: LN(x W) + LN'(h U) + b, and of an LSTM's cell state: h_t = o activation(LN''(c_t)).

    Terms are (batch, gate and unit), states (batch, unit); statistics run over the last axis.

    `cell: output` carries the raw c_t: the paper's form, and Haste's with `shift: false`. `cell: state` carries LN''(c_t): the form of TensorFlow
    Addons and of PyTorch's fastrnns, another network from the second step on. `cell: none` leaves c_t alone. The candidate of a GRU is
    LN(x W_g) + b_g + r (LN'(h U_g) + b'_g), apart from its other gates, as in the authors' code, which adds b before LN. `shift`: does
    each LN of a term have a beta beside b? That of a state always has.
    Source: Ba et al., "Layer Normalization", 2016, equations 20 to 22, and Kiros' code to it. Causal. Not for the cuDNN kernel. Cost: two
    passes over the gates and one over the cell state per step.
    """

    gates: type[Nothing] = Separate
    candidate: type[Nothing] = Separate

    def __init__(
        self,
        epsilon: float = 1e-5,
        shift: bool = True,
        cell: str = "output",
        output: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, output, **kwargs)
        self.epsilon, self.shift = epsilon, shift

    def normalizer(self, gates: int, units: int, steps: int, state: bool, name: str) -> Normalizer:
        return LayerNorm(
            gates * units, self.epsilon, self.shift or state, name=name, dtype=self.dtype_policy
        )


class LayerJoint(LayerSeparate):
    """Layer normalization of the sum of both terms, all gates together: LN(x W + h U) + b, and of the cell state as in `LayerSeparate`.

    The sum is (batch, gate and unit); statistics run over its last axis.

    b stands behind LN (before it, the forget gate's 1 would push the other gates shut). `output`: normalize h too. In a SimpleRNN this is
    LayerNormSimpleRNN of TensorFlow Addons. A GRU's candidate has its two terms normalized apart.
    Source: a much-copied answer to "LayerNorm: where and how many in an LSTM", corrected: its gates lack their sigmoids. Causal. Not for
    the cuDNN kernel. Cost: as `LayerSeparate`, less the pass over x W.
    """

    gates = Joint

    def __init__(
        self, epsilon: float = 1e-5, cell: str = "output", output: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(epsilon, False, cell, output, **kwargs)


class LayerPerGate(LayerJoint):
    """Layer normalization of the sum of both terms, each gate by itself: LN_k(x W_k + h U_k) + b_k for gate k, and of the cell state as in `LayerSeparate`.

    The sum is (batch, gate and unit); statistics run over the units of a gate.

    With `cell: state` it is LayerNormBasicLSTMCell of TensorFlow 1's contrib, whose beta and forget bias are b here and whose dropout
    is the kind `semeniuta`. A GRU's candidate has its two terms normalized apart, as in contrib's LayerNormBasicGRUCell, which is this one but for the
    update gate: there h_t = (1 - z) h_{t-1} + z g, here and in Keras h_t = z h_{t-1} + (1 - z) g. To copy weights, turn the signs of W_z, U_z and b_z.
    It is not the paper's. Source: contrib's rnn_cell.py. Causal. Not for the cuDNN kernel. Cost: as `LayerJoint`.
    """

    def normalizer(self, gates: int, units: int, steps: int, state: bool, name: str) -> Normalizer:
        return LayerNorm(
            gates * units, self.epsilon, state, groups=gates, name=name, dtype=self.dtype_policy
        )


class BatchSeparate(CellNormalization):
    """Recurrent batch normalization: BN(x W) + BN'(h U) + b, and of an LSTM's cell state: h_t = o activation(BN''(c_t)), c_t being carried raw.

    Terms are (batch, gate and unit); statistics run over the batch, each time step's own, stored as (time, gate and unit). `gamma` is its initial value.
    Only BN'' has a beta. In training a sample's result hangs on its batch. Source: Cooijmans et al., "Recurrent Batch Normalization", 2017. Causal. Not
    for the cuDNN kernel. Cost: as `LayerSeparate`, and 18 time units numbers of state in an LSTM.
    """

    gates: type[Nothing] = Separate
    candidate: type[Nothing] = Separate

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-5,
        gamma: float = 0.1,
        cell: str = "output",
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, **kwargs)
        self.momentum, self.epsilon, self.gamma = momentum, epsilon, gamma

    def normalizer(self, gates: int, units: int, steps: int, state: bool, name: str) -> Normalizer:
        options = {
            "momentum": self.momentum,
            "gamma": self.gamma,
            "sequence": self.sequence(),
            "name": name,
            "dtype": self.dtype_policy,
        }
        return BatchNorm(gates * units, self.epsilon, state, self.rows(steps), **options)

    def rows(self, steps: int) -> int:
        """Rows of stored statistics: one per step, or 1."""
        return steps

    def sequence(self) -> bool:
        """Are the batch's statistics over time as well?"""
        return False


class BatchShared(BatchSeparate):
    """As `BatchSeparate`, but with one stored mean and variance for all time steps, (1, gate and unit), which moves by the average of the steps' own.

    It is here to be compared: by the paper this "severely degrades performance", as the statistics of the first steps are not those of the later ones.
    Source: a common reading of Cooijmans et al., 2017, such as OlavHN's bnlstm. Causal. Not for the cuDNN kernel. Cost: as `BatchSeparate`, less state.
    """

    def rows(self, steps: int) -> int:
        return 1


class BatchInputs(BatchSeparate):
    """Batch normalization of the x-term alone: BN(x W) + b + h U, and of no state.

    The term is (batch, time, gate and unit). Statistics are over batch and time, so that in training a step sees later ones; or each time step's own,
    where `per_step`. At inference it is causal. Source: Laurent et al., "Batch Normalized Recurrent Neural Networks", 2016. Not for the cuDNN kernel,
    inside of which x W is made. Cost: one pass over x W, for all steps at once.
    """

    gates = candidate = Inputs

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-5,
        gamma: float = 1.0,
        per_step: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum, epsilon, gamma, "none", **kwargs)
        self.per_step = per_step

    def rows(self, steps: int) -> int:
        return steps if self.per_step else 1

    def sequence(self) -> bool:
        return not self.per_step
