"""Normalization inside a recurrent cell: the base of the kinds, which says what is normalized.

The kinds are in `cell_layer_normalization` and `cell_batch_normalization`. A kind is a layer
without a call of its own. It says how its normalizers are arranged around the two terms of the
gates (see `gate_terms`), and which copy of the cell state it normalizes. At the beginning of each
call of the recurrent layer it hands out `CellTerms`, which the cell uses at each step.

The kinds are used inside `Recurrent` only, which keeps their options in its own configuration and
creates them from there again; therefore they are not registered with Keras.
"""

from collections.abc import Mapping
from typing import Unpack

import keras

from pipeline.network.base import LayerOptions
from pipeline.network.rnn.gate_terms import CellTerms, Unnormalized
from pipeline.network.rnn.normalizers import Normalizer, Term


class CellNormalization(keras.Layer):
    """No normalization, x W + h U + b: the kind `none`, and the base of the others.

    Args:
        cell: which copy of an LSTM's cell state is normalized: `none`; `output`, the copy that
            the output gate sees, while the next step gets the raw state; or `state`, the copy
            that the next step gets as well.
        output: whether h is normalized, which is the output and the next step's input.
    """

    gates: type[Unnormalized] = Unnormalized
    candidate: type[Unnormalized] = Unnormalized

    def __init__(
        self, cell: str = "none", output: bool = False, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.cell, self.normalize_output = cell, output

    def normalizer(self, gates: int, units: int, steps: int, state: bool, name: str) -> Normalizer:
        """Create the normalizer of a term of `gates` gates, or of a state, as wide as one gate."""
        raise NotImplementedError

    def attach(self, *, summed: int, apart: int, states: int, units: int, steps: int) -> None:
        """Create the normalizers for a cell.

        Args:
            summed: number of gates that add their x-term and their h-term.
            apart: number of gates that do not (the candidate of a GRU).
            states: number of states.
            units: width of a gate and of a state.
            steps: length of the window.
        """
        made: dict[str, Normalizer] = {}
        for block, gates, arrangement in (
            ("gates", summed, self.gates),
            ("candidate", apart, self.candidate),
        ):
            for term in arrangement.terms if gates else ():
                name = f"{block}_{term}"
                made[name] = self.normalizer(gates, units, steps, False, name)
        if states > 1 and self.cell != "none":
            made["cell"] = self.normalizer(1, units, steps, True, "cell")
        if self.normalize_output:
            made["output"] = self.normalizer(1, units, steps, True, "output")
        self.normalizers = made
        self.built = True

    def begin(self, steps: int, training: bool) -> CellTerms:
        """Return the normalizations of one call over `steps` steps."""
        terms = {
            name: normalizer.begin(steps, training) for name, normalizer in self.normalizers.items()
        }
        gates = _block(self.gates, "gates", terms)
        candidate = _block(self.candidate, "candidate", terms)
        return CellTerms(gates, candidate, terms, normalizes_state=self.cell == "state")


def _block(arrangement: type[Unnormalized], name: str, terms: Mapping[str, Term]) -> Unnormalized:
    """Return a block of gates with those of `terms` that belong to it."""
    names = [f"{name}_{term}" for term in arrangement.terms]
    own = [terms[each] for each in names if each in terms]
    return arrangement(*own) if own else Unnormalized()
