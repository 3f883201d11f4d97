"""The cells: what a gate is and how a state moves on. Weights, gates' order and their layout are those of the Keras layers.

A cell object serves one call of the layer. It knows nothing of normalizations and dropouts but where they stand, and asks them there.
"""

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from pipeline.network.cell_normalization import CellNormalization
from pipeline.network.recurrent_dropout import Places

Tensor = Any
States = Sequence[Tensor]  # h, and c where there is one, each (batch, unit)


class Cell:
    """The base: `gates` in all, of which the first `summed` add an x-term to an h-term; `states` vectors go from step to step."""

    gates: int
    summed: int
    states: int

    def __init__(self, units: int, activation: Callable[[Tensor], Tensor], bias: Tensor, normalization: CellNormalization, dropout: Places) -> None:
        self.units, self.activation, self.normalization, self.dropout = units, activation, normalization, dropout
        self.bias = bias

    @classmethod
    def bias_shape(cls, units: int) -> tuple[int, ...]:
        """Shape of the bias."""
        return (cls.gates * units,)

    @classmethod
    def initial_bias(cls, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The bias before training."""
        return ops.zeros(shape, dtype)

    def inputs(self, x: Tensor) -> Sequence[Any]:
        """What each step reads of the x-terms (batch, time, gate and unit)."""
        return ops.unstack(self.normalization.inputs(x, self.bias), axis=1)

    def step(self, x: Any, z: Tensor, states: States, t: int) -> States:
        """The states after step t, from the entry of `inputs`, the h-term z (batch, gate and unit) and the states before."""
        raise NotImplementedError


class SimpleRNN(Cell):
    """h_t = activation(x_t W + h_{t-1} U + b).

    Weights: W (channel, unit), U (unit, unit), b (unit,). Source: Elman, "Finding Structure in Time", 1990; `keras.layers.SimpleRNN`.
    """

    gates = summed = states = 1

    def step(self, x: Any, z: Tensor, states: States, t: int) -> States:
        """One step."""
        norm = self.normalization
        return (norm.output(self.activation(norm.sum(x, norm.recurrent(z, t), self.bias, t))),)


class LSTM(Cell):
    """i, f, g, o = x_t W + h_{t-1} U + b;  c_t = sigmoid(f) c_{t-1} + sigmoid(i) activation(g);  h_t = sigmoid(o) activation(c_t).

    Weights: W (channel, 4 unit), U (unit, 4 unit), b (4 unit,) with 1 for f at the start. Sources: Hochreiter & Schmidhuber, "Long Short-Term Memory",
    1997; Gers et al., "Learning to Forget", 2000; `keras.layers.LSTM`.
    """

    gates = summed = 4
    states = 2

    @classmethod
    def initial_bias(cls, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """Zero, but 1 for the forget gate, so that the cell remembers at first (Jozefowicz et al., 2015)."""
        return ops.repeat(ops.cast([0, 1, 0, 0], dtype), shape[0] // 4)

    def step(self, x: Any, z: Tensor, states: States, t: int) -> States:
        """One step."""
        norm, dropout, c = self.normalization, self.dropout, states[1]
        i, f, g, o = ops.split(norm.sum(x, norm.recurrent(z, t), self.bias, t), 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * dropout.candidate(self.activation(g), t)
        shown, carried = norm.cell(dropout.cell(c, t), t)
        return norm.output(ops.sigmoid(o) * self.activation(shown)), carried


class GRU(Cell):
    """z, r = sigmoid(x_t W_zr + h_{t-1} U_zr + b_zr);  g = activation(x_t W_g + b_g + r (h_{t-1} U_g + b'_g));  h_t = z h_{t-1} + (1 - z) g.

    Weights: W (channel, 3 unit), U (unit, 3 unit), b (2, 3 unit): for the x-terms, and for the h-terms. The reset gate acts after the
    product with U, as in Keras by default (`reset_after=True`) and in cuDNN. Sources: Cho et al., 2014, in the form of Keras; `keras.layers.GRU`.
    """

    gates, summed, states = 3, 2, 1

    def __init__(self, units: int, activation: Callable[[Tensor], Tensor], bias: Tensor, normalization: CellNormalization, dropout: Places) -> None:
        gates, candidate = bias[0, : 2 * units] + bias[1, : 2 * units], bias[0, 2 * units :]
        super().__init__(units, activation, ops.concatenate([gates, candidate]), normalization, dropout)
        self.gate_bias, self.recurrent_bias = gates, bias[1, 2 * units :]

    @classmethod
    def bias_shape(cls, units: int) -> tuple[int, ...]:
        """One for the x-terms, one for the h-terms."""
        return (2, 3 * units)

    def inputs(self, x: Tensor) -> Sequence[Any]:
        """Pairs of the terms of z and r, and that of g."""
        terms = self.normalization.inputs(x, self.bias)
        return list(zip(*(ops.unstack(part, axis=1) for part in self.split(terms)), strict=True))

    def split(self, terms: Tensor) -> Sequence[Tensor]:
        """(..., gate and unit): those of z and r, that of g."""
        return ops.split(terms, [2 * self.units], axis=-1)  # type: ignore[no-any-return]

    def step(self, x: Any, z: Tensor, states: States, t: int) -> States:
        """One step."""
        norm, (x_gates, x_candidate), (h,) = self.normalization, x, states
        z_gates, z_candidate = self.split(norm.recurrent(z, t))
        update, reset = ops.split(ops.sigmoid(norm.sum(x_gates, z_gates, self.gate_bias, t)), 2, axis=-1)
        g = self.dropout.candidate(self.activation(x_candidate + reset * (z_candidate + self.recurrent_bias)), t)
        return (norm.output(g + update * (h - g)),)


CELLS: dict[str, type[Cell]] = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}
