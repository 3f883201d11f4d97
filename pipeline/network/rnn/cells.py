"""The cells: what a gate is and how a state moves on. Weights, gates' order and their layout are those of the Keras layers.

A cell object serves one call of the layer. It knows nothing of normalizations and dropouts but where they stand, and asks them there.
"""

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from pipeline.network.rnn.cell_normalization import Norms
from pipeline.network.rnn.recurrent_dropout import Places

Tensor = Any
States = Sequence[Tensor]  # h, and c where there is one, each (batch, unit)


class Cell:
    """The base: `gates` in all, of which the first `summed` add an x-term to an h-term; `states` vectors go from step to step."""

    gates: int
    summed: int
    states: int

    def __init__(
        self,
        units: int,
        activation: Callable[[Tensor], Tensor],
        bias: Tensor,
        norms: Norms,
        dropout: Places,
    ) -> None:
        self.units, self.activation, self.bias, self.norms, self.dropout = (
            units,
            activation,
            bias,
            norms,
            dropout,
        )

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
        return ops.unstack(self.norms.gates.inputs(x, self.bias), axis=1)  # type: ignore[no-any-return]

    def step(self, x: Any, z: Tensor, states: States, t: int) -> States:
        """The states after step t, from the entry of `inputs`, the h-term z (batch, gate and unit) and the states before."""
        raise NotImplementedError


class SimpleRNN(Cell):
    """h_t = activation(x_t W + h_{t-1} U + b).

    Weights: W (channel, unit), U (unit, unit), b (unit,). Cost: channel unit + unit^2 products per step. Source: Elman, "Finding Structure in Time", 1990;
    `keras.layers.SimpleRNN`.
    """

    gates = summed = states = 1

    def step(self, x: Any, z: Tensor, states: States, t: int) -> States:
        """One step."""
        return (self.norms.output(self.activation(self.norms.gates.sum(x, z, self.bias, t)), t),)


class LSTM(Cell):
    """i, f, g, o = x_t W + h_{t-1} U + b;  c_t = sigmoid(f) c_{t-1} + sigmoid(i) activation(g);  h_t = sigmoid(o) activation(c_t).

    Weights: W (channel, 4 unit), U (unit, 4 unit), b (4 unit,) with 1 for f at the start. Cost: 4 times that of `SimpleRNN`. Sources: Hochreiter &
    Schmidhuber, "Long Short-Term Memory", 1997; Gers et al., "Learning to Forget", 2000; `keras.layers.LSTM`.
    """

    gates = summed = 4
    states = 2

    @classmethod
    def initial_bias(cls, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """Zero, but 1 for the forget gate, so that the cell remembers at first (Jozefowicz et al., 2015)."""
        return ops.repeat(ops.cast([0, 1, 0, 0], dtype), shape[0] // 4)

    def step(self, x: Any, z: Tensor, states: States, t: int) -> States:
        """One step."""
        i, f, g, o = ops.split(self.norms.gates.sum(x, z, self.bias, t), 4, axis=-1)
        c = ops.sigmoid(f) * states[1] + ops.sigmoid(i) * self.dropout.candidate(
            self.activation(g), t
        )
        shown, carried = self.norms.cell(self.dropout.cell(c, t), t)
        return self.norms.output(ops.sigmoid(o) * self.activation(shown), t), carried


class GRU(Cell):
    """z, r = sigmoid(x_t W_zr + h_{t-1} U_zr + b_zr);  g = activation(x_t W_g + b_g + r (h_{t-1} U_g + b'_g));  h_t = z h_{t-1} + (1 - z) g.

    Weights: W (channel, 3 unit), U (unit, 3 unit), b (2, 3 unit): for the x-terms, and for the h-terms. The reset gate acts after the product with U, as
    in Keras by default (`reset_after=True`) and in cuDNN. Cost: 3 times that of `SimpleRNN`. Sources: Cho et al., 2014, in the form of Keras;
    `keras.layers.GRU`.
    """

    gates, summed, states = 3, 2, 1

    def __init__(
        self,
        units: int,
        activation: Callable[[Tensor], Tensor],
        bias: Tensor,
        norms: Norms,
        dropout: Places,
    ) -> None:
        super().__init__(units, activation, bias, norms, dropout)
        (gates, self.candidate_bias), (recurrent_gates, self.recurrent_bias) = (
            self.split(row) for row in ops.unstack(bias)
        )
        self.gates_bias = gates + recurrent_gates

    @classmethod
    def bias_shape(cls, units: int) -> tuple[int, ...]:
        """One for the x-terms, one for the h-terms."""
        return (2, 3 * units)

    def inputs(self, x: Tensor) -> Sequence[Any]:
        """For each step the x-terms of z and r, and that of g."""
        gates, candidate = self.split(x)
        terms = (
            self.norms.gates.inputs(gates, self.gates_bias),
            self.norms.candidate.inputs(candidate, self.candidate_bias),
        )
        return list(zip(*(ops.unstack(term, axis=1) for term in terms), strict=True))

    def split(self, terms: Tensor) -> Sequence[Tensor]:
        """(..., gate and unit): the part of z and r, and that of g."""
        return ops.split(terms, [2 * self.units], axis=-1)  # type: ignore[no-any-return]

    def step(self, x: Any, z: Tensor, states: States, t: int) -> States:
        """One step."""
        (x_gates, x_candidate), (z_gates, z_candidate) = x, self.split(z)
        update, reset = ops.split(
            ops.sigmoid(self.norms.gates.sum(x_gates, z_gates, self.gates_bias, t)), 2, axis=-1
        )
        remembered = self.norms.candidate.recurrent(z_candidate, t) + self.recurrent_bias
        g = self.dropout.candidate(self.activation(x_candidate + reset * remembered), t)
        return (self.norms.output(g + update * (states[0] - g), t),)


CELLS: dict[str, type[Cell]] = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}
