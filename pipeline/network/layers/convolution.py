"""The causal convolution over time, aligned to the newest sample."""

from typing import Any

import keras
from keras import ops

from pipeline.network.base import LayerConfig, Tensor, TensorShape, register
from pipeline.network.layers.weights import Reparametrized


@register
class CausalConv1D(Reparametrized, keras.layers.Conv1D):
    """Causal convolution: y_j = activation(sum_i x[e_j - dilation (size - 1 - i)] K_i + b).

    e_j = T - 1 - stride (T_out - 1 - j) is the newest sample that output j sees, so that the last
    output always ends at the newest sample of the window. Zeros stand in for the samples before
    the first. With a stride of 1 this is `keras.layers.Conv1D(padding="causal")`; with a larger
    one, Keras drops the newest samples whenever the stride does not divide time - 1.

    It is computed as one matrix product of the shifted copies of the input. For the few channels
    of a time series this is as fast as a convolution operation, and its gradient vectorizes over
    the replicas of a fleet, which the gradient of the convolution operation does not.

    Example:
        >>> layer = CausalConv1D(filters=8, kernel_size=3, strides=2)
        >>> layer(keras.ops.ones((32, 7, 4))).shape == (32, 4, 8)
        True

    Args:
        filters: number of output channels.
        kernel_size: number of samples that an output sees.
        strides: distance between two outputs, in samples.
        dilation_rate: distance between two samples that an output sees.
        options: `reparametrization` of the kernel, and the arguments of `keras.layers.Conv1D`.

    Shapes:
        (batch, time, channel) -> (batch, ceil(time / strides), filters).

    Causality:
        Causal.

    Cost:
        ceil(time / strides) kernel_size channel filters products per window.

    Source:
        van den Oord et al., "WaveNet", 2016, for the causal, dilated form.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        dilation_rate: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding="valid", dilation_rate=dilation_rate, **options
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        (size,), (stride,), (dilation,) = self.kernel_size, self.strides, self.dilation_rate
        steps, channels = inputs.shape[1:]
        padded = ops.pad(inputs, [[0, 0], [(size - 1) * dilation, 0], [0, 0]])
        first = (steps - 1) % stride
        taps = [
            padded[:, first + i * dilation : i * dilation + steps : stride] for i in range(size)
        ]
        outputs = ops.matmul(
            ops.concatenate(taps, axis=-1),
            ops.reshape(self.effective(training), (size * channels, self.filters)),
        )
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: TensorShape) -> TensorShape:
        return (input_shape[0], -(-input_shape[1] // self.strides[0]), self.filters)

    def get_config(self) -> LayerConfig:
        config: LayerConfig = super().get_config()
        del config["padding"]
        return config
