"""One network for every target column."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pipeline")
class SharedColumns(keras.Layer):
    """Forecasts each target by the same `body`, which sees that target's own column, then all columns that are no targets.

    (batch, time, channel) in, the first `targets` channels being the targets; (batch, horizon, target) out. `body` turns (batch, time, 1 + channel - targets)
    into (batch, horizon, 1), or (batch, time, horizon, 1), to which the targets are added as the last axis. It sees `targets` times as many windows as
    there are in the batch, so that batch statistics run over the columns as well, and each column has dropout noise of its own.
    Source: channel independence in Nie et al., "A Time Series is Worth 64 Words" (PatchTST), 2023, here with covariates.
    Cost: `targets` times that of the body, in one pass.
    """

    def __init__(self, targets: int, body: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.targets, self.body = targets, body

    def build(self, input_shape: Any) -> None:
        """Build the body for one column."""
        if not self.body.built:
            self.body.build(self.column_shape(input_shape))

    def column_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """What the body sees of `input_shape`; the number of windows stays open."""
        return None, *input_shape[1:-1], 1 + input_shape[-1] - self.targets

    def call(self, x: Any) -> Any:
        """Forecast from `x` (batch, time, channel)."""
        columns = [
            ops.concatenate([x[..., i : i + 1], x[..., self.targets :]], axis=-1)
            for i in range(self.targets)
        ]
        _, time, channels = self.column_shape(x.shape)
        forecast = self.body(ops.reshape(ops.stack(columns, axis=1), (-1, time, channels)))
        apart = ops.reshape(
            forecast, (-1, self.targets, *forecast.shape[1:-1])
        )  # (batch, target, [time,] horizon)
        return ops.moveaxis(apart, 1, -1)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """That of the body, with all targets in place of one."""
        one = self.body.compute_output_shape(self.column_shape(input_shape))
        return input_shape[0], *one[1:-1], self.targets

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "targets": self.targets,
            "body": keras.saving.serialize_keras_object(self.body),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SharedColumns":
        """The layer that `get_config` describes."""
        return cls(**{**config, "body": keras.saving.deserialize_keras_object(config["body"])})
