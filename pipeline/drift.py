"""Drift of new rows: do they look like what the history of the table makes one expect?

`python -m pipeline.drift` cleans the present table (or `--data FILE`) and compares the rows that
are new since the last `dvc repro` with their past: with the rows just before them, and with the
same season of earlier years. `--since TIME` calls all rows after this time new. It prints a section
in Markdown; `--output FILE` writes all of it as JSON. Nothing else is changed.

What is usual is measured, not set: each column of each series is compared with pairs of windows of
its own history. A change of unit is named, such as "looks like °F to °C", as are a stuck sensor,
rows that are shuffled and values that are missing; what is left is a shift. All alarms together
have a chance of about 5 % on a table that goes on as before.

Exit status: 0 if there is no drift, or there are no new rows; 3 if there is; 1 if the table was
rejected or cannot be read.
"""

import sys
from datetime import datetime
from pathlib import Path

from pipeline.config import params, paths
from pipeline.config.params import Params
from pipeline.config.paths import Paths
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.core.files import write_json
from pipeline.serving.drift import report
from pipeline.serving.drift.inspection import inspect
from pipeline.serving.drift.report import Drift
from pipeline.tables import timestamps

DRIFT = 3


def main() -> None:
    """Parse the arguments, compare, and print the section."""
    parser = command.parser(
        "Compare the new rows of the table with its history.", prog="python -m pipeline.drift"
    )
    parser.add_argument("--data", type=Path, help="the table; default: data.path of params.yaml")
    parser.add_argument("--since", type=datetime.fromisoformat, help="rows after it are new")
    parser.add_argument("--output", type=Path, help="write all findings to this JSON file")
    arguments = parser.parse_args()
    with command.exit_status():
        settings = params.read(arguments.params)
        found = run(settings, paths.read(), arguments.data, arguments.since)
        if arguments.output:
            write_json(arguments.output, found.json())
        print(report.markdown(found))
    sys.exit(DRIFT if found.state != "none" else 0)


def run(params: Params, paths: Paths, data: Path | None, since: datetime | None) -> Drift:
    """Return what is new in the table; raises `InputError` if it is rejected."""
    moment = timestamps.moment(since, params.data.time_zone) if since else None
    found = inspect(params, paths, data, moment)
    if found is None:
        raise InputError(
            f"{paths.clean}: holds no table, so there is no history to compare with; run `dvc "
            "repro validate` on the table without the new rows"
        )
    return found


if __name__ == "__main__":
    main()
