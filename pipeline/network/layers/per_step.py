"""The head that forecasts each horizon step from what is known of that step."""

from keras import ops

from pipeline.network.base import Tensor, TensorShape, register
from pipeline.network.layers.head import Head


@register
class PerStep(Head):
    """Head for each step: y_k = body([s gain_k + offset_k, f_k]) for each horizon step k.

    s is the state of the network and f_k the future covariates of step k. All steps share the
    body, which tells them apart by the learned embedding (gain_k, offset_k). What is known of one
    step moves the forecast of that step alone.

    Example:
        >>> layer = PerStep(horizon=3, targets=2, body=keras.layers.Dense(2))
        >>> layer([keras.ops.ones((8, 5)), keras.ops.ones((8, 3, 4))]).shape == (8, 3, 2)
        True

    Args:
        horizon: number of steps that are forecast.
        targets: number of target channels.
        body: a layer or model from (batch * horizon, [time,] channel) to (batch * horizon, [time,]
            target). Batch statistics are computed over the steps as well, and each step has its
            own dropout noise.

    Shapes:
        (batch, channel) and (batch, horizon, covariate) -> (batch, horizon, target).
        (batch, time, channel) and (batch, time + horizon, covariate), the future covariates of
        the window and of the horizon -> (batch, time, horizon, target) in training, and
        (batch, horizon, target) at inference.

    Causality:
        Causal: the future covariates are known before the horizon begins.

    Cost:
        `horizon` times that of the body.

    Source:
        The local decoder of Wen et al., "A Multi-Horizon Quantile Recurrent Forecaster", 2017,
        with the embedding of a step after Perez et al., "FiLM: Visual Reasoning with a General
        Conditioning Layer", 2018.
    """

    def build(self, input_shape: list[TensorShape]) -> None:
        embedding = (self.horizon, input_shape[0][-1])
        self.gain = self.add_weight(shape=embedding, initializer="ones", name="gain")
        self.offset = self.add_weight(shape=embedding, initializer="zeros", name="offset")
        super().build(input_shape)

    @classmethod
    def outputs(cls, horizon: int, targets: int) -> int:
        return targets

    def joined(self, state: int, future: int) -> int:
        return state + future

    def join(self, state: Tensor, future: Tensor) -> Tensor:
        ones = [1] * (len(state.shape) - 2)
        embedding = (self.horizon, *ones, state.shape[-1])
        steps = state[:, None] * ops.reshape(self.gain, embedding)
        steps = steps + ops.reshape(self.offset, embedding)  # (batch, horizon, [time,] channel)
        joined = ops.concatenate([steps, ops.moveaxis(future, -2, 1)], axis=-1)
        return ops.reshape(joined, (-1, *joined.shape[2:]))

    def arrange(self, outputs: Tensor) -> Tensor:
        steps = ops.reshape(outputs, (-1, self.horizon, *outputs.shape[1:]))
        return ops.moveaxis(steps, 1, -2)
