"""The words of the page: its headline, the numbers at its top, warnings and captions.

A caption says of how much a figure is, by which procedure, and at which level.
"""

from collections.abc import Iterator

from pipeline.config.rules import findings
from pipeline.evaluation import flags, report_finding, verdict_files
from pipeline.evaluation.leaderboard_text import decimals, percent, plus_minus
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.scales import unit
from pipeline.evaluation.statistics.effects import LEVEL
from pipeline.evaluation.verdict import Result

Card = tuple[str, str, str]  # what, the number, how to read it


def headline(study: Study) -> str:
    """Return the title: which variant has the lowest error, or that none beats a baseline."""
    best, verdict = study.verdict.best, study.verdict
    if best is None or not verdict.network_wins:
        return report_finding.headline(verdict)
    return f"Lowest test error: {best.name}"


def lead(study: Study) -> list[str]:
    """Return the lines (Markdown) of the finding below its title."""
    lines = report_finding.text(study.verdict).splitlines()[1:]
    return [line for line in lines if line]


def cards(study: Study) -> list[Card]:
    """Return the few numbers that a reader needs first."""
    verdict, best = study.verdict, study.verdict.best
    found = list(_best_cards(study, best)) if best else []
    seeds = {len(result.entry.summary.seeds) for result in verdict.variants}
    many = f"{min(seeds)}" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)}"
    failed = sum(int(result.entry.summary.lost.sum()) for result in verdict.variants)
    windows = f"{len(verdict.windows):,}"
    return [
        *found,
        ("variants", f"{len(verdict.variants)}", f"with {many} seeds each; {failed} seeds failed"),
        ("test windows", windows, "the same for every variant and baseline"),
    ]


def _best_cards(study: Study, best: Result) -> Iterator[Card]:
    verdict = study.verdict
    mse = plus_minus(best.mse, decimals([best.mse.mean]))
    yield "lowest error", best.name, f"test MSE {mse}"
    target = verdict.setup.targets[0]
    mae = best.unit_mae[target].mean
    yield f"its error of {target}", f"{mae:.3g}", f"mean absolute error, in the unit of {target}"
    others = {"reference": study.reference, "best baseline": verdict.strongest}
    for title, other in others.items():
        if other and other is not best and other.mse.mean:
            change = best.mse.mean / other.mse.mean - 1
            yield f"against {other.name}", f"{change:+.1%}", f"MSE, the {title}; lower is better"


def tiers(study: Study) -> list[tuple[int, list[str]]]:
    """Return the tiers, each with the names in it, the lowest error first."""
    places = study.verdict.conclusion.places
    every = sorted({place.tier for place in places.values()})
    return [(tier, [name for name in places if places[name].tier == tier]) for tier in every]


def warnings(study: Study) -> list[str]:
    """Return what a reader must know (Markdown): of the verdict, flags, failures, broken rules."""
    verdict = study.verdict
    found = [*verdict_files.warnings(verdict), *flags.flags(verdict, study.source)]
    for result in verdict.variants:
        summary = result.entry.summary
        if summary.lost.any():
            found.append(f"`{result.name}`: {summary.state}.")
        if summary.warnings:
            reasons = "; ".join(findings.explained(rule) for rule in summary.warnings)
            found.append(f"`{result.name}`: {reasons}.")
    return found


def _scope(study: Study) -> str:
    cells = int(study.verdict.windows["cells"].sum())
    return f"n = {len(study.verdict.windows):,} test windows, {cells:,} measured cells"


def effects_caption(study: Study) -> str:
    """Return the caption of the effects."""
    return (
        "Ratio of errors to the reference, minus 1, by family. Bars: simultaneous intervals at "
        f"level {LEVEL:.0%}, so that all of them hold together. Grey band: effects within "
        f"±{percent(study.verdict.questions.margin)}, too small to matter. Triangle: beyond the "
        f"axis. {_scope(study)}; {_seeds(study)}."
    )


def _seeds(study: Study) -> str:
    counts = {result.scored for result in study.verdict.variants}
    return f"{min(counts)} to {max(counts)} seeds" if len(counts) > 1 else f"{max(counts)} seeds"


def seeds_caption(study: Study) -> str:
    """Return the caption of the seeds."""
    return (
        "Dot: one seed. Bar: mean of the seeds. Triangle: beyond the axis, at its end. Dashed line:"
        f" a baseline. An error of 1 is {unit(study.verdict.setup)}. Descriptive, without an "
        f"interval. {_scope(study)}; {_seeds(study)}."
    )


def cost_caption(study: Study) -> str:
    """Return the caption of error against cost."""
    return (
        "Ringed: the best set. Seconds are a seed's share of the training of its fleet, on the "
        "machine that trained. Variants far from the best are left out. Descriptive, without an "
        f"interval. {_scope(study)}; {_seeds(study)}."
    )


def lines_caption(study: Study) -> str:
    """Return the caption of the errors by step or by series."""
    return (
        "Mean over the seeds, for the best variants, the reference and the best baseline. The axis "
        f"does not start at 0. Descriptive, without an interval. {_scope(study)}; {_seeds(study)}."
    )


def hours_caption(study: Study) -> str:
    """Return the caption of the errors by hour."""
    return f"By the hour that is forecast, in {study.zone}. {lines_caption(study)}"


def curves_caption(study: Study) -> str:
    """Return the caption of the training curves."""
    return (
        "Line: mean of the seeds. Band: from the least to the greatest of the seeds, no interval "
        "of confidence. Seeds that stopped early are in the epochs that they trained; the weights "
        f"of the best epoch are kept. {_seeds(study)}; on the validation split."
    )
