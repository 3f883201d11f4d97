"""One network for every target column."""

from typing import Unpack

import keras
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape, register


@register
class SharedColumns(keras.Layer):
    """Shared columns: y_j = body(x_j, x_rest) for each target j, by the same `body`.

    The body sees the target's own column, x_j, followed by all columns that are not targets. It
    processes `targets` times as many windows as there are in the batch. Batch statistics are
    therefore computed over the columns as well, and each column has its own dropout noise.

    Args:
        targets: number of target columns, which are the first channels.
        body: a layer or model from (batch, time, 1 + channel - targets) to (batch, horizon, 1)
            or (batch, time, horizon, 1).

    Shapes:
        (batch, time, channel) -> (batch, horizon, target) or (batch, time, horizon, target).

    Causality:
        That of the body.

    Cost:
        `targets` times that of the body, in one pass.

    Source:
        Channel independence in Nie et al., "A Time Series is Worth 64 Words" (PatchTST), 2023,
        here with covariates.
    """

    def __init__(self, targets: int, body: keras.Layer, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.targets, self.body = targets, body

    def build(self, input_shape: TensorShape) -> None:
        if not self.body.built:
            self.body.build(self.column_shape(input_shape))

    def column_shape(self, input_shape: TensorShape) -> TensorShape:
        """Return the shape that the body sees; the number of windows stays open."""
        return None, *input_shape[1:-1], 1 + input_shape[-1] - self.targets

    def call(self, inputs: Tensor) -> Tensor:
        rest = inputs[..., self.targets :]
        columns = [
            ops.concatenate([inputs[..., j : j + 1], rest], axis=-1) for j in range(self.targets)
        ]
        _, time, channels = self.column_shape(inputs.shape)
        windows = ops.reshape(ops.stack(columns, axis=1), (-1, time, channels))
        forecast = self.body(windows)  # (batch * target, [time,] horizon, 1)
        by_target = ops.reshape(forecast, (-1, self.targets, *forecast.shape[1:-1]))
        return ops.moveaxis(by_target, 1, -1)

    def compute_output_shape(self, input_shape: TensorShape) -> TensorShape:
        column = self.body.compute_output_shape(self.column_shape(input_shape))
        return input_shape[0], *column[1:-1], self.targets

    def get_config(self) -> LayerConfig:
        return {
            **super().get_config(),
            "targets": self.targets,
            "body": keras.saving.serialize_keras_object(self.body),
        }

    @classmethod
    def from_config(cls, config: LayerConfig) -> "SharedColumns":
        return cls(**{**config, "body": keras.saving.deserialize_keras_object(config["body"])})
