"""Forecast with the champion: from recent rows to forecasts in the same units.

`python -m pipeline.forecast --input recent.csv --output forecasts.csv` writes one row per series
and horizon step, with columns named as in the input; without `--output`, they are printed. The
future covariates of the horizon are in rows of the input after the newest measured one, with blank
targets, or in the file that `--future` names. The champion runs with the code that was registered
with it, so later changes do not affect it.

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
    source, future, output = arguments.input, arguments.future, arguments.output
    with command.exit_status():
        if arguments.replay:
            if not (arguments.forecaster and output):
                raise InputError("--replay needs --forecaster and --output as well")
            replay(arguments.forecaster, source, arguments.replay, output)
        elif arguments.forecaster:
            forecast(Forecaster.load(arguments.forecaster), source, future, output)
        else:
            champion = promotion.fetch_champion(params.read(arguments.params), paths.read())
            forecast_with(champion, source, future, output)


def forecast(
    forecaster: Forecaster, source: Path, future: Path | None, output: Path | None
) -> None:
    """Write the forecasts, and report on stderr how they were made from the input."""
    answer = forecaster.forecast_file(source, future)
    write(answer.table, output)
    sys.stderr.writelines(f"{PREFIX}{remark}\n" for remark in answer.remarks)


def write(forecasts: pd.DataFrame, output: Path | None) -> None:
    """Write or print the forecasts as CSV, with times as ISO 8601 in UTC."""
    text = forecasts.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n")
    if output is None:
        sys.stdout.write(text)
        return
    with new_file(output) as draft:
        draft.write_text(text)


def forecast_with(
    champion: VersionFiles, source: Path, future: Path | None, output: Path | None
) -> None:
    """Let the registered code forecast, and pass on its messages and exit status."""
    paths = {
        "--forecaster": champion.model,
        "--input": source,
        "--future": future,
        "--output": output,
    }
    arguments = [
        word for name, path in paths.items() if path for word in (name, str(path.resolve()))
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
    parser.add_argument(
        "--future",
        type=Path,
        help="a further file or folder with the future covariates of the horizon; default: they "
        "are in rows of --input after the newest measured one, with blank targets",
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
