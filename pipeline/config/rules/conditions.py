"""What the rules ask: functions of a case that give the settings, dotted as in `params.yaml`, which together break a rule; none where it is kept."""

from collections.abc import Callable
from itertools import dropwhile

from pipeline.config.rules.case import Case, Place

BOUNDED = frozenset({"tanh", "sigmoid"})
SETTLED = 0.01  # share of the initial moving statistics that may be left in them

Keys = Callable[[Case], list[str]]


def where(holds: Callable[[Place], bool], *more: str) -> Keys:
    """The places where this holds, with `more` settings in front; nothing if there are none."""

    def keys(case: Case) -> list[str]:
        found = [place.key for place in case.places() if holds(place)]
        return [*more, *found] if found else []

    return keys


def when(holds: Callable[[Case], bool], *keys: str) -> Keys:
    """These settings, if this holds."""
    return lambda case: list(keys) if holds(case) else []


def few(place: Place, values: range) -> bool:
    """Statistics over so many values of one window."""
    return bool(place.axes) and "batch" not in place.axes and place.values in values


def few_windows(place: Place, values: range) -> bool:
    """Statistics over so many values of a batch."""
    return "batch" in place.axes and place.values in values


def in_cell(place: Place) -> bool:
    """Is it the normalization inside the cell?"""
    return place.key == "recurrent.normalization"


def unbounded(case: Case) -> bool:
    """Can a state of the cell grow to infinity?"""
    return case.model.recurrent.activation not in BOUNDED


def recurrent_noise(case: Case) -> bool:
    """Is there a recurrent dropout?"""
    return any(place.key == "recurrent.recurrent_dropout" for place in case.places())


def dropout_before_batch(case: Case) -> list[str]:
    """The first dropout, and the batch normalizations behind it."""
    behind = list(dropwhile(lambda place: not place.kind.noise, case.places()))
    batch = [place.key for place in behind if "batch" in place.axes]
    return [behind[0].key, *batch] if batch else []


def selu_alone(case: Case) -> list[str]:
    """selu without what belongs to it."""
    conv = case.model.conv
    if not conv.filters or conv.activation != "selu":
        return []
    initializer = ["conv.initializer"] if conv.initializer != "lecun_normal" else []
    dropout = [
        place.key for place in case.places() if place.key == "conv.dropout" and not place.kind.alpha
    ]
    return ["conv.activation", *initializer, *dropout] if initializer or dropout else []


def cancelled_bias(case: Case) -> bool:
    """Does a mean over the channel's values come right behind the bias of a convolution?"""
    conv = case.model.conv
    direct = conv.position == "before" or conv.activation == "linear"
    return (
        conv.bias
        and direct
        and any(
            place.key == "conv.normalization" and place.axes and "channels" not in place.axes
            for place in case.places()
        )
    )


def reversible(place: Place) -> bool:
    """Is it undone behind the head?"""
    return place.kind.reversible


def not_causal(case: Case) -> list[str]:
    """A forecast at every step, and what shows it later steps."""
    model = case.model
    parts = [place.key for place in case.places() if "time" in place.axes]
    parts += ["recurrent.bidirectional"] if model.recurrent.bidirectional else []
    parts += ["conv.squeeze_excite"] if model.conv.filters and model.conv.squeeze_excite else []
    return ["head.sequence", *parts] if parts and model.head.sequence else []


def lost_steps(case: Case) -> list[str]:
    """A forecast at every step, and what makes fewer steps of a window."""
    if not case.model.head.sequence or case.steps == case.shape.lookback:
        return []
    strided = any(stride > 1 for _, _, stride, _ in case.model.conv.blocks)
    pooled = case.model.pooling.kind != "none"
    return ["head.sequence", *["conv.stride"] * strided, *["pooling.kind"] * pooled]


def last_batch(case: Case) -> list[str]:
    """A batch normalization right before the last layer."""
    key = "head.normalization" if case.model.head.hidden else "recurrent.output_normalization"
    return [place.key for place in case.places() if place.key == key and "batch" in place.axes][-1:]


def unsettled(case: Case) -> list[str]:
    """After training: moving statistics that still hold too much of what they began with."""
    if case.trained is None:
        return []
    return [
        place.key
        for place in case.places()
        if place.slot.options.get("momentum", 0) ** case.trained > SETTLED
    ]


def carries_nothing(case: Case) -> bool:
    """Is a piece of the window as long as the window?"""
    return (case.model.recurrent.stateful or 0) >= max(case.steps, 1)
