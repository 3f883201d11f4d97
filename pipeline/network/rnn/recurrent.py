"""The recurrent layer: a cell swept over time, in one direction or both."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from pydantic import ValidationError

from pipeline.config import model as configuration
from pipeline.config.rules.cells import keeps_cudnn, misfits
from pipeline.config.slots import OFF, Slot
from pipeline.network.layers import noise
from pipeline.network.layers.weights import Reparametrization
from pipeline.network.rnn.cell_normalization import CellNormalization
from pipeline.network.rnn.cells import CELLS
from pipeline.network.rnn.recurrent_dropout import Call, RecurrentDropout

Tensor = Any
SLOTS = ("normalization", "input_dropout", "recurrent_dropout", "weights")


@keras.saving.register_keras_serializable("pipeline")
class Recurrent(keras.Layer):
    """A recurrent layer, with any normalization inside the cell and any recurrent dropout: (batch, time, channel) -> (batch, unit) or (batch, time, unit).

    With both off it computes what `keras.layers.LSTM`, `GRU` and `SimpleRNN` do, and its weights are theirs. The loop over time is unrolled, so
    that the layer vectorizes over the replicas of a fleet together with its gradient; x W is one product for all steps.

    Arguments: `cell`, one of lstm, gru, simple_rnn; `units`; `activation` of the candidate and, in an LSTM, of the output; `normalization`,
    `input_dropout`, `recurrent_dropout` and `weights` (of the recurrent kernel), each a kind with its options, such as `{"kind": "keras", "rate": 0.2}`;
    `return_sequences`, an output for each step and not just the last; `bidirectional`, a second sweep from the newest step to the oldest with weights and
    masks of its own, its units behind the first's; `stateful`, the steps of a piece, pieces being counted from the newest step: each begins with the state
    that the one before has left, whose gradient ends there, which is what a stateful layer makes of pieces that come one batch after the other;
    `initial_noise`, sd of h_0 in training (Cooijmans et al., 2017, where inputs begin with constants); `seed` of the dropout. Raises `ValueError` for what
    the catalogue does not allow. `keeps_cudnn` says whether cuDNN's fused kernel could compute the same. Source: `keras.layers.LSTM` and its kin; the
    kinds name theirs. Causal, but for `bidirectional`. Cost: time (channel + units) units products per gate, and as many operations one after the other as
    there are steps.
    """

    def __init__(
        self,
        cell: str = "lstm",
        units: int = 15,
        activation: str = "tanh",
        normalization: Slot | Mapping[str, Any] = OFF,
        input_dropout: Slot | Mapping[str, Any] = OFF,
        recurrent_dropout: Slot | Mapping[str, Any] = OFF,
        weights: Slot | Mapping[str, Any] = OFF,
        return_sequences: bool = False,
        bidirectional: bool = False,
        stateful: int | None = None,
        initial_noise: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.options: dict[str, Any] = {
            "cell": cell,
            "units": units,
            "activation": activation,
            "stateful": stateful,
            "initial_noise": initial_noise,
        }
        checked = _checked(
            **self.options,
            bidirectional=bidirectional,
            normalization=normalization,
            input_dropout=input_dropout,
            recurrent_dropout=recurrent_dropout,
            weights=weights,
        )
        self.slots: dict[str, Slot] = {name: getattr(checked, name) for name in SLOTS}
        self.return_sequences, self.bidirectional, self.seed = return_sequences, bidirectional, seed
        self.keeps_cudnn = keeps_cudnn(checked)
        seeds = {"forward": seed, "backward": _other(seed)} if bidirectional else {"forward": seed}
        self.sweeps = [
            Sweep(
                **self.options,
                slots=self.slots,
                seed=seeds[name],
                dtype=self.dtype_policy,
                name=name,
            )
            for name in seeds
        ]

    def build(self, input_shape: Any) -> None:
        """Make the weights of each direction, for the `time` and `channel` of `input_shape`."""
        if len(input_shape) != 3 or None in input_shape[1:]:
            raise ValueError(
                f"Recurrent: expected (batch, time, channel) with time and channel known, received {tuple(input_shape)}"
            )
        for sweep in self.sweeps:
            sweep.build(input_shape)

    def call(self, x: Tensor, training: bool | None = None) -> Tensor:
        """Sweep over `x` (batch, time, channel)."""
        if not self.bidirectional:
            return self.shown(self.sweeps[0].states(x, bool(training)))
        forward, backward = (
            self.sweeps[0].states(x, bool(training)),
            self.sweeps[1].states(ops.flip(x, axis=1), bool(training)),
        )
        return ops.concatenate([self.shown(forward), self.shown(backward, -1)], axis=-1)

    def shown(self, states: Sequence[Sequence[Tensor]], direction: int = 1) -> Tensor:
        """h after the last step of a sweep, or after every one from the oldest to the newest."""
        return (
            ops.stack([h for h, *_ in states[::direction]], axis=1)
            if self.return_sequences
            else states[-1][0]
        )

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, unit) or (batch, time, unit), twice the units where bidirectional."""
        steps = (input_shape[1],) if self.return_sequences else ()
        return (input_shape[0], *steps, self.options["units"] * len(self.sweeps))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        rest = {
            "return_sequences": self.return_sequences,
            "bidirectional": self.bidirectional,
            "seed": self.seed,
        }
        slots = {name: slot.flat() for name, slot in self.slots.items()}
        return {**super().get_config(), **self.options, **slots, **rest}


class Sweep(keras.Layer):
    """One direction of a `Recurrent` layer: its weights, and its loop over time; (batch, time, channel) -> for each step the states, each (batch, unit).

    For t = 1 ... time: s_t = carry(cell(x_t W, h_{t-1} U, s_{t-1}), s_{t-1}), where s is h, and c in an LSTM, and s_0 = 0 but for the noise on h.
    It lives inside of `Recurrent` only, which makes it anew from its own configuration when a network is loaded: it has no call and none of its own.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        activation: str,
        stateful: int | None,
        initial_noise: float,
        slots: Mapping[str, Slot],
        seed: int,
        **rest: Any,
    ) -> None:
        super().__init__(**rest)
        self.cell, self.units, self.activation = (
            CELLS[cell],
            units,
            keras.activations.get(activation),
        )
        self.stateful, self.initial_noise = stateful, initial_noise
        self.normalization = _filled(
            slots["normalization"], CellNormalization, name="normalization", dtype=self.dtype_policy
        )
        self.reparametrization = _filled(
            slots["weights"], Reparametrization, name="weights", dtype=self.dtype_policy
        )
        self.input_dropout = _filled(slots["input_dropout"], RecurrentDropout)
        self.recurrent_dropout = _filled(slots["recurrent_dropout"], RecurrentDropout)
        self.masked_state = (
            slots["recurrent_dropout"].kind == "keras" and self.recurrent_dropout.rate > 0
        )
        self.generator = keras.random.SeedGenerator(seed, name="noise")

    def build(self, input_shape: Any) -> None:
        """Weights as the Keras layers have them, and what belongs to the normalization."""
        channels, width = input_shape[-1], self.cell.gates * self.units
        self.kernel = self.add_weight(
            shape=(channels, width), initializer="glorot_uniform", name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, width), initializer="orthogonal", name="recurrent_kernel"
        )
        self.bias = self.add_weight(
            shape=self.cell.bias_shape(self.units), initializer=self.cell.initial_bias, name="bias"
        )
        self.reparametrization.attach(self.recurrent_kernel)
        apart = self.cell.gates - self.cell.summed
        self.normalization.attach(
            summed=self.cell.summed,
            apart=apart,
            states=self.cell.states,
            units=self.units,
            steps=input_shape[1],
        )
        self.built = True

    def states(self, x: Tensor, training: bool) -> list[Sequence[Tensor]]:
        """After each step h, and c where there is one, each (batch, unit), from `x` (batch, time, channel)."""
        norms = self.normalization.begin(x.shape[1], training)
        on_input = self.input_dropout.begin(self.request(x, x.shape[2]), training)
        dropout = self.recurrent_dropout.begin(self.request(x, self.units), training)
        cell = self.cell(
            self.units, self.activation, ops.convert_to_tensor(self.bias), norms, dropout
        )
        kernel = dropout.kernel(self.reparametrization.effective(self.recurrent_kernel, training))
        states = [self.start(x, training)]
        for t, x_t in enumerate(
            cell.inputs(on_input.inputs(x, ops.convert_to_tensor(self.kernel)))
        ):
            old = self.carried(states[-1], x.shape[1] - t)
            states.append(
                dropout.carry(cell.step(x_t, dropout.project(old[0], kernel, t), old, t), old, t)
            )
        norms.end()
        return states[1:]

    def start(self, x: Tensor, training: bool) -> Sequence[Tensor]:
        """The states before the first step."""
        shape = ops.shape(x)[0], self.units
        zeros = [ops.zeros(shape, x.dtype)] * self.cell.states
        if not (training and self.initial_noise):
            return zeros
        return [
            ops.cast(self.initial_noise * noise.normal(shape, self.generator), x.dtype),
            *zeros[1:],
        ]

    def carried(self, states: Sequence[Tensor], left: int) -> Sequence[Tensor]:
        """The states with `left` steps to go: without their gradient where a piece of the window begins."""
        return (
            [ops.stop_gradient(state) for state in states]
            if self.stateful and left % self.stateful == 0
            else states
        )

    def request(self, x: Tensor, width: int) -> Call:
        """What the masks of a dropout on `width` channels are drawn for."""
        return Call(
            ops.shape(x)[0],
            x.shape[1],
            width,
            self.cell.gates,
            self.compute_dtype,
            self.generator,
            self.masked_state,
        )


def _checked(**arguments: Any) -> configuration.Recurrent:
    """The arguments as a section of `params.yaml`, all options written out."""
    try:
        checked = configuration.Recurrent(**arguments)
    except ValidationError as error:
        mistakes = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}, received {e['input']!r}"
            for e in error.errors()
        ]
        raise ValueError(f"Recurrent: {'; '.join(mistakes)}") from None
    if found := list(misfits(checked)):
        raise ValueError(f"Recurrent: {'; '.join(found)}")
    return checked


def _filled(slot: Slot, nothing: type, **rest: Any) -> Any:
    """Return the object of a slot; one of class `nothing` for the kind `none`."""
    return (slot.row.load() if slot.row.layer else nothing)(**slot.options, **rest)


def _other(seed: int) -> int:
    """The seed of the second direction: another stream, and not that of a neighbouring layer."""
    return int(np.random.SeedSequence([seed, 1]).generate_state(1)[0] >> 1)
