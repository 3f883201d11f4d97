"""Forecast with the champion: from recent rows to forecasts in the same units.

`python -m pipeline.forecast --input recent.csv --output forecasts.csv` writes one row per series
and horizon step, with columns named as in the input; without `--output`, they are printed. The
champion runs with the code that was registered with it, so later changes do not affect it.

`--forecaster FOLDER --input TABLE --replay STARTS --output FORECASTS` is how later releases compare
a registered forecaster with a new one. These options and their meaning must not change.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from pipeline.config import params, paths
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.core.files import new_file
from pipeline.serving import promotion
from pipeline.serving.forecaster import Forecaster
from pipeline.serving.process import run_module
from pipeline.serving.replay import replay
from pipeline.tracking.registry import VersionFiles

PREFIX = "forecast: "  # begins each line on stderr that is meant for the user


def main() -> None:
    """Parse the arguments and forecast."""
    arguments = _parser().parse_args()
    source, output = arguments.input, arguments.output
    with command.exit_status():
        if arguments.replay:
            if not (arguments.forecaster and output):
                raise InputError("--replay needs --forecaster and --output as well")
            replay(arguments.forecaster, source, arguments.replay, output)
        elif arguments.forecaster:
            forecast(Forecaster.load(arguments.forecaster), source, output)
        else:
            champion = promotion.fetch_champion(params.read(arguments.params), paths.read())
            forecast_with(champion, source, output)


def forecast(forecaster: Forecaster, source: Path, output: Path | None) -> None:
    """Write the forecasts, and report on stderr which missing values were filled."""
    windows = forecaster.read(source)
    write(forecaster.forecast_from(windows), output)
    counts = ", ".join(f"{column} {count}" for column, count in windows.filled.items())
    total = sum(windows.filled.values())
    verb = "value was" if total == 1 else "values were"
    details = f" ({counts})" if counts else ""
    sys.stderr.write(f"{PREFIX}{total} missing {verb} filled{details}\n")


def write(forecasts: pd.DataFrame, output: Path | None) -> None:
    """Write or print the forecasts as CSV, with times as ISO 8601 in UTC."""
    text = forecasts.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n")
    if output is None:
        sys.stdout.write(text)
        return
    with new_file(output) as draft:
        draft.write_text(text)


def forecast_with(champion: VersionFiles, source: Path, output: Path | None) -> None:
    """Let the registered code forecast, and pass on its messages and exit status."""
    options = {"--forecaster": champion.model, "--input": source, "--output": output}
    arguments = [
        word for name, path in options.items() if path for word in (name, str(path.resolve()))
    ]
    done = run_module(champion.code, "pipeline.forecast", *arguments)
    if done.failed:
        sys.exit(f"\n{done}\n")
    sys.stderr.writelines(f"{line}\n" for line in done.lines if line.startswith(PREFIX))


def _parser() -> argparse.ArgumentParser:
    parser = command.parser(
        "Forecast with the champion from recent rows.", prog="python -m pipeline.forecast"
    )
    parser.add_argument(
        "--input",
        type=Path,
        required=True,
        help="a CSV or Parquet file, or a folder of them, with the columns of the training data",
    )
    parser.add_argument("--output", type=Path, help="a CSV file; default: print the forecasts")
    parser.add_argument(
        "--forecaster", type=Path, help="the folder of a forecaster to use instead of the champion"
    )
    parser.add_argument(
        "--replay",
        type=Path,
        help="a .npy file with the rows of the clean table --input at which windows begin; "
        "the forecasts are written as .npy (used for comparisons with the champion)",
    )
    return parser


if __name__ == "__main__":
    main()
