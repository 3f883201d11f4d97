"""The assembly: a configuration becomes a Keras model, part by part, in the order of the data."""

from collections.abc import Iterator, Sequence
from itertools import count

import keras
import numpy as np

from pipeline.config.flow import Part, Place, parts
from pipeline.config.model import Model, Shape
from pipeline.config.slots import Slot
from pipeline.network.layers.adapted_normalization import AdaptedNormalization
from pipeline.network.layers.convolution import CausalConv1D
from pipeline.network.layers.dense import Dense
from pipeline.network.layers.forecast import Forecast
from pipeline.network.layers.input_normalization import WindowNormalization
from pipeline.network.layers.pooling import Pooling
from pipeline.network.layers.reversible import Reversible
from pipeline.network.layers.shared_columns import SharedColumns
from pipeline.network.layers.squeeze_excite import SqueezeExcite
from pipeline.network.layers.weights import Reparametrization
from pipeline.network.rnn.recurrent import Recurrent


def build(model: Model, shape: Shape, seed: int, rows: np.ndarray | None = None) -> keras.Model:
    """Return the network, (batch, lookback, channel) -> (batch, horizon, target).

    Args:
        model: what fills the slots of the network.
        shape: lengths of window and forecast, and numbers of channels.
        seed: seed of the initial weights.
        rows: the training rows of the inputs, (row, channel), from which a normalization that is
            adapted once takes its statistics.
    """
    keras.utils.set_random_seed(seed)
    network = _Assembly(model, shape).network()
    for layer in network.layers:
        if isinstance(layer, AdaptedNormalization) and rows is not None:
            layer.adapt(rows)
    return network


class _Assembly:
    """Makes a layer of each part of a network; the dropouts get seeds in the order of the data."""

    def __init__(self, model: Model, shape: Shape) -> None:
        self.model, self.shape, self.seeds = model, shape, count()
        self.targets = shape.targets if model.columns == "joint" else 1  # of one call of the body

    def network(self) -> keras.Model:
        """Return the whole network, with the body inside an input normalization to be undone."""
        walk = parts(self.model, self.shape)
        layers = [keras.layers.Input((self.shape.lookback, self.shape.channels))]
        if self.model.input.normalization.row.layer is None:
            return keras.Sequential([*layers, *self.columns(walk)], name="network")
        normalization = self.layer(next(walk))
        body = self.columns(walk)
        if isinstance(normalization, WindowNormalization):
            undone = self.shape.targets + self.shape.past
            inner = keras.Sequential(body, name="body")
            layers.append(Reversible(normalization, inner, undone, name="reversible"))
        else:
            layers += [normalization, *body]
        return keras.Sequential(layers, name="network")

    def columns(self, walk: Iterator[Part]) -> Sequence[keras.Layer]:
        """Return the body for all columns jointly, or shared by the target columns."""
        inside = [self.layer(part) for part in walk if not _is_in_cell(part)]
        body = [*inside, *self.head()]
        if self.model.columns == "joint":
            return body
        column = keras.Sequential(body, name="column")
        return [SharedColumns(self.shape.targets, column, name="shared_columns")]

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

    def head(self) -> Iterator[keras.Layer]:
        """Yield the layer that forecasts, and the one that gives its output the right shape."""
        outputs = self.shape.horizon * self.targets
        yield self.dense(outputs, self.model.head.activation, "head")
        yield Forecast(self.shape.horizon, self.targets, name="forecast")


def _is_in_cell(part: Part) -> bool:
    return isinstance(part, Place) and part.in_cell
