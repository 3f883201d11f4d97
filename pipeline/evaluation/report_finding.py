"""The first section of the report: what wins, by how much, what is equivalent and what undecided.

A sentence claims what the intervals of `statistics` allow, and the means only as means.
"""

import math
from collections.abc import Sequence

from pipeline.evaluation.leaderboard_text import decimals, interval, percent, plus_minus
from pipeline.evaluation.statistics.conclusion import Comparison, Conclusion
from pipeline.evaluation.statistics.effects import LEVEL, Effect
from pipeline.evaluation.verdict import Result, Verdict

SHOWN = 5  # variants that a sentence names; the leaderboard has all of them
HUGE = 2.0  # effects beyond this are given as factors


def headline(verdict: Verdict) -> str:
    """Return the title of the report."""
    if verdict.best is None:
        return "No variant has a test error"
    if verdict.network_wins:
        return "Which variant forecasts best"
    return f"No network beats the baseline {verdict.strongest.name}"


def text(verdict: Verdict) -> str:
    """Return the title and what was found."""
    best, title = verdict.best, f"# {headline(verdict)}"
    if best is None:
        return f"{title}\n\nEvery seed of every variant failed. The leaderboard says how."
    lines = [
        f"**{sentence(verdict)}**",
        _best_set(verdict),
        _against_baselines(verdict, best),
        _procedure(verdict),
    ]
    return "\n".join([title, "", *filter(None, lines)])


def sentence(verdict: Verdict) -> str:
    """Return the first sentence: the answers of all variants, in words, with intervals."""
    found = verdict.conclusion
    compared, margin = list(found.effects.values()), verdict.questions.margin
    if not compared:
        return "There is nothing to compare."
    groups = {
        answer: [each for each in compared if each.answer == answer]
        for answer in ("better", "equivalent", "undecided", "worse")
    }
    parts = [
        _effects("lower", groups["better"]),
        _effects("higher", groups["worse"]),
        _names(f"equivalent (within ± {percent(margin)})", groups["equivalent"]),
        _names("undecided", groups["undecided"]),
    ]
    none = "" if groups["better"] else "no variant is found to have a lower error; "
    listed = "; ".join(filter(None, parts))
    return f"Compared with {references(found)}, {none}{listed}."


def references(found: Conclusion) -> str:
    """Name what the variants are compared with."""
    named = list(dict.fromkeys(each.against for each in found.effects.values()))
    if len(named) == 1:
        return f"`{named[0]}`"
    return f"the reference of each ({', '.join(f'`{name}`' for name in named)})"


def _effects(direction: str, compared: Sequence[Comparison]) -> str:
    """Return who has a lower or higher error, by how much."""
    if not compared:
        return ""
    sizes = [f"`{each.name}` by {amount(each.effect)}" for each in compared[:SHOWN]]
    return f"{direction} error: {', '.join(sizes)}{_more(compared)}"


def _names(answer: str, compared: Sequence[Comparison]) -> str:
    if not compared:
        return ""
    return f"{answer}: {', '.join(f'`{e.name}`' for e in compared[:SHOWN])}{_more(compared)}"


def _more(compared: Sequence[Comparison]) -> str:
    return f" and {len(compared) - SHOWN} more" if len(compared) > SHOWN else ""


def amount(effect: Effect) -> str:
    """Return the size of an effect with its interval, without its sign: `4% (2% to 6%)`."""
    ends = sorted((abs(effect.low), abs(effect.high)))
    if effect.value > HUGE:
        low, high = effect.low + 1, effect.high + 1
        return f"a factor of {effect.value + 1:.3g} ({low:.3g} to {high:.3g})"
    return f"{abs(effect.value):.1%} ({ends[0]:.1%} to {ends[1]:.1%})"


def _best_set(verdict: Verdict) -> str:
    """Say who cannot be told from the best, and which of the variants to use."""
    found, champion = verdict.conclusion, verdict.champion
    best, total = found.best_set, len(found.variants)
    if total < 2 or champion is None:
        return ""
    text = f"{len(best)} of {total} variants cannot be told from the best: {_quoted(best)}."
    if verdict.champion_is_validated:
        text += f" The champion is `{champion.name}`, the smallest network within "
        text += f"{percent(verdict.questions.margin)} of the lowest validation loss"
        text += "." if champion.name in best else "; on the test it is not among the best."
    for group in found.identical:
        text += f" {_quoted(group)} have identical errors."
    return text


def _quoted(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2 * SHOWN} more" if len(names) > 2 * SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[: 2 * SHOWN]) + more


def _against_baselines(verdict: Verdict, best: Result) -> str:
    """Say how the champion compares with the best baseline."""
    strongest, champion = verdict.strongest, verdict.champion or best
    mse = plus_minus(strongest.mse, decimals([champion.mse.mean]))
    text = f"The best baseline, *{strongest.name}*, has the MSE {mse}, "
    text += f"`{champion.name}` has {_mse(champion)}"
    compared = [e for e in verdict.conclusion.comparisons if e.group == "baseline"]
    own = next((each for each in compared if each.name == champion.name), None)
    if own is None or own.against != strongest.name:
        return f"{text}; the two are not comparable."
    answers = {"better": "lower", "worse": "higher"}
    answer = answers.get(own.answer, own.answer)
    beating = sum(each.answer == "better" for each in compared)
    return (
        f"{text}: {interval(own.effect)}, {answer}. "
        f"{beating} of {len(compared)} variants are found to beat that baseline."
    )


def _mse(result: Result) -> str:
    seeds = f"(mean ± standard deviation over {result.scored} seeds)"
    if result.scored == 1:
        seeds = "from one seed, so its spread is unknown"
    return f"{plus_minus(result.mse, decimals([result.mse.mean]))} {seeds}"


def _procedure(verdict: Verdict) -> str:
    """Say what the intervals are and what undecided means."""
    origins = verdict.windows["origin"].nunique()
    sizes = [e.effect.detectable for e in verdict.conclusion.effects.values()]
    known = sorted(size for size in sizes if math.isfinite(size))
    text = (
        f"Intervals hold for all variants at once with {LEVEL:.0%}, over {origins:,} origins and "
        "the seeds of each variant; *undecided* means that the interval contains no difference and "
        f"also differences of more than {percent(verdict.questions.margin)}."
    )
    if known:
        text += (
            f" For half of the variants, an effect had to be {known[len(known) // 2]:.0%} or larger"
            " to be found with a probability of 80%."
        )
    return text
