"""Layer normalization inside a recurrent cell.

x W and h U are (batch, gate and unit), c_t and h_t are (batch, unit). LN is
gamma standardize(z) + beta, as in `normalizers.LayerNorm`.
"""

from typing import Unpack

from pipeline.network.base import LayerOptions
from pipeline.network.rnn.cell_normalization import CellNormalization
from pipeline.network.rnn.gate_terms import Joint, Separate, Unnormalized
from pipeline.network.rnn.normalizers import LayerNorm, Normalizer


class LayerSeparate(CellNormalization):
    """Layer normalization of both terms: LN(x W) + LN'(h U) + b, and h_t = o activation(LN''(c_t)).

    All gates of a term are normalized together. The candidate of a GRU is
    LN(x W_g) + b_g + r (LN'(h U_g) + b'_g), normalized apart from its other gates, as in the
    authors' code, which adds b before LN.

    Args:
        epsilon: added to the variance.
        shift: whether the LN of a term has a beta beside b; that of a state always has one.
        cell: `output` carries the raw c_t to the next step: the paper's form, and that of Haste
            with `shift: false`. `state` carries LN''(c_t): the form of TensorFlow Addons and of
            PyTorch's fastrnns, a different network from the second step on. `none` leaves c_t
            as it is.
        output: whether h is normalized as well.

    Shapes:
        Terms are (batch, gate and unit), states are (batch, unit); statistics are over the last
        axis.

    Causality:
        Causal.

    Cost:
        Two passes over the gates and one over the cell state per step. Excludes the cuDNN kernel.

    Source:
        Ba et al., "Layer Normalization", 2016, equations 20 to 22, and the code by Kiros.
    """

    gates: type[Unnormalized] = Separate
    candidate: type[Unnormalized] = Separate

    def __init__(
        self,
        epsilon: float = 1e-5,
        shift: bool = True,
        cell: str = "output",
        output: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(cell, output, **kwargs)
        self.epsilon, self.shift = epsilon, shift

    def normalizer(self, gates: int, units: int, steps: int, state: bool, name: str) -> Normalizer:
        shift = self.shift or state
        return LayerNorm(gates * units, self.epsilon, shift, name=name, dtype=self.dtype_policy)


class LayerJoint(LayerSeparate):
    """Layer normalization of the sum of both terms: LN(x W + h U) + b, and of the cell state.

    All gates are normalized together; the cell state is normalized as in `LayerSeparate`. b is
    added after LN: before it, the forget gate's 1 would close the other gates. The two terms of
    a GRU's candidate are normalized separately. In a SimpleRNN, with `output`, this is
    LayerNormSimpleRNN of TensorFlow Addons.

    Args:
        epsilon: added to the variance.
        cell: which copy of the cell state is normalized; see `LayerSeparate`.
        output: whether h is normalized as well.

    Shapes:
        The sum is (batch, gate and unit); statistics are over its last axis.

    Causality:
        Causal.

    Cost:
        That of `LayerSeparate`, less the pass over x W. Excludes the cuDNN kernel.

    Source:
        A widely copied answer to "LayerNorm: where and how many in an LSTM", corrected: its gates
        lack their sigmoids.
    """

    gates = Joint

    def __init__(
        self,
        epsilon: float = 1e-5,
        cell: str = "output",
        output: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(epsilon, False, cell, output, **kwargs)


class LayerPerGate(LayerJoint):
    """Layer normalization per gate: LN_k(x W_k + h U_k) + b_k for gate k, and of the cell state.

    The cell state is normalized as in `LayerSeparate`. With `cell: state` this is
    LayerNormBasicLSTMCell of TensorFlow 1's contrib, whose beta and forget bias are b here and
    whose dropout is the kind `semeniuta`. It is not the form of the paper.

    The two terms of a GRU's candidate are normalized separately, as in contrib's
    LayerNormBasicGRUCell, which differs in the update gate only: there
    h_t = (1 - z) h_{t-1} + z g, here and in Keras h_t = z h_{t-1} + (1 - z) g. To copy weights,
    change the signs of W_z, U_z and b_z.

    Shapes:
        The sum is (batch, gate and unit); statistics are over the units of a gate.

    Causality:
        Causal.

    Cost:
        That of `LayerJoint`. Excludes the cuDNN kernel.

    Source:
        rnn_cell.py of TensorFlow 1's contrib.
    """

    def normalizer(self, gates: int, units: int, steps: int, state: bool, name: str) -> Normalizer:
        width, dtype = gates * units, self.dtype_policy
        return LayerNorm(width, self.epsilon, state, groups=gates, name=name, dtype=dtype)
