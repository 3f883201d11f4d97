"""The conditions of the rules: functions of a case that return the settings which break a rule.

Settings are dotted paths as in `params.yaml`; a list is empty where the case keeps the rule.
"""

from collections.abc import Callable
from itertools import dropwhile

from pipeline.config.flow import Place
from pipeline.config.rules.case import Case

BOUNDED = frozenset({"tanh", "sigmoid"})
SETTLED = 0.01  # share of the initial moving statistics that may be left in them

Keys = Callable[[Case], list[str]]


def where(holds: Callable[[Place], bool], *more: str) -> Keys:
    """Return a condition: the places where this holds, after the settings in `more`."""

    def keys(case: Case) -> list[str]:
        found = [place.key for place in case.places if holds(place)]
        return [*more, *found] if found else []

    return keys


def when(holds: Callable[[Case], bool], *keys: str) -> Keys:
    """Return a condition: these settings, if this holds."""
    return lambda case: list(keys) if holds(case) else []


def few(place: Place, values: range) -> bool:
    """Return whether statistics are taken over so many values of a single window."""
    return bool(place.axes) and "batch" not in place.axes and place.values in values


def few_windows(place: Place, values: range) -> bool:
    """Return whether statistics are taken over so many values of a batch."""
    return "batch" in place.axes and place.values in values


def in_cell(place: Place) -> bool:
    """Return whether this is the normalization inside the recurrent cell."""
    return place.key == "recurrent.normalization"


def unbounded(case: Case) -> bool:
    """Return whether a state of the cell can grow to infinity."""
    return case.model.recurrent.activation not in BOUNDED


def recurrent_noise(case: Case) -> bool:
    """Return whether there is a recurrent dropout."""
    return any(place.key == "recurrent.recurrent_dropout" for place in case.places)


def dropout_before_batch(case: Case) -> list[str]:
    """Return the first dropout and the batch normalizations after it."""
    from_dropout = list(dropwhile(lambda place: not place.kind.noise, case.places))
    batch = [place.key for place in from_dropout if "batch" in place.axes]
    return [from_dropout[0].key, *batch] if batch else []


def selu_alone(case: Case) -> list[str]:
    """Return the settings that take from selu what it needs."""
    conv = case.model.conv
    if not conv.filters or conv.activation != "selu":
        return []
    initializer = ["conv.initializer"] if conv.initializer != "lecun_normal" else []
    dropout = [p.key for p in case.places if p.key == "conv.dropout" and not p.kind.alpha]
    return ["conv.activation", *initializer, *dropout] if initializer or dropout else []


def cancelled_bias(case: Case) -> bool:
    """Return whether a normalization subtracts what the bias of a convolution has just added."""
    conv = case.model.conv
    direct = conv.position == "before" or conv.activation == "linear"
    centers = any(
        place.key == "conv.normalization" and place.axes and "channels" not in place.axes
        for place in case.places
    )
    return conv.bias and direct and centers


def reversible(place: Place) -> bool:
    """Return whether it is undone after the head."""
    return place.kind.reversible


def no_calendar(case: Case) -> list[str]:
    """Return a season whose cycle is not in the calendar."""
    name = case.model.input.season.options.get("calendar")
    absent = name is not None and case.shape.cycle(name) is None
    return ["input.season", "data.calendar"] if absent else []


def not_causal(case: Case) -> list[str]:
    """Return a forecast at every step, and the parts that let it see later steps."""
    model = case.model
    parts = [place.key for place in case.places if "time" in place.axes]
    parts += ["recurrent.bidirectional"] if model.recurrent.bidirectional else []
    parts += ["conv.squeeze_excite"] if model.conv.filters and model.conv.squeeze_excite else []
    return ["head.sequence", *parts] if parts and model.head.sequence else []


def lost_steps(case: Case) -> list[str]:
    """Return a forecast at every step, and the parts that leave fewer steps."""
    if not case.model.head.sequence or case.steps == case.shape.lookback:
        return []
    strided = any(stride > 1 for _, _, stride, _ in case.model.conv.blocks)
    pooled = case.model.pooling.kind != "none"
    return ["head.sequence", *["conv.stride"] * strided, *["pooling.kind"] * pooled]


def last_batch(case: Case) -> list[str]:
    """Return a batch normalization right before the last layer."""
    key = "head.normalization" if case.model.head.hidden else "recurrent.output_normalization"
    return [place.key for place in case.places if place.key == key and "batch" in place.axes][-1:]


def unsettled(case: Case) -> list[str]:
    """Return the normalizations whose moving statistics still hold too much of their start.

    They are known once the network is trained.
    """
    if case.trained is None:
        return []
    return [
        place.key
        for place in case.places
        if place.slot.options.get("momentum", 0) ** case.trained > SETTLED
    ]


def carries_nothing(case: Case) -> bool:
    """Return whether a piece of the window is as long as the window."""
    return (case.model.recurrent.stateful or 0) >= max(case.steps, 1)
