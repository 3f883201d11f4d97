"""One direction of a recurrent layer: its weights, and its loop over time."""

from typing import Any, Unpack

import keras
from keras import ops

from pipeline.config import model as sections
from pipeline.config.slots import Slot
from pipeline.network.base import LayerOptions, Tensor, TensorShape
from pipeline.network.layers import noise
from pipeline.network.layers.weights import Reparametrization
from pipeline.network.rnn.cell_normalization import CellNormalization
from pipeline.network.rnn.cells import CELLS
from pipeline.network.rnn.dropout_hooks import MaskRequest, States
from pipeline.network.rnn.recurrent_dropout import RecurrentDropout


class Direction(keras.Layer):
    """One direction: s_t = carry(cell(x_t W, h_{t-1} U, s_{t-1}), s_{t-1}) for t = 1 ... time.

    s is h and, in an LSTM, c; s_0 = 0, except for the noise on h. A direction is used inside
    `Recurrent` only, which creates it from its own configuration when a network is loaded;
    it has no `call` and no configuration of its own.

    Args:
        section: the cell, and the kinds in its slots.
        units: width of a gate and of a state.
        seed: seed of the dropout and of the initial noise.

    Shapes:
        (batch, time, channel) -> for each step the states, each (batch, unit).
    """

    def __init__(
        self, section: sections.Recurrent, units: int, seed: int, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.cell, self.units = CELLS[section.cell], units
        self.activation = keras.activations.get(section.activation)
        self.stateful, self.initial_noise = section.stateful, section.initial_noise
        dtype = self.dtype_policy
        self.normalization: CellNormalization = _filled(
            section.normalization,
            CellNormalization,
            name="normalization",
            dtype=dtype,
        )
        self.reparametrization: Reparametrization = _filled(
            section.weights, Reparametrization, name="weights", dtype=dtype
        )
        self.input_dropout: RecurrentDropout = _filled(section.input_dropout, RecurrentDropout)
        self.recurrent_dropout: RecurrentDropout = _filled(
            section.recurrent_dropout, RecurrentDropout
        )
        self.has_keras_recurrent_dropout = (
            section.recurrent_dropout.kind == "keras" and self.recurrent_dropout.rate > 0
        )
        self.generator = keras.random.SeedGenerator(seed, name="noise")

    def build(self, input_shape: TensorShape) -> None:
        """Create the weights as the Keras layers have them, and those of the normalization."""
        cell, units = self.cell, self.units
        width = cell.gates * units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], width), initializer="glorot_uniform", name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            shape=(units, width), initializer="orthogonal", name="recurrent_kernel"
        )
        self.bias = self.add_weight(
            shape=cell.bias_shape(units), initializer=cell.initial_bias, name="bias"
        )
        self.reparametrization.attach(self.recurrent_kernel)
        self.normalization.attach(
            summed=cell.summed,
            apart=cell.gates - cell.summed,
            states=cell.states,
            units=units,
            steps=input_shape[1],
        )
        self.built = True

    def states(self, x: Tensor, training: bool) -> list[States]:
        """Return h, and c where there is one, after each step of `x` (batch, time, channel)."""
        steps = x.shape[1]
        terms = self.normalization.begin(steps, training)
        on_input = self.input_dropout.begin(self.mask_request(x, x.shape[2]), training)
        dropout = self.recurrent_dropout.begin(self.mask_request(x, self.units), training)
        bias = ops.convert_to_tensor(self.bias)
        cell = self.cell(self.units, self.activation, bias, terms, dropout)
        kernel = dropout.kernel(self.reparametrization.effective(self.recurrent_kernel, training))
        x_terms = on_input.inputs(x, ops.convert_to_tensor(self.kernel))
        states = [self.start(x, training)]
        for t, x_t in enumerate(cell.inputs(x_terms)):
            old = states[-1]
            if self.stateful and (steps - t) % self.stateful == 0:  # a piece begins
                old = [ops.stop_gradient(state) for state in old]
            new = cell.step(x_t, dropout.project(old[0], kernel, t), old, t)
            states.append(dropout.carry(new, old, t))
        terms.end()
        return states[1:]

    def start(self, x: Tensor, training: bool) -> States:
        """Return the states before the first step."""
        shape = ops.shape(x)[0], self.units
        zeros = [ops.zeros(shape, x.dtype)] * self.cell.states
        if not (training and self.initial_noise):
            return zeros
        h = self.initial_noise * noise.normal(shape, self.generator)
        return [ops.cast(h, x.dtype), *zeros[1:]]

    def mask_request(self, x: Tensor, width: int) -> MaskRequest:
        """Return what the masks on vectors of `width` channels are drawn for."""
        return MaskRequest(
            batch=ops.shape(x)[0],
            steps=x.shape[1],
            width=width,
            gates=self.cell.gates,
            dtype=self.compute_dtype,
            generator=self.generator,
            has_keras_recurrent_dropout=self.has_keras_recurrent_dropout,
        )


def _filled(slot: Slot, off: type, **options: Any) -> Any:
    """Create an object of the kind in `slot`, or of the class `off` for the kind `none`."""
    made = slot.row.load() if slot.row.layer else off
    return made(**slot.options, **options)
