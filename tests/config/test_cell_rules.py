"""What a recurrent cell cannot hold, and which the cuDNN kernel could compute."""

import pytest

from pipeline.config.model import Recurrent
from pipeline.config.rules.cells import keeps_cudnn, misfits


@pytest.mark.parametrize(
    ("cell", "slot", "kind", "fits"),
    [
        ("lstm", "recurrent_dropout", {"kind": "moon", "rate": 0.1}, True),
        ("gru", "recurrent_dropout", {"kind": "moon", "rate": 0.1}, False),
        ("gru", "recurrent_dropout", {"kind": "semeniuta", "rate": 0.1}, True),
        ("simple_rnn", "recurrent_dropout", {"kind": "semeniuta", "rate": 0.1}, False),
        ("lstm", "recurrent_dropout", {"kind": "zoneout", "rate": 0.1, "cell_rate": 0.5}, True),
        ("gru", "recurrent_dropout", {"kind": "zoneout", "rate": 0.1, "cell_rate": 0.5}, False),
        ("gru", "recurrent_dropout", {"kind": "zoneout", "rate": 0.1}, True),
        ("gru", "normalization", "layer_addons", False),
        ("gru", "normalization", "layer_per_gate", True),
        ("simple_rnn", "normalization", "layer_per_gate", False),
    ],
)
def test_a_kind_fits_the_cells_that_have_what_it_acts_on(cell, slot, kind, fits):
    found = list(misfits(Recurrent(cell=cell, **{slot: kind})))
    assert fits == (not found)
    assert all(cell in sentence and slot in sentence for sentence in found)


@pytest.mark.parametrize(
    ("slots", "kept"),
    [
        ({}, True),
        ({"cell": "gru", "bidirectional": True}, True),
        ({"cell": "simple_rnn"}, False),
        ({"activation": "relu"}, False),
        ({"normalization": "layer_paper"}, False),
        ({"normalization": "batch_inputs"}, False),
        ({"input_dropout": {"kind": "keras", "rate": 0.1}}, True),
        ({"input_dropout": {"kind": "gal", "rate": 0.1}}, False),
        ({"input_dropout": {"kind": "gal", "rate": 0.1, "tied": True}}, True),
        ({"recurrent_dropout": {"kind": "keras", "rate": 0.1}}, False),
        ({"recurrent_dropout": {"kind": "weight_drop", "rate": 0.1}}, True),
        ({"weights": "weight_norm"}, True),
    ],
    ids=str,
)
def test_cudnn_is_kept_where_nothing_comes_between_two_steps(slots, kept):
    assert keeps_cudnn(Recurrent(**slots)) == kept
