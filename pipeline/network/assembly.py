"""The assembly: a configuration becomes a Keras model, slot by slot, in the order in which the data flows."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from typing import Any

import keras
from keras import layers

from pipeline.network.catalogue import DROPOUTS, NORMALIZATIONS, WEIGHTS, Kind
from pipeline.network.convolution import CausalConv1D
from pipeline.network.configuration import Conv, Head, Model, Pooling, Recurrent, Slot


@dataclass(frozen=True)
class Shape:
    """What goes in and out: `lookback` x (`targets` + `covariates` + `known`) channels in, `horizon` x `targets` out."""

    lookback: int
    horizon: int
    targets: int
    covariates: int = 0
    known: int = 0

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return self.targets + self.covariates + self.known


def build(model: Model, shape: Shape, seed: int) -> keras.Model:
    """The network, (batch, lookback, channel) -> (batch, horizon, target), with the initial weights that `seed` draws."""
    keras.utils.set_random_seed(seed)
    return _Assembly(model, shape).network()


class _Assembly:
    def __init__(self, model: Model, shape: Shape) -> None:
        self.model, self.shape, self.seeds = model, shape, count()

    def network(self) -> keras.Model:
        model = self.model
        chain = [*self.conv(model.conv), *self.pooling(model.pooling), *self.recurrent(model.recurrent), *self.head(model.head)]
        inputs = layers.Input((self.shape.lookback, self.shape.channels))
        return keras.Model(inputs, keras.Sequential([*self.fill(NORMALIZATIONS, model.input.normalization), *chain])(inputs))

    def fill(self, table: Any, slot: Slot) -> Iterator[Any]:
        """The layer of a slot; nothing for `none`."""
        row: Kind = table[slot.kind]
        if row.layer is not None:
            seed = {"seed": next(self.seeds)} if table is DROPOUTS else {}
            yield _class(row.layer)(**slot.options, **seed)

    def conv(self, conv: Conv) -> Iterator[Any]:
        for filters in conv.filters:
            activation = [layers.Activation(conv.activation)]
            normalization = list(self.fill(NORMALIZATIONS, conv.normalization))
            yield CausalConv1D(filters, conv.kernel, conv.stride, conv.dilation, use_bias=conv.bias, kernel_initializer=conv.initializer)
            yield from normalization + activation if conv.position == "before" else activation + normalization
            yield from self.fill(DROPOUTS, conv.dropout)
            if conv.squeeze_excite is not None:
                yield _class("pipeline.network.squeeze_excite.SqueezeExcite")(conv.squeeze_excite)

    def pooling(self, pooling: Pooling) -> Iterator[Any]:
        normalization = list(self.fill(NORMALIZATIONS, pooling.normalization))
        pool = [] if pooling.kind == "none" else [_class("pipeline.network.pooling.Pooling")(pooling.kind, pooling.size)]
        yield from normalization + pool if pooling.position == "before" else pool + normalization

    def recurrent(self, recurrent: Recurrent) -> Iterator[Any]:
        yield from self.fill(DROPOUTS, recurrent.dropout_before)
        for depth, units in enumerate(recurrent.units, 1):
            last = depth == len(recurrent.units)
            yield self.recurrent_layer(recurrent, units, sequences=not last)
            yield from self.fill(NORMALIZATIONS, recurrent.output_normalization)
            yield from self.fill(DROPOUTS, recurrent.dropout_after if last else recurrent.dropout_between)

    def recurrent_layer(self, recurrent: Recurrent, units: int, sequences: bool) -> Any:
        return _class("pipeline.network.recurrent.Recurrent")(
            cell=recurrent.cell,
            units=units,
            activation=recurrent.activation,
            normalization=recurrent.normalization.flat(),
            input_dropout=recurrent.input_dropout.flat(),
            recurrent_dropout=recurrent.recurrent_dropout.flat(),
            weights=recurrent.weights.flat(),
            bidirectional=recurrent.bidirectional,
            return_sequences=sequences,
            seed=next(self.seeds),
        )

    def head(self, head: Head) -> Iterator[Any]:
        for units in head.hidden:
            yield layers.Dense(units, activation=head.hidden_activation)
            yield from self.fill(NORMALIZATIONS, head.normalization)
            yield from self.fill(DROPOUTS, head.dropout)
        yield layers.Dense(self.shape.horizon * self.shape.targets, activation=head.activation)
        yield layers.Reshape((self.shape.horizon, self.shape.targets))


def _class(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)
