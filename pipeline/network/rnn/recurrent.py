"""The recurrent layer: a cell applied over time, in one direction or in both."""

from collections.abc import Mapping, Sequence
from typing import Unpack

import keras
import numpy as np
from keras import ops
from pydantic import ValidationError

from pipeline.config import model as sections
from pipeline.config.rules.cells import misfits
from pipeline.config.slots import OFF, Slot
from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape, register
from pipeline.network.rnn.direction import Direction
from pipeline.network.rnn.dropout_hooks import States

SlotValue = Slot | Mapping[str, object]  # such as `{"kind": "keras", "rate": 0.2}`


@register
class Recurrent(keras.Layer):
    """Recurrent layer with any normalization inside the cell and any recurrent dropout.

    With both off it computes h_t = cell(x_t, h_{t-1}) as `keras.layers.LSTM`, `GRU` and
    `SimpleRNN` do, and has their weights; the equations are in `cells`. The loop over time is
    unrolled, so that the layer and its gradient vectorize over the replicas of a fleet; x W is
    one product for all steps.

    Example:
        >>> layer = Recurrent("lstm", units=8, normalization={"kind": "layer_paper"})
        >>> layer(keras.ops.ones((2, 5, 3))).shape == (2, 8)
        True

    Args:
        cell: `lstm`, `gru` or `simple_rnn`.
        units: width of the state.
        activation: of the candidate and, in an LSTM, of the output.
        normalization: the normalization inside the cell. This and the next three are a kind of
            the tables with its options, such as `{"kind": "keras", "rate": 0.2}`.
        input_dropout: the dropout on the input of the cell.
        recurrent_dropout: the dropout inside the recurrence.
        weights: the reparametrization of the recurrent kernel.
        return_sequences: whether there is an output for each step, or for the last one only.
        bidirectional: whether a second direction, from the newest step to the oldest and with its
            own weights and masks, is appended to the units.
        stateful: number of steps per piece; None for one piece. The window is divided into
            pieces, counted from the newest step. Each piece starts with the state that the
            previous one left, whose gradient ends there: this is what a stateful layer computes
            on pieces that arrive one batch after the other.
        initial_noise: sd of h_0 in training (Cooijmans et al., 2017, where inputs start with
            constants).
        seed: seed of the dropout and of the initial noise.

    Raises:
        ValueError: for arguments that the tables of kinds do not allow.

    Shapes:
        (batch, time, channel) -> (batch, unit) or, with `return_sequences`, (batch, time, unit);
        twice the units where bidirectional. Time and channel must be known.

    Causality:
        Causal, unless it is bidirectional.

    Cost:
        time (channel + units) units products per gate, in as many sequential operations as there
        are steps.

    Source:
        `keras.layers.LSTM`, `GRU` and `SimpleRNN`; the kinds name their own.
    """

    def __init__(
        self,
        cell: str = "lstm",
        units: int = 15,
        activation: str = "tanh",
        normalization: SlotValue = OFF,
        input_dropout: SlotValue = OFF,
        recurrent_dropout: SlotValue = OFF,
        weights: SlotValue = OFF,
        return_sequences: bool = False,
        bidirectional: bool = False,
        stateful: int | None = None,
        initial_noise: float = 0.0,
        seed: int = 0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.section = _section(
            cell=cell,
            units=units,
            activation=activation,
            normalization=normalization,
            input_dropout=input_dropout,
            recurrent_dropout=recurrent_dropout,
            weights=weights,
            bidirectional=bidirectional,
            stateful=stateful,
            initial_noise=initial_noise,
        )
        self.units, self.return_sequences, self.seed = units, return_sequences, seed
        seeds = {"forward": seed}
        if bidirectional:  # another stream, and not that of the next layer
            seeds["backward"] = int(np.random.SeedSequence([seed, 1]).generate_state(1)[0] >> 1)
        self.directions = [
            Direction(self.section, units, seeds[name], dtype=self.dtype_policy, name=name)
            for name in seeds
        ]

    def build(self, input_shape: TensorShape) -> None:
        if len(input_shape) != 3 or None in input_shape[1:]:
            raise ValueError(
                "Recurrent: expected (batch, time, channel) with time and channel known, "
                f"received {tuple(input_shape)}"
            )
        for direction in self.directions:
            direction.build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        forward, *backward = self.directions
        outputs = self.outputs(forward.states(inputs, bool(training)))
        if not backward:
            return outputs
        states = backward[0].states(ops.flip(inputs, axis=1), bool(training))
        return ops.concatenate([outputs, self.outputs(states, -1)], axis=-1)

    def outputs(self, states: Sequence[States], order: int = 1) -> Tensor:
        """Return h after the last step, or after all steps, in reverse if `order` is -1."""
        if not self.return_sequences:
            return states[-1][0]
        return ops.stack([h for h, *_ in states[::order]], axis=1)

    def compute_output_shape(self, input_shape: TensorShape) -> TensorShape:
        steps = (input_shape[1],) if self.return_sequences else ()
        return (input_shape[0], *steps, self.units * len(self.directions))

    def get_config(self) -> LayerConfig:
        section = self.section
        return {
            **super().get_config(),
            "cell": section.cell,
            "units": self.units,
            "activation": section.activation,
            "normalization": section.normalization.flat(),
            "input_dropout": section.input_dropout.flat(),
            "recurrent_dropout": section.recurrent_dropout.flat(),
            "weights": section.weights.flat(),
            "return_sequences": self.return_sequences,
            "bidirectional": section.bidirectional,
            "stateful": section.stateful,
            "initial_noise": section.initial_noise,
            "seed": self.seed,
        }


def _section(**arguments: object) -> sections.Recurrent:
    """Check the arguments, and return them as a section of `params.yaml` with all options."""
    try:
        section = sections.Recurrent.model_validate(arguments)
    except ValidationError as error:
        mistakes = [
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}, received {each['input']!r}"
            for each in error.errors()
        ]
        raise ValueError(f"Recurrent: {'; '.join(mistakes)}") from None
    if found := list(misfits(section)):
        raise ValueError(f"Recurrent: {'; '.join(found)}")
    return section
