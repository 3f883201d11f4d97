"""The head that forecasts all horizon steps by one product."""

from keras import ops

from pipeline.network.base import Tensor, register
from pipeline.network.layers.head import Head


@register
class Direct(Head):
    """Direct head: y = body([s, f_1, ..., f_horizon]).

    s is the state of the network and f_k the future covariates of horizon step k. One product
    forecasts all steps, so that every step sees the future covariates of every other.

    Example:
        >>> layer = Direct(horizon=3, targets=2, body=keras.layers.Dense(6))
        >>> layer([keras.ops.ones((8, 5)), keras.ops.ones((8, 3, 4))]).shape == (8, 3, 2)
        True

    Args:
        horizon: number of steps that are forecast.
        targets: number of target channels.
        body: a layer or model from (batch, [time,] channel) to (batch, [time,] horizon * target).

    Shapes:
        (batch, channel) and (batch, horizon, covariate) -> (batch, horizon, target).
        (batch, time, channel) and (batch, time + horizon, covariate), the future covariates of
        the window and of the horizon -> (batch, time, horizon, target) in training, and
        (batch, horizon, target) at inference.

    Causality:
        Causal: the future covariates are known before the horizon begins.

    Cost:
        (channel + horizon covariate) horizon target products, if the body is one dense layer.

    Source:
        Ben Taieb et al., "A review and comparison of strategies for multi-step ahead time series
        forecasting", 2012 (its MIMO strategy). For forecasts at every step: the many-to-many
        network of the thread "How to implement TensorFlow batch normalization in LSTM".
    """

    @classmethod
    def outputs(cls, horizon: int, targets: int) -> int:
        return horizon * targets

    def joined(self, state: int, future: int) -> int:
        return state + self.horizon * future

    def join(self, state: Tensor, future: Tensor) -> Tensor:
        if not future.shape[-1]:
            return state
        flat = ops.reshape(future, (-1, *state.shape[1:-1], self.horizon * future.shape[-1]))
        return ops.concatenate([state, flat], axis=-1)

    def arrange(self, outputs: Tensor) -> Tensor:
        return ops.reshape(outputs, (-1, *outputs.shape[1:-1], self.horizon, self.targets))
