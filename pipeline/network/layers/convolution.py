"""The causal convolution over time, aligned to the newest sample."""

from typing import Any

import keras
from keras import ops

from pipeline.network.layers.weights import Reparametrized


@keras.saving.register_keras_serializable("pipeline")
class CausalConv1D(Reparametrized, keras.layers.Conv1D):
    """y_j = activation(sum_i x[e_j - dilation (size - 1 - i)] K_i + b) with e_j = T - 1 - stride (T_out - 1 - j), the newest sample that it sees.

    Shapes: (batch, time, channel) -> (batch, ceil(time / stride), filters). With stride = 1 it is `keras.layers.Conv1D(padding="causal")`, which
    with a stride drops the newest samples when it does not divide time - 1. Zeros stand in for samples before the first.

    Computed as one matrix product of the `kernel_size` shifted copies of the input: for the few channels of a time series this is as fast as a
    convolution, and its gradient vectorizes over the replicas of a fleet, which that of the convolution operation does not.

    Source: van den Oord et al., "WaveNet", 2016, for the causal, dilated form. Causal. Cost: T_out size channel filters products per window.
    Arguments: `reparametrization` of the kernel, and those of `keras.layers.Conv1D`.
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

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Convolve `inputs` (batch, time, channel)."""
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
        outputs = outputs if self.bias is None else outputs + self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, ceil(time / stride), filters)."""
        return (input_shape[0], -(-input_shape[1] // self.strides[0]), self.filters)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config: dict[str, Any] = super().get_config()
        del config["padding"]
        return config
