"""The contract that every layer keeps, whatever it computes."""

import dataclasses
import doctest
import inspect
import json
import re
from importlib import import_module
from textwrap import dedent

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.kinds import DROPOUTS, HEADS, NORMALIZATIONS, SEASONS, WEIGHTS
from pipeline.network.layers.convolution import CausalConv1D
from pipeline.network.layers.cycle import Cycle
from pipeline.network.layers.dense import Dense
from pipeline.network.layers.direct import Direct
from pipeline.network.layers.head import Head
from pipeline.network.layers.pooling import Pooling
from pipeline.network.layers.reversible import Reversible
from pipeline.network.layers.shared_columns import SharedColumns
from pipeline.network.layers.squeeze_excite import SqueezeExcite
from pipeline.network.rnn.cells import CELLS
from pipeline.network.rnn.recurrent import Recurrent
from tests.network import references
from tests.network.examples import (
    BETWEEN,
    CELL,
    FEED_FORWARD,
    INPUT,
    RECURRENT,
    REPARAMETRIZATIONS,
    make,
    options,
    randomize,
)

REVERSIBLE = sorted(references.INVERSES)


def body(channels, targets):
    """A network from a past of so many channels, and two future covariates of three steps."""
    past, known = keras.layers.Input((5, channels)), keras.layers.Input((3, 2))
    head = Direct(3, targets, Dense(3 * targets))
    return keras.Model([past, known], head([keras.layers.Flatten()(past), known]))


LAYERS = {
    **{
        f"normalization {kind}": lambda row=row: make(row)
        for kind, row in {**INPUT, **BETWEEN}.items()
    },
    **{f"dropout {kind}": lambda row=row: make(row, seed=5) for kind, row in FEED_FORWARD.items()},
    **{
        f"dense {kind}": lambda row=row: Dense(3, reparametrization=make(row, name="weights"))
        for kind, row in REPARAMETRIZATIONS.items()
    },
    **{
        f"convolution {kind}": lambda row=row: CausalConv1D(3, 2, 2, reparametrization=make(row))
        for kind, row in REPARAMETRIZATIONS.items()
    },
    "dense": lambda: Dense(3, activation="relu"),
    "convolution": lambda: CausalConv1D(3, 2, dilation_rate=2, use_bias=False),
    "pooling average": lambda: Pooling("average", 2),
    "pooling max": lambda: Pooling("max", 2),
    "squeeze_excite": lambda: SqueezeExcite(2),
    **{
        f"reversible {kind}": lambda kind=kind: Reversible(
            make(NORMALIZATIONS[kind]), body(4, 2), 3
        )
        for kind in REVERSIBLE
    },
    "cycle": lambda: Cycle(body(4, 2), phases=3, position=-2, channels=2),
    "cycle reversible": lambda: Cycle(
        Reversible(make(NORMALIZATIONS["revin"]), body(4, 2), 2), 3, -2, channels=2
    ),
    "shared columns": lambda: SharedColumns(2, body(3, 1)),
    "shared columns reversible": lambda: Reversible(
        make(NORMALIZATIONS["revin"]), SharedColumns(2, body(3, 1)), 3
    ),
    **{
        f"head {kind}": lambda row=row: row.load()(3, 2, Dense(row.load().outputs(3, 2)))
        for kind, row in HEADS.items()
    },
}
every_layer = pytest.mark.parametrize("make_layer", LAYERS.values(), ids=list(LAYERS))


CLASSES = {
    row.load()
    for table in (NORMALIZATIONS, DROPOUTS, WEIGHTS, SEASONS, HEADS)
    for row in table.values()
    if row.layer and row.layer.startswith("pipeline.")
}
CLASSES |= {
    CausalConv1D,
    Dense,
    Pooling,
    Recurrent,
    Reversible,
    SharedColumns,
    SqueezeExcite,
    *CELLS.values(),
}


every_class = pytest.mark.parametrize(
    "layer", sorted(CLASSES, key=str), ids=lambda layer: layer.__name__
)


@every_class
def test_a_docstring_begins_with_a_name_and_a_formula_or_a_sentence(layer):
    assert re.match(r"[A-Z][^\n]+[.;]\n\n", inspect.getdoc(layer))


@every_class
def test_a_docstring_says_shapes_causality_cost_and_source_in_this_order(layer):
    expected = ["Shapes", "Causality", "Cost", "Source"]
    if layer in {*CELLS.values(), *(row.load() for row in REPARAMETRIZATIONS.values())}:
        expected.remove("Causality")  # nothing in them is over time
    sections = docstring_sections(layer)
    assert [name for name in sections if name in expected] == expected
    assert all(sections[name] for name in expected)


@every_class
def test_a_docstring_explains_every_argument_that_the_class_adds(layer):
    described = re.findall(r"^(\w+)(?:, \w+)*: ", docstring_sections(layer).get("Args", ""), re.M)
    assert set(described) >= set(own_arguments(layer))


def own_arguments(layer):
    """Arguments of the constructor that `layer` itself defines, and not one of its bases."""
    if dataclasses.is_dataclass(layer):
        return list(vars(layer).get("__annotations__", {}))
    if "__init__" not in vars(layer) or layer in CELLS.values():
        return []
    parameters = inspect.signature(layer.__init__).parameters.values()
    return [each.name for each in parameters if each.name not in ("self", "kwargs")]


def docstring_sections(layer):
    """Bodies of the sections (`Args:`, `Shapes:`, ...) of the class's own docstring, by name."""
    text = inspect.cleandoc(vars(layer)["__doc__"])
    found = re.findall(r"^(\w+):\n((?:(?: {4}.*)?(?:\n|$))+)", text, re.M)
    return {name: dedent(body).strip() for name, body in found}


EXAMPLES = [
    test
    for module in sorted({layer.__module__ for layer in CLASSES})
    for test in doctest.DocTestFinder().find(import_module(module))
    if test.examples
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_in_a_docstring_prints_what_it_says(example):
    example.globs["keras"] = keras
    assert doctest.DocTestRunner().run(example).failed == 0


@pytest.fixture
def x():
    return (
        np.random.default_rng(0).normal(size=(2, 4, 5, 4)).astype("float32")
    )  # (replica, batch, time, channel)


def network(layer):
    """A model of `x` alone: where a layer asks for future covariates, they are a part of it."""
    x = keras.layers.Input((5, 4))
    if isinstance(layer, Head):
        return keras.Model(x, layer([x[:, -1], x[:, 2:, 2:]]))
    if isinstance(layer, Cycle | Reversible | SharedColumns):
        return keras.Model(x, layer([x, x[:, 2:, 2:]]))
    return keras.Model(x, layer(x))


@pytest.mark.parametrize(
    ("table", "theirs", "elsewhere"),
    [
        (NORMALIZATIONS, references.NORMALIZATIONS, CELL),
        (DROPOUTS, references.DROPOUTS, RECURRENT),
        (WEIGHTS, references.WEIGHTS, set()),
        (SEASONS, references.SEASONS, set()),
        (HEADS, references.HEADS, set()),
    ],
    ids=["normalizations", "dropouts", "weights", "seasons", "heads"],
)
def test_every_kind_has_a_reference(table, theirs, elsewhere):
    assert {kind for kind, row in table.items() if row.places - elsewhere} == set(theirs)


@pytest.mark.parametrize(
    ("kind", "row"),
    [*INPUT.items(), *BETWEEN.items(), *FEED_FORWARD.items(), *REPARAMETRIZATIONS.items()],
)
def test_a_configuration_contains_every_option_and_makes_the_same_layer(kind, row):
    unusual = {
        name: not value
        if isinstance(value, bool)
        else value + 1
        if isinstance(value, int)
        else value / 2
        for name, value in options(row).items()
    }
    layer = make(row, **unusual)
    config = layer.get_config()
    assert {name: config[name] for name in unusual} == unusual
    assert type(layer).from_config(config).get_config() == config


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # Keras' own, where it hands variables to h5py
@every_layer
def test_what_is_saved_comes_back_bit_for_bit(make_layer, x, tmp_path):
    model = network(make_layer())
    randomize(model, np.random.default_rng(1))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(x[0]), again(x[0]))
    assert json.dumps(again.layers[-1].get_config()) == json.dumps(model.layers[-1].get_config())


@every_layer
def test_a_step_reaches_every_trained_weight(make_layer, x):
    model = network(make_layer())
    with tf.GradientTape() as tape:
        y = model(x[0], training=True)
        loss = tf.reduce_sum(tf.sin(y + 1))
    assert np.isfinite(y).all()
    assert y.shape == (4, *model.output_shape[1:])
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        assert np.abs(gradient).max() > 0, variable.path


@every_layer
def test_replicas_in_one_graph_are_what_each_is_alone(make_layer, x):
    model, rng = network(make_layer()), np.random.default_rng(1)

    def alone(arguments):
        weights, state, inputs = arguments
        with tf.GradientTape() as tape:
            tape.watch((weights, inputs))
            outputs, state = model.stateless_call(weights, state, inputs, training=True)
            loss = tf.reduce_sum(tf.sin(outputs))
        return outputs, state, tape.gradient(loss, (weights, inputs))

    stacked = [
        _two(model.trainable_variables, rng),
        _two(model.non_trainable_variables, rng),
        tf.constant(x),
    ]
    together = tf.function(lambda *a: tf.vectorized_map(alone, a, fallback_to_while_loop=False))(
        *stacked
    )
    for i in range(2):
        expected = alone(tf.nest.map_structure(lambda v, i=i: v[i], stacked))
        tf.nest.map_structure(
            lambda a, b, i=i: np.testing.assert_allclose(a[i], b, rtol=1e-4, atol=1e-5),
            together,
            expected,
        )


def _two(variables, rng):
    """Weights of two replicas, apart from each other; seeds too."""
    return [
        tf.constant(
            np.stack([v] * 2)
            + (
                rng.uniform(0, 0.2, (2, *v.shape))
                if "float" in v.dtype
                else rng.integers(1, 9, (2, *v.shape))
            ),
            v.dtype,
        )
        for v in variables
    ]
