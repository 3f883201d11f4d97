"""The normalization of the network's input by the statistics of the training rows."""

import numpy as np

from pipeline.network.base import ShapePreserving, Tensor, TensorShape, register


@register
class AdaptedNormalization(ShapePreserving):
    """Adapted standardization: z = (x - mean) / max(sd, 1e-7), by the rows given to `adapt`.

    Mean and sd are saved as weights that are never trained.

    Example:
        >>> layer = AdaptedNormalization()
        >>> layer.adapt([[0.0], [2.0]])  # mean 1, sd 1
        >>> float(layer(keras.ops.ones((1, 1, 1)) * 4)[0, 0, 0])
        3.0

    Shapes:
        (batch, time, channel) -> (batch, time, channel).

    Causality:
        Causal.

    Cost:
        One pass over the input.

    Source:
        `keras.layers.Normalization`, which keeps its numbers outside its weights once it is
        adapted, where a fleet could neither stack nor restore them.
    """

    def build(self, input_shape: TensorShape) -> None:
        channels = (input_shape[-1],)
        self.mean = self.add_weight(
            shape=channels, initializer="zeros", trainable=False, name="mean"
        )
        self.sd = self.add_weight(shape=channels, initializer="ones", trainable=False, name="sd")

    def adapt(self, rows: object) -> None:
        """Set mean and (population) sd to those of `rows` (row, channel), in float64.

        The rows must be those of the training part only. NaN is left out.
        """
        wide = np.asarray(rows, np.float64)
        if not self.built:
            self.build(wide.shape)
        self.mean.assign(np.nanmean(wide, axis=0))
        self.sd.assign(np.maximum(np.nanstd(wide, axis=0), 1e-7))

    def call(self, inputs: Tensor) -> Tensor:
        return (inputs - self.mean) / self.sd
