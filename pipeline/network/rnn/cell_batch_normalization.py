"""Batch normalization inside a recurrent cell.

x W and h U are (batch, gate and unit), c_t and h_t are (batch, unit). BN is
gamma standardize(z) + beta, as in `normalizers.BatchNorm`.
"""

from typing import Unpack

from pipeline.network.base import LayerOptions
from pipeline.network.rnn.cell_normalization import CellNormalization
from pipeline.network.rnn.gate_terms import InputsOnly, Separate, Unnormalized
from pipeline.network.rnn.normalizers import BatchNorm, Normalizer


class BatchSeparate(CellNormalization):
    """Recurrent batch normalization: BN(x W) + BN'(h U) + b, and h_t = o activation(BN''(c_t)).

    The next step gets the raw c_t. Statistics are over the batch, for each time step separately.
    In training, the result of a sample depends on its batch. Only BN'' has a beta.

    Args:
        momentum: the weight of the old value in the moving averages.
        epsilon: added to the variance.
        gamma: initial value of gamma.
        cell: which copy of the cell state is normalized; see `CellNormalization`.

    Shapes:
        Terms are (batch, gate and unit); stored statistics are (time, gate and unit).

    Causality:
        Causal.

    Cost:
        That of `LayerSeparate`, and 18 time units stored numbers in an LSTM. Excludes the cuDNN
        kernel.

    Source:
        Cooijmans et al., "Recurrent Batch Normalization", 2017.
    """

    gates: type[Unnormalized] = Separate
    candidate: type[Unnormalized] = Separate

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-5,
        gamma: float = 0.1,
        cell: str = "output",
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(cell, **kwargs)
        self.momentum, self.epsilon, self.gamma = momentum, epsilon, gamma

    def normalizer(self, gates: int, units: int, steps: int, state: bool, name: str) -> Normalizer:
        return BatchNorm(
            gates * units,
            self.epsilon,
            shift=state,
            rows=self.rows(steps),
            gamma=self.gamma,
            momentum=self.momentum,
            sequence=self.sequence(),
            name=name,
            dtype=self.dtype_policy,
        )

    def rows(self, steps: int) -> int:
        """Return the number of rows of stored statistics: one per step, or 1."""
        return steps

    def sequence(self) -> bool:
        """Return whether the statistics of the batch are over time as well."""
        return False


class BatchShared(BatchSeparate):
    """Recurrent batch normalization with one stored mean and variance for all time steps.

    The equations are those of `BatchSeparate`; the stored statistics move by the average of the
    steps. It is included for comparison: according to the paper, this "severely degrades
    performance", because the statistics of the first steps differ from those of later ones.

    Shapes:
        Terms are (batch, gate and unit); stored statistics are (1, gate and unit).

    Causality:
        Causal.

    Cost:
        That of `BatchSeparate`, with fewer stored numbers. Excludes the cuDNN kernel.

    Source:
        A common reading of Cooijmans et al., 2017, such as OlavHN's bnlstm.
    """

    def rows(self, steps: int) -> int:
        return 1


class BatchInputs(BatchSeparate):
    """Batch normalization of the x-term alone: BN(x W) + b + h U, and of no state.

    Args:
        momentum: the weight of the old value in the moving averages.
        epsilon: added to the variance.
        gamma: initial value of gamma.
        per_step: whether the statistics are over the batch for each time step separately, or over
            batch and time.

    Shapes:
        The term is (batch, time, gate and unit).

    Causality:
        Causal at inference, and with `per_step`. Otherwise, in training, a step sees later ones.

    Cost:
        One pass over x W, for all steps at once. Excludes the cuDNN kernel, which computes x W
        itself.

    Source:
        Laurent et al., "Batch Normalized Recurrent Neural Networks", 2016.
    """

    gates = candidate = InputsOnly

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-5,
        gamma: float = 1.0,
        per_step: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(momentum, epsilon, gamma, "none", **kwargs)
        self.per_step = per_step

    def rows(self, steps: int) -> int:
        return steps if self.per_step else 1

    def sequence(self) -> bool:
        return not self.per_step
