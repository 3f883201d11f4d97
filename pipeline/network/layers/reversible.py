"""A network between an input normalization and its inverse."""

from typing import Unpack

import keras
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape, register
from pipeline.network.layers.input_normalization import WindowNormalization


@register
class Reversible(keras.Layer):
    """Reversible normalization: y = denormalize(body(normalize(x)), statistics of the window).

    Args:
        normalization: a layer with `normalize` and `denormalize`.
        body: a layer or model from (batch, time, channel) to (batch, horizon, target) or
            (batch, time, horizon, target), where the targets are the first channels. Its last
            layer must be linear, because a denormalized forecast can take any value.
        channels: how many of the first channels are normalized; null normalizes all of them.
            The channels after them, the future covariates, are passed to the body unchanged.

    Shapes:
        (batch, time, channel) -> the shape that the body returns.

    Causality:
        That of the normalization and of the body.

    Cost:
        That of the normalization, and one pass over the forecast.

    Source:
        Kim et al., "Reversible Instance Normalization", 2022.
    """

    def __init__(
        self,
        normalization: WindowNormalization,
        body: keras.Layer,
        channels: int | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.normalization, self.body, self.channels = normalization, body, channels

    def build(self, input_shape: TensorShape) -> None:
        normalized = input_shape[-1] if self.channels is None else self.channels
        if not self.normalization.built:  # a part that was loaded from a file is built already
            self.normalization.build((*input_shape[:-1], normalized))
        if not self.body.built:
            self.body.build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        z, statistics = self.normalization.normalize(inputs[..., : self.channels])
        unchanged = [] if self.channels is None else [inputs[..., self.channels :]]
        forecast = self.body(ops.concatenate([z, *unchanged], axis=-1))
        return self.normalization.denormalize(forecast, statistics)

    def compute_output_shape(self, input_shape: TensorShape) -> TensorShape:
        shape: TensorShape = self.body.compute_output_shape(input_shape)
        return shape

    def get_config(self) -> LayerConfig:
        return {
            **super().get_config(),
            "normalization": keras.saving.serialize_keras_object(self.normalization),
            "body": keras.saving.serialize_keras_object(self.body),
            "channels": self.channels,
        }

    @classmethod
    def from_config(cls, config: LayerConfig) -> "Reversible":
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("normalization", "body")
        }
        return cls(**{**config, **parts})
