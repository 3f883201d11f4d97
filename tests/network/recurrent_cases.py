"""Recurrent layers with every kind in every cell that it fits, and every option varied once."""

from pipeline.config.kinds import DROPOUTS, NORMALIZATIONS, WEIGHTS

SETTINGS = {  # beside the defaults
    "layer_paper": [{"shift": False}, {"cell": "state"}, {"cell": "none"}],
    "layer_joint": [{"output": True}],
    "layer_per_gate": [{"cell": "output"}],
    "batch_recurrent": [{"cell": "none"}],
    "batch_inputs": [{"per_step": True}],
    "gal": [{"tied": True}],
    "semeniuta": [{"per_step": False}],
}
PLACES = {
    "normalization": (NORMALIZATIONS, "cell"),
    "input_dropout": (DROPOUTS, "input"),
    "recurrent_dropout": (DROPOUTS, "recurrent"),
}
CELLS = ("lstm", "gru", "simple_rnn")
KERAS = {"kind": "keras", "rate": 0.3}
TOGETHER = {
    "keras twice": {"input_dropout": KERAS, "recurrent_dropout": KERAS},
    "contrib": {
        "normalization": {"kind": "layer_per_gate"},
        "recurrent_dropout": {"kind": "semeniuta", "rate": 0.3},
    },
    "batch and zoneout": {
        "normalization": {"kind": "batch_recurrent"},
        "recurrent_dropout": {"kind": "zoneout", "rate": 0.3},
    },
    "layer and masks": {
        "normalization": {"kind": "layer_paper"},
        "recurrent_dropout": KERAS,
        "weights": {"kind": "weight_norm"},
    },
}


def inside(table, place):
    """Kinds of `table` for a place of the recurrent layer."""
    return {kind: row for kind, row in table.items() if place in row.places}


def given(cell, kind, row):
    """What a user might write for a kind."""
    rates = {"rate": 0.3, "cell_rate": 0.4 if cell == "lstm" else 0.0}
    options = {name: rate for name, rate in rates.items() if name in row.options}
    return [{"kind": kind, **options, **setting} for setting in ({}, *SETTINGS.get(kind, []))]


def _cases():
    for cell in CELLS:
        for slot, (table, place) in PLACES.items():
            for kind, row in inside(table, place).items():
                for value in given(cell, kind, row) if cell in row.cells and kind != "none" else ():
                    settings = " ".join(
                        f"{name}={option}"
                        for name, option in list(value.items())[1:]
                        if not name.endswith("rate")
                    )
                    yield f"{cell} {slot} {kind} {settings}".strip(), {"cell": cell, slot: value}
        yield f"{cell} none", {"cell": cell}
        for name, slots in TOGETHER.items():
            if name != "contrib" or cell != "simple_rnn":
                yield f"{cell} {name}", {"cell": cell, **slots}


CASES = dict(_cases())
NORMALIZED = {name: case for name, case in CASES.items() if "normalization" in case}
DROPPED = {
    name: case for name, case in CASES.items() if {"input_dropout", "recurrent_dropout"} & set(case)
}
FEW = {  # where a test takes long: every kind with an LSTM, and those that do otherwise in a GRU
    name: case
    for name, case in CASES.items()
    if (case["cell"] == "lstm" and ("=" not in name or "tied" in name))
    or (case["cell"] == "gru" and "normalization layer" in name)
    or "keras twice" in name
}
FEW["pieces"] = {"cell": "lstm", "stateful": 1}
REPARAMETRIZED = inside(WEIGHTS, "recurrent")
