"""Put variants and baselines in order by their test errors.

Reads `errors`; writes the leaderboard, metrics for DVC, errors by horizon step, a report, and its figures; prints the leaderboard.
"""

import sys
from pathlib import Path

from rich.console import Console

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.evaluation import figures, leaderboard, readable, report, verdict

WIDTH = 150  # columns of the table where no terminal says how many there are


def run(params: Params, errors: Path, out: Path) -> None:
    """Put variants and baselines in order, and show and tell it."""
    found = verdict.read(errors)
    with files.new_folder(out) as folder:
        (folder / "leaderboard.csv").write_text(leaderboard.csv(leaderboard.leaderboard(found)))
        (folder / "horizon.csv").write_text(leaderboard.csv(leaderboard.horizon(found)))
        (folder / "report.md").write_text(report.text(found, params.data.path))
        files.write_json(folder / "metrics.json", leaderboard.metrics(found))
        figures.write(found, folder / "figures")
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    console.print(readable.terminal(found, console.width))
    console.print(f"report: {out / 'report.md'}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    command.main(run, params.read)
