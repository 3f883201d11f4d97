"""One network for every target column."""

from typing import Unpack

import keras
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape, register


@register
class SharedColumns(keras.Layer):
    """Shared columns: y_j = body([x_j, x_rest], f) for each target j, by the same `body`.

    The body sees the target's own column, x_j, followed by all columns that are not targets, and
    the same future covariates f for every target. It processes `targets` times as many windows as
    there are in the batch. Batch statistics are therefore computed over the columns as well, and
    each column has its own dropout noise.

    Args:
        targets: number of target columns, which are the first channels.
        body: a layer or model from (batch, time, 1 + channel - targets) and the future covariates
            to (batch, horizon, 1) or (batch, time, horizon, 1).

    Shapes:
        (batch, time, channel) and (batch, row, covariate) -> (batch, horizon, target) or
        (batch, time, horizon, target).

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

    def build(self, input_shape: list[TensorShape]) -> None:
        if not self.body.built:
            (_, *time, channels), (_, *rows, future) = input_shape
            column = (None, *time, 1 + channels - self.targets)
            self.body.build([column, (None, *rows, future)])

    def call(self, inputs: list[Tensor]) -> Tensor:
        past, known = inputs
        rest = past[..., self.targets :]
        columns = [
            ops.concatenate([past[..., j : j + 1], rest], axis=-1) for j in range(self.targets)
        ]
        windows = ops.concatenate(columns, axis=0)  # (target * batch, time, channel)
        forecast = self.body([windows, ops.concatenate([known] * self.targets, axis=0)])
        return ops.concatenate(ops.split(forecast, self.targets, axis=0), axis=-1)

    def get_config(self) -> LayerConfig:
        return {
            **super().get_config(),
            "targets": self.targets,
            "body": keras.saving.serialize_keras_object(self.body),
        }

    @classmethod
    def from_config(cls, config: LayerConfig) -> "SharedColumns":
        return cls(**{**config, "body": keras.saving.deserialize_keras_object(config["body"])})
