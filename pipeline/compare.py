"""Stage `compare`: which variant forecasts best, as a leaderboard, figures and a report.

Reads the errors on the test split, and the reports of what was done to the data before; writes the
leaderboard, the effects with their intervals, the verdict in short, metrics for DVC, the errors by
horizon step and by series, a report in Markdown with its figures and a summary of it, and one for
the browser, with the training curves too; prints the leaderboard.

`python -m pipeline.compare --runs [FILTER]` only prints the leaderboard of the last study again.
"""

import sys
from pathlib import Path

from rich.console import Console

from pipeline.config import params, paths
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.evaluation import (
    curves,
    figures,
    flags,
    leaderboard,
    leaderboard_text,
    report,
    report_finding,
    report_summary,
    series_table,
    verdict,
    verdict_files,
    yardsticks,
)
from pipeline.evaluation.page import html, study
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.report_data import Source

WIDTH = 150  # characters of the table where the output is not a terminal


def run(
    params: Params, clean: Path, standardized: Path, models: Path, errors: Path, out: Path
) -> None:
    """Compare the variants and baselines by their test errors, and write the verdict."""
    found = verdict.read(errors, Questions.of(params))
    source = Source.read(params.data.path, clean, standardized, models)
    flagged = flags.flags(found, source)
    with files.new_folder(out) as folder:
        (folder / "leaderboard.csv").write_text(leaderboard.csv(leaderboard.leaderboard(found)))
        (folder / "effects.csv").write_text(leaderboard.csv(leaderboard.effects(found)))
        by_series = series_table.series_table(found, yardsticks.read(errors))
        (folder / "series.csv").write_text(leaderboard.csv(by_series))
        (folder / "horizon.csv").write_text(leaderboard.csv(leaderboard.horizon(found)))
        (folder / "report.md").write_text(report.text(found, source))
        (folder / "summary.md").write_text(report_summary.text(found, flagged))
        files.write_json(folder / "metrics.json", verdict_files.metrics(found))
        files.write_json(folder / "verdict.json", verdict_files.summary(found, flagged))
        figures.write(found, folder / "figures")
        made = study.read(found, source, params.data.time_zone, standardized, models)
        (folder / "curves.csv").write_text(leaderboard.csv(curves.curves(found, made.histories)))
        (folder / "report.html").write_text(html.text(made))
    console = _console()
    console.print(leaderboard_text.terminal(found, console.width))
    console.print(f"{report_finding.headline(found)}.", highlight=False)
    console.print(report_finding.sentence(found).replace("`", ""), highlight=False, markup=False)
    for line in flagged:
        console.print(f"warning: {line.replace('`', '')}", highlight=False, markup=False)
    console.print(f"report: {out / 'report.html'}", highlight=False, soft_wrap=True)


def show() -> None:
    """Parse `--runs` and print the leaderboard from the errors on the test split."""
    parser = command.parser("Print the leaderboard.", prog="python -m pipeline.compare")
    parser.add_argument(
        "--runs", nargs="?", const="*", metavar="FILTER", help="a family, or a pattern of names"
    )
    arguments = parser.parse_args()
    with command.exit_status():
        found = verdict.read(paths.read().errors, Questions.of(params.read(arguments.params)))
        shown = leaderboard_text.matching(found, arguments.runs)
        console = _console()
        console.print(leaderboard_text.terminal(found, console.width, shown))


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=WIDTH)


if __name__ == "__main__":
    if any(argument.split("=")[0] == "--runs" for argument in sys.argv[1:]):
        show()
    else:
        command.main(run, params.read)
