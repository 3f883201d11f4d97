"""The page itself: sections with their figures and captions, filled into `page.html`."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.evaluation import report, report_claims, report_data, report_diagnosis, report_slots
from pipeline.evaluation.page import charts, gradients, lines, summary, words
from pipeline.evaluation.page.examples import examples
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.page.table import table

HERE = Path(__file__).parent
SNIPPET = "window.vegaEmbed = vegaEmbed;"  # what the bundle keeps, and page.js calls


@dataclass(frozen=True)
class Figure:
    """A figure: its specification, and what it shows, of how much, and by which procedure."""

    key: str
    title: str
    caption: str
    spec: Mapping[str, object]


def text(study: Study) -> str:
    """Return the page; equal studies give equal text."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"inline": words.inline, "breakable": words.breakable, "script": _script}
    figures = {figure.key: figure for figure in _figures(study)}
    return environment.get_template("page.html").render(
        title=summary.headline(study),
        lead=summary.lead(study),
        cards=summary.cards(study),
        warnings=summary.warnings(study),
        tiers=summary.tiers(study),
        table=table(study),
        slots=report_slots.rows(study.verdict),
        about_slots=report_slots.caption(study.verdict),
        slot_header=report_slots.HEADER,
        claims=report_claims.rows([each for each in study.verdict.claims if each.tested]),
        about_claims=report_claims.caption(study.verdict),
        claim_header=report_claims.HEADER,
        reference=study.reference.name if study.reference else None,
        figures=figures,
        examples=list(_examples(study)),
        symptoms=report_diagnosis.sentences(study.verdict),
        about_symptoms=report_diagnosis.CAPTION,
        infinity=math.inf,
        **_details(study),
        measured=report.facts(study.verdict, study.source),
        became=report_data.facts(study.source),
        script=Markup((HERE / "page.js").read_text()),  # ours
        style=Markup((HERE / "page.css").read_text()),
        runtime=Markup(vl_convert.javascript_bundle(SNIPPET)),  # the library's
    )


def _script(value: object) -> Markup:
    """Return JSON that cannot end the script element that it stands in."""
    dumped = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Markup(dumped.replace("<", "\\u003c"))


Draw = Callable[[Study], Mapping[str, object] | None]
FIGURES: Mapping[str, tuple[Draw, str, Callable[[Study], str]]] = {
    "effects": (charts.effects, "Effects against the reference", summary.effects_caption),
    "seeds": (charts.seeds, "Every seed", summary.seeds_caption),
    "cost": (charts.cost, "Error against cost", summary.cost_caption),
    "horizon": (lines.horizon, "Error by horizon step", summary.lines_caption),
    "series": (lines.series, "Error by series", summary.lines_caption),
    "hours": (lines.hours, "Error by hour of day", summary.hours_caption),
    "gradients": (gradients.gradients, "Gradients over time", gradients.caption),
    "curves": (lines.curves, "Training curves", summary.curves_caption),
}


def _figures(study: Study) -> Iterator[Figure]:
    for key, (draw, title, caption) in FIGURES.items():
        if spec := draw(study):
            yield Figure(key, title, caption(study), spec)


def _examples(study: Study) -> Iterator[Figure]:
    for number, shown in enumerate(examples(study)):
        spec = lines.example(study, shown)
        title = f"{shown.series}, {shown.origin}: the {shown.title} error"
        yield Figure(f"example{number}", title, f"MSE of this window: {shown.mse:.3g}.", spec)


def _details(study: Study) -> dict[str, object]:
    """Return what the template says of the best variant and of the network that others vary."""
    best = study.verdict.best
    shown = study.reference or best
    seeds = {seed for result in study.verdict.variants for seed in result.entry.summary.seeds}
    return {
        "best": best.name if best else None,
        "weights": best.entry.summary.weights_sha256 if best else None,
        "network_of": shown.name if shown else None,
        "network": words.network(shown, study.verdict.setup) if shown else [],
        "settings": words.training(shown) if shown else "",
        "seeds": ", ".join(str(seed) for seed in sorted(seeds)),
    }
