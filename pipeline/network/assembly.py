"""The assembly: a configuration becomes a Keras model, slot by slot, in the order in which the data flows."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import count
from typing import Any

import keras
from keras import layers

from pipeline.network.catalogue import DROPOUTS, NORMALIZATIONS, Kind
from pipeline.network.configuration import Conv, Head, Model, Pooling, Recurrent, Shape, Slot
from pipeline.network.convolution import CausalConv1D
from pipeline.network.pooling import Pooling as PoolingLayer
from pipeline.network.recurrent import Recurrent as RecurrentLayer
from pipeline.network.squeeze_excite import SqueezeExcite


def build(model: Model, shape: Shape, seed: int) -> keras.Model:
    """The network, (batch, lookback, channel) -> (batch, horizon, target), with the initial weights that `seed` draws."""
    keras.utils.set_random_seed(seed)
    return _Assembly(model, shape).network()


class _Assembly:
    """Yields the layers one after the other, each under a name that says where it stands."""

    def __init__(self, model: Model, shape: Shape) -> None:
        self.model, self.shape, self.seeds = model, shape, count()

    def network(self) -> keras.Model:
        model = self.model
        parts = (self.conv(model.conv), self.pooling(model.pooling), self.recurrent(model.recurrent), self.head(model.head))
        inputs = layers.Input((self.shape.lookback, self.shape.channels))
        first = self.fill(NORMALIZATIONS, model.input.normalization, "input_normalization")
        return keras.Sequential([inputs, *first, *(layer for part in parts for layer in part)], name="network")

    def fill(self, table: Mapping[str, Kind], slot: Slot, name: str) -> Iterator[Any]:
        """The layer of a slot; nothing for `none`."""
        layer = table[slot.kind].layer
        if layer is not None:
            seed = {"seed": next(self.seeds)} if table is DROPOUTS else {}
            yield _class(layer)(**slot.options, **seed, name=name)

    def conv(self, conv: Conv) -> Iterator[Any]:
        for depth, filters in enumerate(conv.filters, 1):
            name = f"conv_{depth}"
            activation = [layers.Activation(conv.activation, name=f"{name}_activation")]
            normalization = list(self.fill(NORMALIZATIONS, conv.normalization, f"{name}_normalization"))
            options = {"use_bias": conv.bias, "kernel_initializer": conv.initializer}
            yield CausalConv1D(filters, conv.kernel, conv.stride, conv.dilation, **options, name=name)
            yield from normalization + activation if conv.position == "before" else activation + normalization
            yield from self.fill(DROPOUTS, conv.dropout, f"{name}_dropout")
            if conv.squeeze_excite is not None:
                yield SqueezeExcite(conv.squeeze_excite, name=f"{name}_squeeze_excite")

    def pooling(self, pooling: Pooling) -> Iterator[Any]:
        normalization = list(self.fill(NORMALIZATIONS, pooling.normalization, "pooling_normalization"))
        pool = [] if pooling.kind == "none" else [PoolingLayer(pooling.kind, pooling.size, name="pooling")]
        yield from normalization + pool if pooling.position == "before" else pool + normalization

    def recurrent(self, recurrent: Recurrent) -> Iterator[Any]:
        yield from self.fill(DROPOUTS, recurrent.dropout_before, "dropout_before")
        for depth, units in enumerate(recurrent.units, 1):
            name, last = f"recurrent_{depth}", depth == len(recurrent.units)
            yield self.recurrent_layer(recurrent, units, return_sequences=not last, name=name)
            yield from self.fill(NORMALIZATIONS, recurrent.output_normalization, f"{name}_normalization")
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
            seed=next(self.seeds),
            **rest,
        )

    def head(self, head: Head) -> Iterator[Any]:
        for depth, units in enumerate(head.hidden, 1):
            yield layers.Dense(units, activation=head.hidden_activation, name=f"hidden_{depth}")
            yield from self.fill(NORMALIZATIONS, head.normalization, f"hidden_{depth}_normalization")
            yield from self.fill(DROPOUTS, head.dropout, f"hidden_{depth}_dropout")
        yield layers.Dense(self.shape.horizon * self.shape.targets, activation=head.activation, name="head")
        yield layers.Reshape((self.shape.horizon, self.shape.targets), name="forecast")


def _class(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)
