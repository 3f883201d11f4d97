"""Normalization inside a recurrent cell: the places where it can stand."""

from typing import Any

import keras

Tensor = Any


class CellNormalization(keras.Layer):
    """The identity in every place, and the base of what overrides some of them."""

    def inputs(self, x: Tensor, bias: Tensor) -> Tensor:
        """All x-terms at once, (batch, time, gate and unit), with the bias where it belongs to them."""
        return x + bias

    def recurrent(self, z: Tensor, t: int) -> Tensor:
        """The h-term of step t, (batch, gate and unit)."""
        return z

    def sum(self, x: Tensor, z: Tensor, bias: Tensor, t: int) -> Tensor:
        """Pre-activations of the gates that add both terms."""
        return x + z

    def cell(self, c: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """The cell state, (batch, unit), as the output gate sees it, and as the next step gets it."""
        return c, c

    def output(self, h: Tensor) -> Tensor:
        """The output of a step, (batch, unit)."""
        return h
