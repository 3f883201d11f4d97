"""The dense layer of the head."""

import keras
from keras import ops

from pipeline.network.base import Tensor, register
from pipeline.network.layers.weights import Reparametrized


@register
class Dense(Reparametrized, keras.layers.Dense):
    """Dense layer: y = activation(x w + b), w being the kernel or its reparametrization.

    Its arguments are `reparametrization` and those of `keras.layers.Dense`.

    Example:
        >>> Dense(3)(keras.ops.ones((2, 5, 4))).shape == (2, 5, 3)
        True

    Shapes:
        (batch, ..., channel) -> (batch, ..., units).

    Causality:
        Causal: each step is computed by itself.

    Cost:
        channel units products per step.

    Source:
        `keras.layers.Dense`.
    """

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        outputs = ops.matmul(inputs, self.effective(training))
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)
