"""The dense layer of the head."""

from typing import Any

import keras
from keras import ops

from pipeline.network.layers.weights import Reparametrized


@keras.saving.register_keras_serializable("pipeline")
class Dense(Reparametrized, keras.layers.Dense):
    """y = activation(x w + b), w being the kernel or what `reparametrization` makes of it.

    (batch, ..., channel) in, (batch, ..., units) out. Arguments: `reparametrization`, and those of `keras.layers.Dense`. Causal.
    Source: `keras.layers.Dense`. Cost: channel units products per step.
    """

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Apply to `x` (batch, ..., channel)."""
        y = ops.matmul(x, self.effective(training))
        return self.activation(y if self.bias is None else y + self.bias)
