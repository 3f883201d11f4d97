"""Probes: what a network computes during a call, recorded without a change to its code.

A probe replaces an attribute of one object for the time of a `with` block, and calls what it
replaced. It works where the network is called eagerly; a graph that was traced before never sees
it.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

import keras

from pipeline.network.base import Tensor
from pipeline.network.layers.dropout import Dropout
from pipeline.network.rnn.direction import Direction
from pipeline.network.rnn.dropout_hooks import States
from pipeline.network.rnn.gate_terms import CellTerms
from pipeline.network.rnn.normalizers import BatchNorm
from pipeline.network.rnn.recurrent import Recurrent

Function = Callable[..., Any]


@dataclass
class Recording:
    """What the layers of a network computed, by their names, in the order of the data.

    `outputs` are those of a layer, one for each of its calls. `states` (h, and c where there is
    one) and `gates` (the pre-activations, (row, gate and unit)) have an entry for each step in the
    order in which a direction of a recurrent layer takes them; their keys are the names of layer
    and direction, such as `recurrent_1.forward`.
    """

    outputs: dict[str, list[Tensor]] = field(default_factory=dict)
    states: dict[str, list[States]] = field(default_factory=dict)
    gates: dict[str, list[Tensor]] = field(default_factory=dict)


def directions(network: keras.Model) -> Iterator[tuple[str, Direction]]:
    """Yield every direction of every recurrent layer, after its name."""
    for layer in network._flatten_layers():
        if isinstance(layer, Recurrent):
            for direction in layer.directions:
                yield f"{layer.name}.{direction.name}", direction


@contextmanager
def recording(network: keras.Model, layers: dict[str, keras.Layer]) -> Iterator[Recording]:
    """Record what `network` computes within the block: the outputs of `layers`, and all states."""
    seen = Recording()
    with ExitStack() as probes:
        for name, layer in layers.items():
            output = _keeping(layer.call, seen.outputs.setdefault(name, []).append)
            probes.enter_context(_replaced(layer, "call", output))
        for name, direction in directions(network):
            states = _keeping(direction.states, seen.states.setdefault(name, []).extend)
            probes.enter_context(_replaced(direction, "states", states))
            begin = _with_gates(direction.normalization.begin, seen.gates.setdefault(name, []))
            probes.enter_context(_replaced(direction.normalization, "begin", begin))
        yield seen


@contextmanager
def dropping(network: keras.Model) -> Iterator[None]:
    """Draw the noise of every dropout within the block, at inference too."""
    with ExitStack() as probes:
        for layer in network._flatten_layers():
            if isinstance(layer, Dropout):
                probes.enter_context(_replaced(layer, "monte_carlo", True))
        for _, direction in directions(network):
            for place in ("input_dropout", "recurrent_dropout"):
                active = replace(getattr(direction, place), monte_carlo=True)
                probes.enter_context(_replaced(direction, place, active))
        yield


def batch_normalizations(network: keras.Model) -> list[keras.Layer]:
    """Return the layers, cells' own included, that use moving statistics at inference alone."""
    return [layer for layer in network._flatten_layers() if hasattr(layer, "moving_mean")]


@contextmanager
def batch_statistics(network: keras.Model) -> Iterator[None]:
    """Let these normalizations use the statistics of the batch within the block, as in training.

    Dropout stays off. A stateless call returns moved statistics and leaves the stored ones alone.
    """
    with ExitStack() as probes:
        for layer in batch_normalizations(network):
            name = "begin" if isinstance(layer, BatchNorm) else "call"
            probes.enter_context(_replaced(layer, name, _in_training(getattr(layer, name))))
        yield


@contextmanager
def _replaced(target: object, name: str, value: object) -> Iterator[None]:
    """Set an attribute of an object; at the end it is again what it was."""
    own, before = name in vars(target), getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        if own:
            setattr(target, name, before)
        else:
            delattr(target, name)


def _keeping(function: Function, keep: Callable[[Any], None]) -> Function:
    """Return `function`, whose results are kept as well."""

    @wraps(function)
    def kept(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        keep(result)
        return result

    return kept


def _with_gates(begin: Function, gates: list[Tensor]) -> Function:
    """Return `begin` of a cell normalization, whose sums of the two terms of a gate are kept."""

    @wraps(begin)
    def kept(steps: int, training: bool) -> CellTerms:
        terms: CellTerms = begin(steps, training)
        setattr(terms.gates, "sum", _keeping(terms.gates.sum, gates.append))  # noqa: B010
        return terms

    return kept


def _in_training(function: Function) -> Function:
    """Return `function(x, training)`, called as in training whatever it is told."""

    @wraps(function)
    def forced(first: Any, *_: Any, **__: Any) -> Any:
        return function(first, training=True)

    return forced
