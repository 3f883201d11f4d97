"""A network between an input normalization and its inverse."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pipeline")
class Reversible(keras.Layer):
    """y = denormalize(body(normalize(x)), statistics), the statistics being those of the same window.

    The first `channels` channels (null: all) are normalized; those behind them, which are known in the future, pass as they are. `normalization` is a
    layer with `normalize` and `denormalize`; `body` is any layer or model that turns (batch, time, channel) into (batch, horizon, target) or (batch, time,
    horizon, target), targets being the first channels. It must end linearly: what is undone here has to be able to go either way.
    Source: Kim et al., "Reversible Instance Normalization", 2022. Cost: that of the normalization, and one pass over the forecast.
    """

    def __init__(
        self, normalization: Any, body: Any, channels: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.normalization, self.body, self.channels = normalization, body, channels

    def build(self, input_shape: Any) -> None:
        """Build both parts."""
        measured = input_shape[-1] if self.channels is None else self.channels
        for part, shape in (
            (self.normalization, (*input_shape[:-1], measured)),
            (self.body, input_shape),
        ):
            if not part.built:  # what comes out of a file is built already
                part.build(shape)

    def call(self, x: Any) -> Any:
        """Forecast from `x` (batch, time, channel)."""
        z, statistics = self.normalization.normalize(x[..., : self.channels])
        known = [] if self.channels is None else [x[..., self.channels :]]
        return self.normalization.denormalize(
            self.body(ops.concatenate([z, *known], axis=-1)), statistics
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """That of the body."""
        return self.body.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        parts = {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in ("normalization", "body")
        }
        return {**super().get_config(), **parts, "channels": self.channels}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Reversible":
        """The layer that `get_config` describes."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("normalization", "body")
        }
        return cls(**{**config, **parts})
