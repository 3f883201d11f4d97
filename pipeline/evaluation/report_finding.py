"""The first section of the report: which variant forecasts best, or that none beats a baseline."""

from pipeline.evaluation.leaderboard_text import decimals, plus_minus
from pipeline.evaluation.verdict import Result, Verdict


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
    lead = _winner(best) if verdict.network_wins else _loser(verdict, best)
    lines = [lead, _against_baselines(verdict, best), _caution(verdict, best)]
    return "\n".join([title, "", *filter(None, lines)])


def _mse(best: Result) -> str:
    seeds = f"(mean ± standard deviation over {best.scored} seeds)"
    if best.scored == 1:
        seeds = "from one seed, so its spread is unknown"
    return f"MSE {plus_minus(best.mse, decimals([best.mse.mean]))} {seeds}"


def _winner(best: Result) -> str:
    return f"**`{best.name}`** has the lowest mean test error: {_mse(best)}."


def _loser(verdict: Verdict, best: Result) -> str:
    """Say that the best baseline has the lowest error, and how far the best variant is from it."""
    strongest = verdict.strongest
    mse = plus_minus(strongest.mse, decimals([best.mse.mean]))
    distance = "the same"
    if strongest.mse.mean:
        distance = f"{best.mse.mean / strongest.mse.mean - 1:.1%} higher"
    return (
        f"**The baseline *{strongest.name}* has the lowest mean test error: MSE {mse}.** "
        f"The best variant is **`{best.name}`**, with {_mse(best)}, which is {distance}."
    )


def _against_baselines(verdict: Verdict, best: Result) -> str:
    places = decimals([best.mse.mean])
    naive, strongest = verdict.reference, verdict.strongest
    relation = "not comparable with"
    if naive.mse.mean:
        relation = f"{abs(best.skill):.1%} {'lower' if best.skill > 0 else 'higher'} than"
    naive_mse = plus_minus(naive.mse, places)
    text = f"Its MSE is {relation} that of the best naive baseline, *{naive.name}* ({naive_mse})."
    if not verdict.network_wins:
        return text
    margin = strongest.mse.mean - best.mse.mean
    text += f" No baseline is better; the closest is *{strongest.name}*"
    text += f" ({plus_minus(strongest.mse, places)})"
    if best.scored > 1 and margin <= best.mse.sd:
        text += ", within one standard deviation of the best variant"
    return f"{text}."


def _caution(verdict: Verdict, best: Result) -> str:
    """Say which variants the seeds alone could reorder; no test of significance is made here."""
    others = [result for result in verdict.variants if result is not best and result.scored]
    if not others:
        return ""
    close = [f"`{result.name}`" for result in others if not _apart(best, result)]
    differ = "Every other variant lies further from the best than that."
    if close:
        differ = f"By that measure, the best cannot be distinguished from {', '.join(close)}."
    return (
        f"Differences within the spread over seeds are inconclusive. {differ} "
        "Whether larger differences are due to chance is not tested here. The lowest of "
        f"{len(others) + 1} means, selected on the test split, is a slightly optimistic estimate."
    )


def _apart(best: Result, other: Result) -> bool:
    """Return whether the means differ by more than the larger sd, which one seed does not have."""
    if best.scored < 2 or other.scored < 2:
        return False
    return other.mse.mean - best.mse.mean > max(best.mse.sd, other.mse.sd)
