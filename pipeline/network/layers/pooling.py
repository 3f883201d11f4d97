"""Pooling over time that keeps the newest samples."""

from typing import Any

import keras
from keras import ops

REDUCTIONS = {"average": ops.mean, "max": ops.max}


@keras.saving.register_keras_serializable("pipeline")
class Pooling(keras.Layer):
    """Mean or maximum of every `size` steps; where the length does not divide, the oldest steps are left out.

    (batch, time, channel) in, (batch, time // size, channel) out. Keras' own pooling leaves out the newest steps instead, which
    say most about what comes next. Arguments: `kind`, average or max; `size` in steps. Raises `ValueError` for a window shorter
    than `size`. Causal in the sense that an output sees nothing behind the last step it stands for.
    Source: `keras.layers.AveragePooling1D` and `MaxPooling1D`, moved to the newest end. Cost: one pass over the input.
    """

    def __init__(self, kind: str, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.size = kind, size
        self.reduce = REDUCTIONS[kind]

    def build(self, input_shape: Any) -> None:
        """Refuse a window that holds no whole pool."""
        if input_shape[1] is None or input_shape[1] < self.size:
            raise ValueError(
                f"Pooling: the window has {input_shape[1]} steps; it must have at least size, {self.size}"
            )

    def call(self, x: Any) -> Any:
        """Pool `x` (batch, time, channel)."""
        time, channels = x.shape[1:]
        x = ops.reshape(x[:, time % self.size :], (-1, time // self.size, self.size, channels))
        return self.reduce(x, axis=2)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """(batch, time // size, channel)."""
        return input_shape[0], input_shape[1] // self.size, input_shape[2]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "kind": self.kind, "size": self.size}
