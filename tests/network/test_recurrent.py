"""The recurrent layer compared with NumPy, Keras and exact slopes, and what its kinds promise."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS
from pipeline.network.layers import noise
from pipeline.network.rnn.cell_layer_normalization import LayerSeparate
from pipeline.network.rnn.cells import LSTM
from pipeline.network.rnn.dropout_hooks import Hooks
from pipeline.network.rnn.recurrent import Recurrent
from tests.network import cell_references as references
from tests.network import references as kernel_references
from tests.network.recurrent_cases import (
    CASES,
    CELLS,
    DROPPED,
    FEW,
    NORMALIZED,
    REPARAMETRIZED,
    inside,
)

BATCH, STEPS, CHANNELS, UNITS = 3, 5, 2, 3
KERAS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "simple_rnn": keras.layers.SimpleRNN}


def cases(table):
    return pytest.mark.parametrize("case", table.values(), ids=list(table))


def window(batch=BATCH, steps=STEPS, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, steps, CHANNELS))


def layer(case, dtype="float64", steps=STEPS, **more):
    """Built, with weights off their initial values."""
    made = Recurrent(**{"units": UNITS, "dtype": dtype, **case, **more})
    made.build((None, steps, CHANNELS))
    rng = np.random.default_rng(1)
    for variable in made.variables:
        if "float" in variable.dtype:
            low, high = (
                (0.5, 1.5)
                if any(name in variable.path for name in ("gamma", "variance", "length"))
                else (-1, 1)
            )
            variable.assign(rng.uniform(low, high, variable.shape))
    return made


def weights(direction):
    """Weights of one direction by their path in it, in float64."""
    return {
        variable.path.split(f"{direction.name}/")[-1]: np.asarray(variable, np.float64)
        for variable in direction.weights
    }


def rewind(made):
    """So that the next masks are those of the first call."""
    for direction in made.directions:
        direction.generator.state.assign([5, 0])


@pytest.fixture
def drawn(monkeypatch):
    """The masks that were drawn, in order."""
    masks, keep = [], noise.keep

    def recording(*arguments):
        masks.append(keep(*arguments))
        return masks[-1]

    monkeypatch.setattr(noise, "keep", recording)
    return masks


def expected(made, x, masks, training, w=None, start=0.0):
    """States by the references, of a layer of one direction with its weights or `w`, from h_0."""
    (direction,), options = made.directions, made.get_config()
    w = effective(weights(direction) if w is None else w, **options["weights"])
    masks = [np.asarray(mask, np.float64) for mask in masks]
    split = 0 if options["input_dropout"]["kind"] == "none" else 1
    slots = {
        name: {**options[name]} for name in ("normalization", "input_dropout", "recurrent_dropout")
    }
    kinds = {name: slot.pop("kind") for name, slot in slots.items()}
    norm = references.NORMALIZATIONS[kinds["normalization"]](w, training, **slots["normalization"])
    on_input = references.DROPOUTS[kinds["input_dropout"]](
        masks[:split] or None, **slots["input_dropout"]
    )
    dropout = references.DROPOUTS[kinds["recurrent_dropout"]](
        masks[split:] or None, **slots["recurrent_dropout"]
    )
    return references.sweep(options["cell"], x, w, norm, on_input, dropout, start)


def effective(w, kind, **options):
    """`w` with the recurrent kernel that its reparametrization makes of it."""
    inside = {
        path.split("/")[-1]: value for path, value in w.items() if path.startswith("weights/")
    }
    return {
        **w,
        "recurrent_kernel": kernel_references.WEIGHTS[kind](
            w["recurrent_kernel"], inside, **options
        ),
    }


@pytest.mark.parametrize(
    ("table", "places", "theirs"),
    [
        (NORMALIZATIONS, ["cell"], references.NORMALIZATIONS),
        (DROPOUTS, ["input", "recurrent"], references.DROPOUTS),
    ],
    ids=["normalizations", "dropouts"],
)
def test_every_kind_inside_a_cell_has_a_reference(table, places, theirs):
    assert {kind for place in places for kind in inside(table, place)} == set(theirs)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@cases(CASES)
def test_states_over_twelve_steps_are_those_of_the_reference(case, training, drawn):
    x = window(steps=12)
    made = layer(case, steps=12)
    states = made.directions[0].states(tf.constant(x), training)
    np.testing.assert_allclose(
        np.array(states), np.array(expected(made, x, drawn, training)), rtol=0, atol=1e-10
    )


@cases(CASES)
def test_single_precision_is_close_to_the_reference(case, drawn):
    x = window(batch=8, steps=12).astype("float32")
    made = layer(case, "float32", steps=12)
    outputs = made(x, training=True)
    np.testing.assert_allclose(
        outputs, expected(made, x.astype("float64"), drawn, True)[-1][0], rtol=0, atol=1e-5
    )


@cases(CASES)
def test_gradients_over_twelve_steps_are_the_slopes_of_the_reference_and_reach_every_weight(
    case, drawn
):
    made, x, rng = layer(case, steps=12), tf.constant(window(steps=12)), np.random.default_rng(2)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.sin(made(x, training=True) + 1))
    (direction,), here = made.directions, {"x": x.numpy(), **weights(made.directions[0])}
    trained = {
        variable.path.split(f"{direction.name}/")[-1]: variable.value
        for variable in direction.trainable_weights
    }
    gradients = tape.gradient(loss, {"x": x, **trained})
    for name, gradient in gradients.items():
        assert np.abs(gradient).max() > 0, name
        direction = rng.normal(size=gradient.shape)
        moved = {**here, name: here[name] + 1e-30j * direction}
        outputs = expected(made, moved.pop("x"), drawn, True, moved)[-1][0]
        slope = np.sin(outputs + 1).sum().imag / 1e-30
        np.testing.assert_allclose(
            np.sum(gradient * direction), slope, rtol=1e-10, atol=1e-10, err_msg=name
        )


@pytest.mark.parametrize("bidirectional", [False, True], ids=["forward", "both"])
@pytest.mark.parametrize("sequences", [False, True], ids=["last", "sequences"])
@pytest.mark.parametrize("cell", CELLS)
def test_with_everything_off_it_is_the_layer_of_keras(cell, sequences, bidirectional):
    made = layer({"cell": cell}, return_sequences=sequences, bidirectional=bidirectional)
    theirs = KERAS[cell](UNITS, return_sequences=sequences, dtype="float64")
    theirs = keras.layers.Bidirectional(theirs, dtype="float64") if bidirectional else theirs
    theirs.build((None, STEPS, CHANNELS))
    theirs.set_weights([v.numpy() for v in made.trainable_variables])
    outputs = made(window())
    np.testing.assert_allclose(outputs, theirs(window()), rtol=0, atol=1e-12)
    assert outputs.shape == made.compute_output_shape((BATCH, STEPS, CHANNELS))


@pytest.mark.parametrize("cell", CELLS)
def test_pieces_of_a_window_are_the_batches_of_a_stateful_layer_of_keras_one_after_the_other(cell):
    made, x = layer({"cell": cell, "stateful": 4}), tf.constant(window(steps=12))
    theirs = KERAS[cell](UNITS, stateful=True, dtype="float64")
    theirs.build((BATCH, 4, CHANNELS))
    theirs.set_weights([v.numpy() for v in made.trainable_variables])
    theirs(x[:, :4]), theirs(x[:, 4:8])

    def outputs_and_gradients(each, x, newest):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = each(x)
        *weights, inputs = tape.gradient(outputs, [*(v.value for v in each.trainable_variables), x])
        return [outputs, *weights, inputs[:, newest:]], inputs[:, :newest]

    ours, earlier = outputs_and_gradients(made, x, 8)
    for mine, other in zip(ours, outputs_and_gradients(theirs, x[:, 8:], 0)[0], strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(earlier, 0)  # the state goes on, its gradient does not
    np.testing.assert_array_equal(made(x), layer({"cell": cell})(x))


@pytest.mark.parametrize("cell", CELLS)
def test_noise_on_the_state_before_the_first_step_is_there_in_training_only(cell, monkeypatch):
    made, plain, x, drawn = (
        layer({"cell": cell, "initial_noise": 0.1}),
        layer({"cell": cell}),
        window(),
        [],
    )
    np.testing.assert_array_equal(made(x), plain(x))
    normal = noise.normal
    monkeypatch.setattr(
        noise, "normal", lambda *arguments: drawn.append(normal(*arguments)) or drawn[-1]
    )
    states = made.directions[0].states(tf.constant(x), True)
    start = 0.1 * np.asarray(drawn[0])
    np.testing.assert_allclose(
        np.array(states), np.array(expected(made, x, [], True, start=start)), rtol=0, atol=1e-7
    )
    assert start.shape == (BATCH, UNITS)


@pytest.mark.parametrize("cell", CELLS)
def test_initial_weights_are_drawn_as_keras_draws_them(cell):
    keras.utils.set_random_seed(1)
    made = Recurrent(cell=cell, units=UNITS)
    made.build((None, STEPS, CHANNELS))
    keras.utils.set_random_seed(1)
    theirs = KERAS[cell](UNITS)
    theirs.build((None, STEPS, CHANNELS))
    for ours, other in zip(made.trainable_variables, theirs.trainable_variables, strict=True):
        assert ours.shape == other.shape
    np.testing.assert_array_equal(made.trainable_variables[-1], theirs.trainable_variables[-1])
    recurrent = made.trainable_variables[1].numpy()
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(UNITS), atol=1e-6)


@pytest.mark.parametrize(
    ("cell", "carry"), [("state", [-1.0, 1.0]), ("output", [0.28764914, 0.36075499])]
)
def test_one_vector_distinguishes_the_two_states_that_are_carried(cell, carry):
    normalization = LayerSeparate(epsilon=1e-12, cell=cell, dtype="float64")
    normalization.attach(summed=4, apart=0, states=2, units=2, steps=1)
    bias = tf.constant(np.repeat([0.5, 1.0, 0.5, 0.5], 2))
    lstm = LSTM(2, keras.ops.tanh, bias, normalization.begin(1, False), Hooks())
    half, states = (
        np.full((2, 8), 0.5),
        [tf.constant([[0.2, 0.3]], "float64"), tf.constant([[0.0, 0.1]], "float64")],
    )
    (x,) = lstm.inputs(tf.constant(np.ones((1, 1, 2)) @ half))
    h, c = lstm.step(x, states[0] @ half, states, 0)
    np.testing.assert_allclose(h, [[-0.47406139, 0.47406139]], atol=1e-8)
    np.testing.assert_allclose(c, [carry], atol=1e-8)


@cases(
    {
        name: case
        for name, case in NORMALIZED.items()
        if "layer" in name and "masks" not in name and "contrib" not in name
    }
)
def test_layer_normalization_does_not_see_the_scale_of_the_kernels(case):
    made = layer({**case, "normalization": {**case["normalization"], "epsilon": 1e-14}})
    before = made(window()).numpy()
    for direction in made.directions:
        direction.kernel.assign(3 * direction.kernel)
        direction.recurrent_kernel.assign(3 * direction.recurrent_kernel)
    np.testing.assert_allclose(made(window()), before, atol=1e-7)


@pytest.mark.parametrize("kind", REPARAMETRIZED)
def test_the_recurrent_kernel_is_what_its_reparametrization_makes_of_it(kind):
    limit = {"limit": 0.5} if kind == "max_norm" else {}
    made, plain = layer({"weights": {"kind": kind, **limit}}), layer({})
    (direction,), (other,) = made.directions, plain.directions
    for name in ("kernel", "bias"):
        getattr(other, name).assign(getattr(direction, name))
    other.recurrent_kernel.assign(direction.reparametrization.effective(direction.recurrent_kernel))
    np.testing.assert_allclose(made(window()), plain(window()), atol=1e-12)
    assert (kind == "none") == np.array_equal(direction.recurrent_kernel, other.recurrent_kernel)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@cases({name: case for name, case in CASES.items() if case["cell"] != "simple_rnn"})
def test_no_step_sees_a_later_one(case, training):
    made, x = layer(case, return_sequences=True), window()
    changed = np.concatenate([x[:, :3], window(seed=9)[:, 3:]], axis=1)
    rewind(made)
    before = made(x, training=training).numpy()
    rewind(made)
    same = np.allclose(made(changed, training=training)[:, :3], before[:, :3], rtol=0, atol=1e-12)
    whole_window = case.get("normalization", {}).get("kind") == "batch_inputs" and not case[
        "normalization"
    ].get("per_step")
    assert same == (not training or not whole_window)
    assert not np.allclose(made(changed)[:, 3:], made(x)[:, 3:])


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@cases(NORMALIZED)
def test_a_sample_depends_on_its_batch_only_under_batch_normalization_in_training(case, training):
    made, x = layer(case), window()
    changed = np.concatenate([x[:1], window(seed=9)[1:]])
    outputs = []
    for batch in (x, changed):
        rewind(made)
        outputs.append(made(batch, training=training)[0])
    same = np.allclose(*outputs, rtol=0, atol=1e-12)
    assert same == (not training or "batch" not in case["normalization"]["kind"])


@pytest.mark.parametrize(("kind", "rows"), [("batch_recurrent", STEPS), ("batch_shared", 1)])
def test_stored_statistics_move_towards_those_of_each_step(kind, rows):
    made, x = layer({"normalization": {"kind": kind, "momentum": 0.9}}), window(batch=8)
    before = weights(made.directions[0])
    made(x, training=True)
    after = weights(made.directions[0])
    terms = x @ before["kernel"]  # (batch, time, gate and unit)
    for what, moment in (("mean", terms.mean(0)), ("variance", terms.var(0))):
        old, new = (w[f"gates_x/moving_{what}"] for w in (before, after))
        assert old.shape == (rows, 4 * UNITS)
        np.testing.assert_allclose(
            new, 0.9 * old + 0.1 * moment.reshape(rows, -1, 4 * UNITS).mean(1), atol=1e-12
        )
    assert {name: value.shape for name, value in after.items() if "moving_mean" in name} == {
        "gates_x/moving_mean": (rows, 4 * UNITS),
        "gates_h/moving_mean": (rows, 4 * UNITS),
        "cell/moving_mean": (rows, UNITS),
    }


@pytest.mark.parametrize(("kind", "left"), [("batch_recurrent", 0.0), ("batch_shared", 0.01)])
def test_training_and_inference_converge_unless_all_steps_share_their_statistics(kind, left):
    made, x = (
        layer({"normalization": {"kind": kind, "momentum": 0.5}}, return_sequences=True),
        window(batch=8),
    )
    gaps = [np.abs(made(x) - made(x, training=True)).max() for _ in range(60)]
    assert gaps[0] > 0.01
    assert gaps[-1] < 1e-9 if left == 0 else gaps[-1] > left


def test_batch_normalization_beyond_its_last_step_uses_the_statistics_of_that_step():
    made, x = (
        layer({"normalization": {"kind": "batch_recurrent"}}, return_sequences=True),
        window(steps=STEPS + 3),
    )
    longer = layer(
        {"normalization": {"kind": "batch_recurrent"}}, steps=STEPS + 3, return_sequences=True
    )
    for variable, short in zip(longer.weights, made.weights, strict=True):
        stretched = (
            [short, np.repeat(short[-1:], 3, axis=0)] if "moving" in variable.path else [short]
        )
        variable.assign(np.concatenate(stretched))
    np.testing.assert_allclose(made(x), longer(x), atol=1e-12)
    with pytest.raises(ValueError, match="expected 5 time steps in training, received 8"):
        made(x, training=True)


@cases(
    {
        name: case
        for name, case in NORMALIZED.items()
        if "batch" in case["normalization"]["kind"] and len(case) == 2
    }
)
def test_batch_normalization_that_is_forced_to_the_identity_leaves_the_plain_cell(case):
    made, plain = (
        layer(each, return_sequences=True)
        for each in (
            {**case, "normalization": {**case["normalization"], "epsilon": 1e-15}},
            {"cell": case["cell"]},
        )
    )
    identity = {"gamma": 1.0, "beta": 0.0, "moving_mean": 0.0, "moving_variance": 1.0}
    for variable in made.directions[0].normalization.variables:
        variable.assign(np.full(variable.shape, identity[variable.name]))
    for name in ("kernel", "recurrent_kernel", "bias"):
        getattr(plain.directions[0], name).assign(getattr(made.directions[0], name))
    np.testing.assert_allclose(made(window()), plain(window()), rtol=0, atol=1e-12)


def test_frozen_batch_normalization_uses_and_keeps_its_stored_statistics():
    made, x = layer({"normalization": {"kind": "batch_recurrent"}}), window()
    made.trainable = False
    before = weights(made.directions[0])
    np.testing.assert_array_equal(made(x, training=True), made(x))
    for name, value in weights(made.directions[0]).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    ("case", "shapes"),
    [
        ({"input_dropout": {"kind": "keras", "rate": 0.4}}, [(64, CHANNELS)]),
        ({"recurrent_dropout": {"kind": "keras", "rate": 0.4}}, [(4, 64, UNITS)]),
        (
            {
                "input_dropout": {"kind": "keras", "rate": 0.4},
                "recurrent_dropout": {"kind": "keras", "rate": 0.4},
            },
            [(4, 64, CHANNELS), (4, 64, UNITS)],
        ),
        (
            {
                "input_dropout": {"kind": "keras", "rate": 0.4},
                "recurrent_dropout": {"kind": "keras", "rate": 0.0},
            },
            [(64, CHANNELS)],
        ),
        ({"cell": "gru", "recurrent_dropout": {"kind": "keras", "rate": 0.4}}, [(3, 64, UNITS)]),
        (
            {"cell": "simple_rnn", "recurrent_dropout": {"kind": "keras", "rate": 0.4}},
            [(64, UNITS)],
        ),
        ({"input_dropout": {"kind": "gal", "rate": 0.4}}, [(4, 64, CHANNELS)]),
        ({"recurrent_dropout": {"kind": "gal", "rate": 0.4, "tied": True}}, [(64, UNITS)]),
        ({"recurrent_dropout": {"kind": "moon", "rate": 0.4}}, [(64, UNITS)]),
        ({"recurrent_dropout": {"kind": "semeniuta", "rate": 0.4}}, [(STEPS, 64, UNITS)]),
        (
            {"recurrent_dropout": {"kind": "semeniuta", "rate": 0.4, "per_step": False}},
            [(64, UNITS)],
        ),
        (
            {"recurrent_dropout": {"kind": "zoneout", "rate": 0.4, "cell_rate": 0.4}},
            [(STEPS, 64, UNITS)] * 2,
        ),
        ({"recurrent_dropout": {"kind": "weight_drop", "rate": 0.4}}, [(UNITS, 4 * UNITS)]),
        ({"recurrent_dropout": {"kind": "per_step", "rate": 0.4}}, [(STEPS, 64, UNITS)]),
    ],
    ids=str,
)
def test_masks_are_shared_along_the_axes_that_they_do_not_have_and_keep_the_mean(
    case, shapes, drawn
):
    made, x = layer(case), window(batch=64)
    made(x, training=True)
    assert [mask.shape for mask in drawn] == shapes
    for _ in range(19):
        made(x, training=True)
    values = np.concatenate([np.ravel(mask) for mask in drawn])
    np.testing.assert_allclose(np.unique(values), [0, 1 / 0.6], rtol=1e-6)
    error = np.sqrt(0.4 / 0.6 / values.size)
    assert abs(values.mean() - 1) < 4 * error


@cases(DROPPED)
def test_dropout_is_off_at_inference_and_at_rate_zero_and_then_draws_nothing(case, drawn):
    plain = {name: value for name, value in case.items() if "dropout" not in name}
    off = {
        name: {**value, "rate": 0.0, **({"cell_rate": 0.0} if "cell_rate" in value else {})}
        for name, value in case.items()
        if "dropout" in name
    }
    made, x, without = layer(case), window(), layer(plain)
    if "zoneout" not in str(case):  # whose inference is an expectation
        np.testing.assert_array_equal(made(x), without(x))
    states = [direction.generator.state.numpy() for direction in made.directions]
    made(x)
    assert all(
        np.array_equal(state, direction.generator.state)
        for state, direction in zip(states, made.directions, strict=True)
    )
    np.testing.assert_array_equal(
        layer({**plain, **off})(x, training=True), without(x, training=True)
    )
    assert not drawn


@cases(
    {
        name: case
        for name, case in DROPPED.items()
        if case["cell"] == "lstm" and "normalization" not in case
    }
)
def test_masks_depend_on_the_seed_and_change_from_call_to_call(case):
    made, again, other, x = (
        layer(case, seed=1),
        layer(case, seed=1),
        layer(case, seed=2),
        window(batch=16),
    )
    first = made(x, training=True)
    np.testing.assert_array_equal(first, again(x, training=True))
    assert not np.array_equal(first, other(x, training=True))
    assert not np.array_equal(first, made(x, training=True))


def test_both_directions_have_masks_of_their_own(drawn):
    made = layer({"recurrent_dropout": {"kind": "moon", "rate": 0.5}}, bidirectional=True)
    made(window(batch=32), training=True)
    forward, backward = drawn
    assert not np.array_equal(forward, backward)


@cases({name: case for name, case in DROPPED.items() if case["cell"] == "lstm" and len(case) == 2})
def test_monte_carlo_leaves_dropout_on_at_inference(case):
    made, x = (
        layer(
            {
                name: {**value, "monte_carlo": True} if "dropout" in name else value
                for name, value in case.items()
            }
        ),
        window(batch=16),
    )
    rewind(made)
    passes = [made(x).numpy() for _ in range(2)]
    assert not np.array_equal(*passes)
    rewind(made)
    np.testing.assert_array_equal(made(x, training=True), passes[0])


def test_a_unit_that_moon_drops_has_no_memory_at_any_step(drawn):
    made = layer({"recurrent_dropout": {"kind": "moon", "rate": 0.5}})
    cells = np.array([c for _, c in made.directions[0].states(tf.constant(window()), True)])
    (mask,) = drawn
    np.testing.assert_array_equal(cells == 0, np.broadcast_to(mask == 0, cells.shape))


def test_the_first_step_does_not_feel_weight_drop():
    made, x = (
        layer({"recurrent_dropout": {"kind": "weight_drop", "rate": 0.5}}, return_sequences=True),
        window(),
    )
    dropped, whole = made(x, training=True), made(x)
    np.testing.assert_array_equal(dropped[:, 0], whole[:, 0])
    assert not np.allclose(dropped[:, 1:], whole[:, 1:])


def test_zoneout_at_a_rate_near_one_stands_still():
    made = layer(
        {"recurrent_dropout": {"kind": "zoneout", "rate": 1 - 1e-9, "cell_rate": 1 - 1e-9}}
    )
    np.testing.assert_array_equal(made(window(), training=True), np.zeros((BATCH, UNITS)))
    np.testing.assert_allclose(made(window()), np.zeros((BATCH, UNITS)), atol=1e-7)


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # Keras' own, where it hands variables to h5py
@cases(FEW)
def test_a_saved_layer_comes_back_bit_for_bit(case, tmp_path):
    made = layer(case, "float32", bidirectional="contrib" in str(case))
    model = keras.Sequential([keras.layers.Input((STEPS, CHANNELS)), made])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(window()), again(window()))
    config = made.get_config()
    assert Recurrent.from_config(json.loads(json.dumps(config))).get_config() == config


@cases(FEW)
def test_replicas_in_one_graph_are_what_each_is_alone(case):
    made = layer(case, steps=2, bidirectional="keras twice" in str(case))
    rng = np.random.default_rng(3)
    trained = [
        tf.constant(np.stack([v, v + rng.uniform(0, 0.2, v.shape)]))
        for v in made.trainable_variables
    ]
    kept = [
        tf.constant(np.stack([v, v + rng.integers(1, 3, v.shape).astype(v.dtype)]))
        for v in made.non_trainable_variables
    ]

    def alone(arguments):
        weights, state, x = arguments
        with tf.GradientTape() as tape:
            tape.watch((weights, x))
            outputs, state = made.stateless_call(weights, state, x, training=True)
            loss = tf.reduce_sum(tf.sin(outputs + 1))
        return outputs, state, tape.gradient(loss, (weights, x))

    arguments = trained, kept, tf.constant(np.stack([window(steps=2), window(steps=2, seed=4)]))
    together = tf.function(lambda *a: tf.vectorized_map(alone, a, fallback_to_while_loop=False))(
        *arguments
    )
    for i in range(2):
        single = alone(tf.nest.map_structure(lambda v, i=i: v[i], arguments))
        tf.nest.map_structure(
            lambda a, b, i=i: np.testing.assert_allclose(a[i], b, rtol=1e-9, atol=1e-10),
            together,
            single,
        )


@pytest.mark.parametrize("kind", inside(NORMALIZATIONS, "cell"))
def test_half_precision_normalizes_in_single(kind):
    made = layer({"normalization": {"kind": kind}}, "mixed_float16", units=8)
    outputs = made(100 * window(batch=8), training=True)
    assert outputs.dtype == tf.float16
    assert np.isfinite(outputs).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": "rnn"}, "cell: .*'lstm', 'gru' or 'simple_rnn', received 'rnn'"),
        ({"units": 0}, "units.0: .*, received 0"),
        ({"activation": "tan"}, "activation: .*, received 'tan'"),
        (
            {"normalization": {"kind": "layer"}},
            "normalization: .*choose one of .*layer_paper.*, received {'kind': 'layer'}",
        ),
        (
            {"recurrent_dropout": {"kind": "keras", "rate": 20}},
            "rate is 20; it must be a number from 0 up to but not 1",
        ),
        ({"recurrent_dropout": {"kind": "keras"}}, "needs the option 'rate'"),
        (
            {"normalization": {"kind": "layer_paper", "cell": "raw"}},
            "cell is 'raw'; it must be one of none, output, state",
        ),
        (
            {"cell": "gru", "recurrent_dropout": {"kind": "moon", "rate": 0.1}},
            "moon acts on a part that gru does not have; it fits lstm",
        ),
        (
            {
                "cell": "gru",
                "recurrent_dropout": {"kind": "zoneout", "rate": 0.1, "cell_rate": 0.1},
            },
            "cell_rate acts on a cell state",
        ),
    ],
    ids=str,
)
def test_a_wrong_argument_is_rejected_with_what_was_expected(arguments, message):
    with pytest.raises(ValueError, match=message):
        Recurrent(**arguments)


@pytest.mark.parametrize("shape", [(None, None, 2), (None, 2), (None, 5, None)], ids=str)
def test_an_input_of_unknown_length_is_rejected(shape):
    with pytest.raises(
        ValueError,
        match="expected \\(batch, time, channel\\) with time and channel known, received",
    ):
        Recurrent().build(shape)
