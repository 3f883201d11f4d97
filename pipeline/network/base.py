"""What the layers of the network share: names for types, the registration, one base class."""

from typing import Any, TypedDict

import keras

Tensor = Any  # a tensor or a variable of whichever backend Keras runs on
TensorShape = tuple[Any, ...]  # its sizes; a size is None, or a tensor, where it is not yet known
LayerConfig = dict[str, Any]  # what `get_config` returns: the arguments of the constructor

register = keras.saving.register_keras_serializable("pipeline")


class LayerOptions(TypedDict, total=False):
    """The keyword arguments that every Keras layer takes."""

    name: str | None
    dtype: object
    trainable: bool


class ShapePreserving(keras.Layer):
    """The base of the layers whose output has the shape of their input."""

    def compute_output_shape(self, input_shape: TensorShape) -> TensorShape:
        return input_shape
