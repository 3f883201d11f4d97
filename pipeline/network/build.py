"""The assembly: a configuration becomes a Keras model, part by part, in the order of the data."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import keras
import numpy as np

from pipeline.config.calendars import PHASES
from pipeline.config.flow import Part, Place, parts
from pipeline.config.model import Model, Shape
from pipeline.config.slots import Slot
from pipeline.network.base import Tensor
from pipeline.network.layers.adapted_normalization import AdaptedNormalization
from pipeline.network.layers.convolution import CausalConv1D
from pipeline.network.layers.dense import Dense
from pipeline.network.layers.head import Head
from pipeline.network.layers.input_normalization import WindowNormalization
from pipeline.network.layers.pooling import Pooling
from pipeline.network.layers.reversible import Reversible
from pipeline.network.layers.shared_columns import SharedColumns
from pipeline.network.layers.squeeze_excite import SqueezeExcite
from pipeline.network.layers.weights import Reparametrization
from pipeline.network.rnn.recurrent import Recurrent


def build(model: Model, shape: Shape, seed: int, rows: np.ndarray | None = None) -> keras.Model:
    """Return the network, [past, future] -> (batch, horizon, target).

    The past is (batch, lookback, channel), all channels at their own rows; the future is (batch,
    horizon, future covariate), and reaches nothing but the head.

    Args:
        model: what fills the slots of the network.
        shape: lengths of window and forecast, and numbers of channels.
        seed: seed of the initial weights.
        rows: the training rows of the inputs, (row, channel), from which a normalization that is
            adapted once takes its statistics; NaN where a cell was not measured.
    """
    keras.utils.set_random_seed(seed)
    network = _Assembly(model, shape).network()
    for layer in network._flatten_layers():
        if isinstance(layer, AdaptedNormalization) and rows is not None:
            layer.adapt(rows[:, -layer.mean.shape[0] :])  # the future has the last channels only
    return network


class _Assembly:
    """Makes a layer of each part of a network; the dropouts get seeds in the order of the data."""

    def __init__(self, model: Model, shape: Shape) -> None:
        self.model, self.shape, self.seeds = model, shape, count()
        self.targets = shape.targets if model.columns == "joint" else 1  # of one call of the body

    def network(self) -> keras.Model:
        """Return the whole network, with the body inside an input normalization to be undone."""
        shape = self.shape
        past = keras.layers.Input((shape.lookback, shape.channels), name="past")
        future = keras.layers.Input((shape.horizon, shape.future), name="future")
        known = future
        if self.model.head.sequence:  # a step forecasts with what is known of the steps after it
            ahead = past[:, :, shape.channels - shape.future :]
            known = keras.layers.Concatenate(axis=1, name="known")([ahead, future])
        forecast = self.deseasonalized(parts(self.model, shape), past, known)
        return keras.Model([past, future], forecast, name="network")

    def deseasonalized(self, walk: Iterator[Part], past: Tensor, known: Tensor) -> Tensor:
        """Return the forecast of the normalized network from the past without its season."""
        slot = self.model.input.season
        if slot.row.layer is None:
            return self.normalized(walk, past, known)
        season, cycle = next(walk), self.shape.cycle(slot.options["calendar"])
        assert cycle is not None
        body = self.inner(partial(self.normalized, walk), past.shape[-1], known, "residual")
        layer = slot.row.load()(
            body=body,
            phases=slot.options["phases"] or PHASES[cycle],
            position=self.shape.pair(cycle),
            channels=self.shape.measured,
            name=season.name,
        )
        return layer([past, known])

    def normalized(self, walk: Iterator[Part], past: Tensor, known: Tensor) -> Tensor:
        """Return the forecast of the body from the normalized past."""
        if self.model.input.normalization.row.layer is None:
            return self.columns(walk, past, known)
        normalization = self.layer(next(walk))
        if not isinstance(normalization, WindowNormalization):
            if self.shape.future:
                known = self.fill(self.model.input.normalization, "future_normalization")(known)
            return self.columns(walk, normalization(past), known)
        body = self.inner(partial(self.columns, walk), past.shape[-1], known, "body")
        reversible = Reversible(normalization, body, self.shape.measured, name="reversible")
        return reversible([past, known])

    def columns(self, walk: Iterator[Part], past: Tensor, known: Tensor) -> Tensor:
        """Return the forecast of the body, for all columns jointly or shared by the targets."""
        if self.model.columns == "joint":
            return self.body(walk, past, known)
        channels = 1 + past.shape[-1] - self.shape.targets
        column = self.inner(partial(self.body, walk), channels, known, "column")
        return SharedColumns(self.shape.targets, column, name="shared_columns")([past, known])

    def inner(
        self, function: Callable[[Tensor, Tensor], Tensor], channels: int, known: Tensor, name: str
    ) -> keras.Model:
        """Return a model of its own that computes `function` from a past of so many channels."""
        inputs = [
            keras.layers.Input((self.shape.lookback, channels), name=f"{name}_past"),
            keras.layers.Input(known.shape[1:], name=f"{name}_known"),
        ]
        return keras.Model(inputs, function(*inputs), name=name)

    def body(self, walk: Iterator[Part], past: Tensor, known: Tensor) -> Tensor:
        """Return the forecast: the encoder turns the past into a state, the head forecasts."""
        state, hidden = past, []
        for part in walk:
            if _is_in_cell(part):
                continue
            layer = self.layer(part)
            if part.in_head:
                hidden.append(layer)
            else:
                state = layer(state)
        return self.head(hidden)([state, known])

    def layer(self, part: Part) -> keras.Layer:
        """Return the layer of one part, under the name of the part."""
        model = self.model
        match part.layer:
            case "convolution":
                return self.convolution(part)
            case "activation":
                return keras.layers.Activation(model.conv.activation, name=part.name)
            case "squeeze_excite":
                assert model.conv.squeeze_excite is not None
                return SqueezeExcite(model.conv.squeeze_excite, name=part.name)
            case "pooling":
                return Pooling(model.pooling.kind, model.pooling.size, name=part.name)
            case "recurrent":
                return self.recurrent(part)
            case "hidden":
                units, activation = model.head.hidden[part.depth - 1], model.head.hidden_activation
                return self.dense(units, activation, part.name)
            case "slot":
                assert isinstance(part, Place)
                return self.fill(part.slot, part.name)

    def fill(self, slot: Slot, name: str) -> keras.Layer:
        """Return the layer of a filled slot; a dropout gets the next seed."""
        seed = {"seed": next(self.seeds)} if slot.row.noise else {}
        return slot.row.load()(**slot.options, **seed, name=name)

    def reparametrization(self, slot: Slot, name: str) -> Reparametrization | None:
        """Return what the weights of a layer are reparametrized by, if anything."""
        return None if slot.row.layer is None else self.fill(slot, f"{name}_weights")

    def convolution(self, part: Part) -> keras.Layer:
        conv = self.model.conv
        return CausalConv1D(
            *conv.blocks[part.depth - 1],
            use_bias=conv.bias,
            kernel_initializer=conv.initializer,
            reparametrization=self.reparametrization(conv.weights, part.name),
            name=part.name,
        )

    def recurrent(self, part: Part) -> keras.Layer:
        recurrent = self.model.recurrent
        last = part.depth == len(recurrent.units)
        return Recurrent(
            cell=recurrent.cell,
            units=recurrent.units[part.depth - 1],
            activation=recurrent.activation,
            normalization=recurrent.normalization,
            input_dropout=recurrent.input_dropout,
            recurrent_dropout=recurrent.recurrent_dropout,
            weights=recurrent.weights,
            return_sequences=not last or self.model.head.sequence,
            bidirectional=recurrent.bidirectional,
            stateful=recurrent.stateful,
            initial_noise=recurrent.initial_noise,
            seed=next(self.seeds),
            name=part.name,
        )

    def dense(self, units: int, activation: str, name: str) -> keras.Layer:
        weights = self.reparametrization(self.model.head.weights, name)
        return Dense(units, activation=activation, reparametrization=weights, name=name)

    def head(self, hidden: list[keras.layers.Layer]) -> Head:
        """Return the head, whose hidden layers these are."""
        kind: type[Head] = self.model.head.kind.row.load()
        outputs = kind.outputs(self.shape.horizon, self.targets)
        forecast = self.dense(outputs, self.model.head.activation, "forecast")
        body = keras.Sequential([*hidden, forecast], name="body")
        return kind(self.shape.horizon, self.targets, body, name="head")


def _is_in_cell(part: Part) -> bool:
    return isinstance(part, Place) and part.in_cell
