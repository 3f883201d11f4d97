"""Forecast with the champion: recent rows in real units in, forecasts in real units out.

`python -m pipeline.forecast --input recent.csv --output forecasts.csv` writes one row per series and horizon step, named like the input's columns;
without `--output` they go to the terminal. The champion runs with the code that it was registered with, so that later changes do not touch it.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from pipeline.config import params, paths
from pipeline.core.errors import InputError
from pipeline.core.files import new_file
from pipeline.serving import gate as champion
from pipeline.serving.forecaster import Forecaster

REMARK = "forecast: "  # with which a line on stderr begins that is meant for people


def main() -> None:
    """Read the arguments; a refusal ends with status 1."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.forecast",
        description="Forecast with the champion from recent rows.",
    )
    parser.add_argument(
        "--input",
        type=Path,
        required=True,
        help="a CSV or Parquet file, or a folder of them, with the columns of the training data",
    )
    parser.add_argument("--output", type=Path, help="a CSV file; the terminal without it")
    parser.add_argument(
        "--forecaster", type=Path, help="a forecaster's folder, in place of the champion's"
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args()
    try:
        if arguments.forecaster:
            answer(Forecaster.load(arguments.forecaster), arguments.input, arguments.output)
        else:
            delegate(
                champion.fetch(params.read(arguments.params), paths.read()),
                arguments.input,
                arguments.output,
            )
    except InputError as refusal:
        sys.exit(f"\n{refusal}\n")


def answer(forecaster: Forecaster, source: Path, output: Path | None) -> None:
    """Forecast, and say on stderr which cells were filled."""
    given = forecaster.read(source)
    write(forecaster.continued(given), output)
    columns = ", ".join(f"{column} {count}" for column, count in given.filled.items())
    count = sum(given.filled.values())
    sys.stderr.write(
        f"{REMARK}{count} missing {'value was' if count == 1 else 'values were'} filled{f' ({columns})' if columns else ''}\n"
    )


def write(forecasts: pd.DataFrame, output: Path | None) -> None:
    """Write CSV with times as ISO 8601."""
    text = forecasts.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n")
    if output is None:
        sys.stdout.write(text)
        return
    with new_file(output) as draft:
        draft.write_text(text)


def delegate(model: Path, source: Path, output: Path | None) -> None:
    """Let the registered code forecast, with its own messages and exit status."""
    paths = {
        "--forecaster": model / "artifacts" / "forecaster",
        "--input": source,
        "--output": output,
    }
    options = [
        word for option, path in paths.items() if path for word in (option, str(path.resolve()))
    ]
    done = champion.execute(model / "code", "pipeline.forecast", *options)
    if done.failed:
        sys.exit(f"\n{done}\n")
    sys.stderr.writelines(f"{line}\n" for line in done.told if line.startswith(REMARK))


if __name__ == "__main__":
    main()
