"""Networks and settings of training as text, generic over the sections of `params.yaml`."""

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

from pipeline.evaluation.evaluator import Setup
from pipeline.evaluation.settings import OFF, settings
from pipeline.evaluation.verdict import Result

MARKDOWN = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*\s][^*]*)\*"), r"<em>\1</em>"),
)


def inline(text: str) -> Markup:
    """Return a line of Markdown (code, bold, emphasis) as HTML; all else in it is escaped."""
    html = str(escape(text))
    for pattern, replacement in MARKDOWN:
        html = pattern.sub(replacement, html)
    return Markup(html)  # escaped above


def breakable(name: str) -> Markup:
    """Return a name, escaped, in which a line may break after an underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def differences(result: Result, reference: Result | None) -> list[tuple[str, str]]:
    """Return key and value of each setting that differs from the reference, in order."""
    base = settings(reference.entry.summary) if reference else {}
    own = settings(result.entry.summary)
    return [(key, text) for key, text in own.items() if base.get(key) != text]


def network(result: Result, setup: Setup) -> list[str]:
    """Return sentences (Markdown) about the network of a variant, from its input to its head.

    There are none where the network was not recorded.
    """
    found = settings(result.entry.summary)
    if "conv.filters" not in found:
        return []
    parameters = result.entry.summary.parameters
    hidden = found["head.hidden"]
    layers = "no hidden layer" if hidden == OFF else f"hidden layers of {hidden} units"
    sentences = [
        f"**Input**: the last {setup.lookback} steps of every channel, {found['input.values']}; "
        f"the future covariates of all {setup.horizon} steps reach the head.",
        _convolution(found),
        f"**Recurrent**: {found['recurrent.cell']} of {found['recurrent.units']} units, "
        f"{'in both directions' if found['recurrent.bidirectional'] == 'yes' else 'forwards'}.",
        f"**Head**: `{found['head.kind']}`, {layers}, output {found['head.activation']}.",
        f"**Parameters**: {parameters:,}. **Normalization, dropout and other slots**: "
        f"{_filled(found)}.",
    ]
    return [sentence for sentence in sentences if sentence]


def _convolution(found: Mapping[str, str]) -> str:
    if found["conv.filters"] == OFF:
        return "**Convolution**: none."
    pooling = found["pooling.kind"]
    after = "no pooling" if pooling == OFF else f"{pooling} pooling over {found['pooling.size']}"
    return (
        f"**Convolution**: {found['conv.filters']} filters, kernel {found['conv.kernel']}, "
        f"stride {found['conv.stride']}, {found['conv.activation']}; {after}."
    )


def _filled(found: Mapping[str, str]) -> str:
    words = ("normalization", "dropout", "weights")
    slots = [
        f"`{key}` {text}"
        for key, text in found.items()
        if any(word in key for word in words) and text != OFF and not key.startswith("train.")
    ]
    return ", ".join(slots) or "all empty"


def training(result: Result) -> str:
    """Return the settings of training of a variant as one sentence, or nothing."""
    found = [
        f"{key.removeprefix('train.').replace('_', ' ')} {text}"
        for key, text in settings(result.entry.summary).items()
        if key.startswith("train.")
    ]
    return f"**Training**: {'; '.join(found)}." if found else ""
