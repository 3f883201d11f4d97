"""The base of the heads, which forecast from a state and the future covariates."""

from typing import Unpack

import keras
import numpy as np
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, TensorShape


class Head(keras.Layer):
    """The base of the heads: forecast = arrange(body(join(state, future covariates))).

    The state of a network that forecasts at every step of the window has a time axis. In training
    its head forecasts from every step, each with the future covariates of the horizon that follows
    the step; at inference it forecasts from the newest step only.
    """

    def __init__(
        self, horizon: int, targets: int, body: keras.Layer, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.horizon, self.targets, self.body = horizon, targets, body

    def build(self, input_shape: list[TensorShape]) -> None:
        state, known = input_shape
        if not self.body.built:
            time = [None] * (len(state) - 2)
            self.body.build((None, *time, self.joined(state[-1], known[-1])))

    @classmethod
    def outputs(cls, horizon: int, targets: int) -> int:
        """Return the number of outputs of the body."""
        raise NotImplementedError

    def joined(self, state: int, future: int) -> int:
        """Return the number of channels that `join` makes of these numbers of channels."""
        raise NotImplementedError

    def join(self, state: Tensor, future: Tensor) -> Tensor:
        """Return what the body sees.

        `state` is (batch, [time,] channel), `future` is (batch, [time,] horizon, covariate).
        """
        raise NotImplementedError

    def arrange(self, outputs: Tensor) -> Tensor:
        """Return what the body made of it as forecasts, (batch, [time,] horizon, target)."""
        raise NotImplementedError

    def call(self, inputs: list[Tensor], training: bool | None = None) -> Tensor:
        state, known = inputs
        if len(state.shape) == 2:
            return self.arrange(self.body(self.join(state, known)))
        if training:
            steps = 1 + np.arange(state.shape[1])[:, None] + np.arange(self.horizon)
            return self.arrange(self.body(self.join(state, ops.take(known, steps, axis=1))))
        newest = self.join(state[:, -1:], known[:, None, -self.horizon :])
        return self.arrange(self.body(newest))[:, 0]

    def get_config(self) -> LayerConfig:
        return {
            **super().get_config(),
            "horizon": self.horizon,
            "targets": self.targets,
            "body": keras.saving.serialize_keras_object(self.body),
        }

    @classmethod
    def from_config(cls, config: LayerConfig) -> "Head":
        return cls(**{**config, "body": keras.saving.deserialize_keras_object(config["body"])})
