"""The end of the network: the head's outputs as forecasts."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pipeline")
class Forecast(keras.Layer):
    """Outputs (batch, horizon * target) or (batch, time, horizon * target) as (batch, horizon, target) or, in training, (batch, time, horizon, target).

    y[k, j] = x[k target + j] for horizon step k and target j: direct multi-step forecasts, all from one product. A network that forecasts at every
    step learns from all of them; at inference the forecast of the newest step is the one that is asked for.
    Sources: Ben Taieb et al., "A review and comparison of strategies for multi-step ahead time series forecasting", 2012 (its MIMO strategy); for every
    step, the many-to-many network of the thread "How to implement TensorFlow batch normalization in LSTM". Causal. Cost: none, a view.
    """

    def __init__(self, horizon: int, targets: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon, self.targets = horizon, targets

    def call(self, x: Any, training: bool | None = None) -> Any:
        if len(x.shape) == 3 and not training:
            x = x[:, -1]
        return ops.reshape(x, (-1, *x.shape[1:-1], self.horizon, self.targets))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "horizon": self.horizon, "targets": self.targets}
