"""The assembly: a configuration becomes a Keras model, slot by slot, in the order in which the data flows."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import keras
import numpy as np
from keras import layers

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS, WEIGHTS, Kind
from pipeline.config.model import Conv, Head, Model, Pooling, Recurrent, Shape, Slot
from pipeline.network.layers.convolution import CausalConv1D
from pipeline.network.layers.dense import Dense
from pipeline.network.layers.forecast import Forecast
from pipeline.network.layers.input_normalization import AdaptedNormalization, WindowNormalization
from pipeline.network.layers.pooling import Pooling as PoolingLayer
from pipeline.network.layers.reversible import Reversible
from pipeline.network.layers.shared_columns import SharedColumns
from pipeline.network.layers.squeeze_excite import SqueezeExcite
from pipeline.network.rnn.recurrent import Recurrent as RecurrentLayer


def build(model: Model, shape: Shape, seed: int, rows: np.ndarray | None = None) -> keras.Model:
    """The network, (batch, lookback, channel) -> (batch, horizon, target), with the initial weights that `seed` draws.

    A normalization that is adapted once takes its statistics from `rows` (row, channel), the training part of the inputs.
    """
    keras.utils.set_random_seed(seed)
    network = _Assembly(model, shape).network()
    for layer in network.layers:
        if isinstance(layer, AdaptedNormalization) and rows is not None:
            layer.adapt(rows)
    return network


class _Assembly:
    """Yields the layers one after the other, each under a name that says where it stands."""

    def __init__(self, model: Model, shape: Shape) -> None:
        self.model, self.shape, self.seeds = model, shape, count()
        self.targets = shape.targets if model.columns == "joint" else 1  # of one call of the body

    def network(self) -> keras.Model:
        inputs = layers.Input((self.shape.lookback, self.shape.channels))
        return keras.Sequential(
            [inputs, *self.input(self.model.input.normalization)], name="network"
        )

    def input(self, slot: Slot) -> Iterator[Any]:
        """The input normalization, and the body within it where it can be undone."""
        normalization = next(self.fill(NORMALIZATIONS, slot, "input_normalization"), None)
        if isinstance(normalization, WindowNormalization):
            yield Reversible(
                normalization,
                keras.Sequential(list(self.columns()), name="body"),
                self.shape.targets + self.shape.covariates,
                name="reversible",
            )
        else:
            yield from [] if normalization is None else [normalization]
            yield from self.columns()

    def columns(self) -> Iterator[Any]:
        """The body for all columns jointly, or shared by the target columns."""
        if self.model.columns == "joint":
            yield from self.body()
        else:
            yield SharedColumns(
                self.shape.targets,
                keras.Sequential(list(self.body()), name="column"),
                name="shared_columns",
            )

    def body(self) -> Iterator[Any]:
        yield from self.conv(self.model.conv)
        yield from self.pooling(self.model.pooling)
        yield from self.recurrent(self.model.recurrent)
        yield from self.head(self.model.head)

    def fill(self, table: Mapping[str, Kind], slot: Slot, name: str) -> Iterator[Any]:
        """The layer of a slot; nothing for `none`."""
        kind = table[slot.kind]
        if kind.layer is not None:
            seed = {"seed": next(self.seeds)} if table is DROPOUTS else {}
            yield kind.load()(**slot.options, **seed, name=name)

    def weights(self, slot: Slot, name: str) -> Any:
        return next(self.fill(WEIGHTS, slot, f"{name}_weights"), None)

    def conv(self, conv: Conv) -> Iterator[Any]:
        for depth, (filters, kernel, stride, dilation) in enumerate(conv.blocks, 1):
            name = f"conv_{depth}"
            activation = [layers.Activation(conv.activation, name=f"{name}_activation")]
            normalization = list(
                self.fill(NORMALIZATIONS, conv.normalization, f"{name}_normalization")
            )
            options = {
                "use_bias": conv.bias,
                "kernel_initializer": conv.initializer,
                "reparametrization": self.weights(conv.weights, name),
            }
            yield CausalConv1D(filters, kernel, stride, dilation, **options, name=name)
            yield from (
                normalization + activation
                if conv.position == "before"
                else activation + normalization
            )
            yield from self.fill(DROPOUTS, conv.dropout, f"{name}_dropout")
            if conv.squeeze_excite is not None:
                yield SqueezeExcite(conv.squeeze_excite, name=f"{name}_squeeze_excite")

    def pooling(self, pooling: Pooling) -> Iterator[Any]:
        normalization = list(
            self.fill(NORMALIZATIONS, pooling.normalization, "pooling_normalization")
        )
        pool = (
            []
            if pooling.kind == "none"
            else [PoolingLayer(pooling.kind, pooling.size, name="pooling")]
        )
        yield from normalization + pool if pooling.position == "before" else pool + normalization

    def recurrent(self, recurrent: Recurrent) -> Iterator[Any]:
        yield from self.fill(DROPOUTS, recurrent.dropout_before, "dropout_before")
        for depth, units in enumerate(recurrent.units, 1):
            name, last = f"recurrent_{depth}", depth == len(recurrent.units)
            yield self.recurrent_layer(
                recurrent, units, return_sequences=not last or self.model.head.sequence, name=name
            )
            yield from self.fill(
                NORMALIZATIONS, recurrent.output_normalization, f"{name}_normalization"
            )
            dropout = recurrent.dropout_after if last else recurrent.dropout_between
            yield from self.fill(DROPOUTS, dropout, f"{name}_dropout")

    def recurrent_layer(self, recurrent: Recurrent, units: int, **rest: Any) -> Any:
        return RecurrentLayer(
            cell=recurrent.cell,
            units=units,
            activation=recurrent.activation,
            normalization=recurrent.normalization.flat(),
            input_dropout=recurrent.input_dropout.flat(),
            recurrent_dropout=recurrent.recurrent_dropout.flat(),
            weights=recurrent.weights.flat(),
            bidirectional=recurrent.bidirectional,
            stateful=recurrent.stateful,
            initial_noise=recurrent.initial_noise,
            seed=next(self.seeds),
            **rest,
        )

    def head(self, head: Head) -> Iterator[Any]:
        for depth, units in enumerate(head.hidden, 1):
            name = f"hidden_{depth}"
            yield Dense(
                units,
                activation=head.hidden_activation,
                reparametrization=self.weights(head.weights, name),
                name=name,
            )
            yield from self.fill(NORMALIZATIONS, head.normalization, f"{name}_normalization")
            yield from self.fill(DROPOUTS, head.dropout, f"{name}_dropout")
        yield Dense(
            self.shape.horizon * self.targets,
            activation=head.activation,
            reparametrization=self.weights(head.weights, "head"),
            name="head",
        )
        yield Forecast(self.shape.horizon, self.targets, name="forecast")
