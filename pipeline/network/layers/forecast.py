"""The end of the network: the outputs of the head, arranged as forecasts."""

from typing import Unpack

import keras
from keras import ops

from pipeline.network.base import LayerConfig, LayerOptions, Tensor, register


@register
class Forecast(keras.Layer):
    """Forecasts: y[k, j] = x[k targets + j] for horizon step k and target j.

    All horizon steps are forecast directly, by one product. A network that forecasts at every
    step of the window learns from all of these forecasts; at inference only the forecast of the
    newest step is returned.

    Example:
        >>> layer = Forecast(horizon=3, targets=2)
        >>> layer(keras.ops.ones((8, 6))).shape == (8, 3, 2)
        True

    Args:
        horizon: number of steps that are forecast.
        targets: number of target channels.

    Shapes:
        (batch, horizon * target) -> (batch, horizon, target).
        (batch, time, horizon * target) -> (batch, time, horizon, target) in training, and
        (batch, horizon, target) at inference.

    Causality:
        Causal.

    Cost:
        None: the output is a view.

    Source:
        Ben Taieb et al., "A review and comparison of strategies for multi-step ahead time series
        forecasting", 2012 (its MIMO strategy). For forecasts at every step: the many-to-many
        network of the thread "How to implement TensorFlow batch normalization in LSTM".
    """

    def __init__(self, horizon: int, targets: int, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.horizon, self.targets = horizon, targets

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if len(inputs.shape) == 3 and not training:
            inputs = inputs[:, -1]
        return ops.reshape(inputs, (-1, *inputs.shape[1:-1], self.horizon, self.targets))

    def get_config(self) -> LayerConfig:
        return {**super().get_config(), "horizon": self.horizon, "targets": self.targets}
