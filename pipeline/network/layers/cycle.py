"""A learned cycle: what repeats with the calendar is outside of the network."""

from typing import Unpack

import keras
import numpy as np
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape, register

MARGIN = 1e-6  # of a cycle: by so much rounding may put the begin of a phase before it


@register
class Cycle(keras.Layer):
    """Learned cycle: y_k = body(x_t - Q[phase(t)], f)_k + Q[phase(k)], Q being 0 at first.

    A row of Q is what is typical of one phase of the calendar, such as an hour of the day. The
    phase of a step is read from its own calendar channels, a sine and a cosine, so that it depends
    on the time of the step and not on the position of its row. Q is outside of a normalization of
    the input; in the code of CycleNet a normalization of the window is outside of Q.

    Args:
        body: a layer or model from (batch, time, channel) and the future covariates f to (batch,
            horizon, target) or (batch, time, horizon, target), where the targets are the first
            channels. Its last layer must be linear.
        phases: number of equal parts of a cycle, and of rows of Q.
        position: where the sine is among the channels, counted from their end, such as -2; the
            cosine is next to it. It is the same in the past and in f.
        channels: how many of the first channels have a cycle, which is subtracted.

    Shapes:
        (batch, time, channel) and (batch, row, covariate) -> the shape that the body returns.

    Causality:
        That of the body.

    Cost:
        (time + row) phases channels products.

    Source:
        Lin et al., "CycleNet: Enhancing Time Series Forecasting through Modeling Periodic
        Patterns", arXiv 2409.18479, 2024.
    """

    def __init__(
        self,
        body: keras.Layer,
        phases: int,
        position: int,
        channels: int,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # half precision cannot tell phases apart
        self.body, self.phases, self.position, self.channels = body, phases, position, channels

    def build(self, input_shape: list[TensorShape]) -> None:
        self.cycle = self.add_weight(
            shape=(self.phases, self.channels), initializer="zeros", autocast=False, name="cycle"
        )
        if not self.body.built:  # a part that was loaded from a file is built already
            self.body.build(input_shape)

    def call(self, inputs: list[Tensor], training: bool | None = None) -> Tensor:
        past, known = inputs
        residual = past[..., : self.channels] - self.typical(past)
        rest = past[..., self.channels :]
        forecast = self.body([ops.concatenate([residual, rest], axis=-1), known], training=training)
        horizon, targets = forecast.shape[-2:]
        typical = self.typical(known)[..., :targets]  # (batch, row, target)
        forecast = ops.cast(forecast, typical.dtype)
        if len(forecast.shape) == 4:  # a forecast at every step, of the rows that follow the step
            rows = 1 + np.arange(forecast.shape[1])[:, None] + np.arange(horizon)
            return forecast + ops.take(typical, rows, axis=1)
        return forecast + typical[:, -horizon:]

    def typical(self, x: Tensor) -> Tensor:
        """Return the row of Q of each step of `x`, (batch, step, channel)."""
        sine = x[..., self.position]
        cosine = x[..., self.position + 1]
        passed = ops.arctan2(sine, cosine) / (2 * np.pi)  # of the cycle, from -1/2 to 1/2
        phase = ops.floor((passed + 1 + MARGIN) * self.phases) % self.phases
        selected = ops.one_hot(ops.cast(phase, "int32"), self.phases, dtype=self.cycle.dtype)
        return ops.matmul(selected, self.cycle)

    def get_config(self) -> LayerConfig:
        return {
            **super().get_config(),
            "body": keras.saving.serialize_keras_object(self.body),
            "phases": self.phases,
            "position": self.position,
            "channels": self.channels,
        }

    @classmethod
    def from_config(cls, config: LayerConfig) -> "Cycle":
        return cls(**{**config, "body": keras.saving.deserialize_keras_object(config["body"])})
