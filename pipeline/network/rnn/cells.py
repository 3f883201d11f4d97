"""The cells: what a gate is, and how a state is updated.

Weights, the order of the gates and their layout are those of the Keras layers. A cell object
serves one call of the layer. Of normalizations and dropouts it knows only where they act: it calls
`CellTerms` and `Hooks` there.
"""

from collections.abc import Callable, Sequence

from keras import ops

from pipeline.network.base import Tensor
from pipeline.network.rnn.dropout_hooks import Hooks, States
from pipeline.network.rnn.gate_terms import CellTerms


class Cell:
    """The base of the cells.

    Class attributes: `gates` is the number of gates, the first `summed` of which add their x-term
    to their h-term; `states` is the number of vectors that go from step to step.

    Args:
        units: width of a gate and of a state.
        activation: of the candidate and, in an LSTM, of the output.
        bias: of the shape `bias_shape(units)`.
        terms: the normalizations of this call.
        dropout: the dropout of this call.
    """

    gates: int
    summed: int
    states: int

    def __init__(
        self,
        units: int,
        activation: Callable[[Tensor], Tensor],
        bias: Tensor,
        terms: CellTerms,
        dropout: Hooks,
    ) -> None:
        self.units, self.activation, self.bias = units, activation, bias
        self.terms, self.dropout = terms, dropout

    @classmethod
    def bias_shape(cls, units: int) -> tuple[int, ...]:
        """Return the shape of the bias."""
        return (cls.gates * units,)

    @classmethod
    def initial_bias(cls, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        """Return the bias before training."""
        return ops.zeros(shape, dtype)

    def inputs(self, x: Tensor) -> Sequence[Tensor]:
        """Return what each step reads of the x-terms `x` (batch, time, gate and unit)."""
        steps: list[Tensor] = ops.unstack(self.terms.gates.inputs(x, self.bias), axis=1)
        return steps

    def step(self, x: Tensor, z: Tensor, states: States, t: int) -> States:
        """Return the states after step t.

        Args:
            x: the entry of `inputs` for this step.
            z: the h-term, (batch, gate and unit).
            states: the states before this step.
            t: the step, counted from 0.
        """
        raise NotImplementedError


class SimpleRNN(Cell):
    """Simple recurrent cell: h_t = activation(x_t W + h_{t-1} U + b).

    Shapes:
        W is (channel, unit), U is (unit, unit), b is (unit,).

    Cost:
        channel unit + unit^2 products per step.

    Source:
        Elman, "Finding Structure in Time", 1990; `keras.layers.SimpleRNN`.
    """

    gates = summed = states = 1

    def step(self, x: Tensor, z: Tensor, states: States, t: int) -> States:
        h = self.activation(self.terms.gates.sum(x, z, self.bias, t))
        return (self.terms.output(h, t),)


class LSTM(Cell):
    """LSTM: c_t = sigmoid(f) c_{t-1} + sigmoid(i) activation(g); h_t = sigmoid(o) activation(c_t).

    i, f, g, o = x_t W + h_{t-1} U + b.

    Shapes:
        W is (channel, 4 unit), U is (unit, 4 unit), b is (4 unit,).

    Cost:
        4 times that of `SimpleRNN`.

    Source:
        Hochreiter & Schmidhuber, "Long Short-Term Memory", 1997; Gers et al., "Learning to
        Forget", 2000; `keras.layers.LSTM`.
    """

    gates = summed = 4
    states = 2

    @classmethod
    def initial_bias(cls, shape: Sequence[int], dtype: str | None = None) -> Tensor:
        """Return 0, but 1 for the forget gate, so that the cell remembers at first.

        Source: Jozefowicz et al., "An Empirical Exploration of Recurrent Network Architectures",
        2015.
        """
        return ops.repeat(ops.cast([0, 1, 0, 0], dtype), shape[0] // 4)

    def step(self, x: Tensor, z: Tensor, states: States, t: int) -> States:
        i, f, g, o = ops.split(self.terms.gates.sum(x, z, self.bias, t), 4, axis=-1)
        candidate = self.dropout.candidate(self.activation(g), t)
        c = ops.sigmoid(f) * states[1] + ops.sigmoid(i) * candidate
        output, state = self.terms.cell(self.dropout.cell(c, t), t)
        return self.terms.output(ops.sigmoid(o) * self.activation(output), t), state


class GRU(Cell):
    """GRU: h_t = z h_{t-1} + (1 - z) g with g = activation(x_t W_g + b_g + r (h_{t-1} U_g + b'_g)).

    z, r = sigmoid(x_t W_zr + h_{t-1} U_zr + b_zr). The reset gate acts after the product with U,
    as in Keras by default (`reset_after=True`) and in cuDNN.

    Shapes:
        W is (channel, 3 unit), U is (unit, 3 unit), b is (2, 3 unit): one row for the x-terms and
        one for the h-terms.

    Cost:
        3 times that of `SimpleRNN`.

    Source:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, in the form
        of `keras.layers.GRU`.
    """

    gates, summed, states = 3, 2, 1

    def __init__(
        self,
        units: int,
        activation: Callable[[Tensor], Tensor],
        bias: Tensor,
        terms: CellTerms,
        dropout: Hooks,
    ) -> None:
        super().__init__(units, activation, bias, terms, dropout)
        of_inputs, of_states = ops.unstack(bias)
        gates, self.candidate_bias = self.split(of_inputs)
        recurrent_gates, self.recurrent_bias = self.split(of_states)
        self.gates_bias = gates + recurrent_gates

    @classmethod
    def bias_shape(cls, units: int) -> tuple[int, ...]:
        return (2, 3 * units)

    def inputs(self, x: Tensor) -> Sequence[Tensor]:
        """Return for each step the x-terms of z and r, and that of g."""
        gates, candidate = self.split(x)
        gates = self.terms.gates.inputs(gates, self.gates_bias)
        candidate = self.terms.candidate.inputs(candidate, self.candidate_bias)
        return list(zip(ops.unstack(gates, axis=1), ops.unstack(candidate, axis=1), strict=True))

    def split(self, terms: Tensor) -> tuple[Tensor, Tensor]:
        """Split (..., gate and unit) into the part of z and r, and that of g."""
        gates, candidate = ops.split(terms, [2 * self.units], axis=-1)
        return gates, candidate

    def step(self, x: Tensor, z: Tensor, states: States, t: int) -> States:
        (x_gates, x_candidate), (z_gates, z_candidate) = x, self.split(z)
        gates = self.terms.gates.sum(x_gates, z_gates, self.gates_bias, t)
        update, reset = ops.split(ops.sigmoid(gates), 2, axis=-1)
        remembered = self.terms.candidate.recurrent(z_candidate, t) + self.recurrent_bias
        g = self.dropout.candidate(self.activation(x_candidate + reset * remembered), t)
        return (self.terms.output(g + update * (states[0] - g), t),)


CELLS: dict[str, type[Cell]] = {"lstm": LSTM, "gru": GRU, "simple_rnn": SimpleRNN}
