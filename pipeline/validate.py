"""The raw table to `1_clean`: one regular, typed, complete table and a report of every cell that was filled; or a refusal."""

from pathlib import Path

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.core.errors import InputError
from pipeline.series import split, windows
from pipeline.tables import table


def run(params: Params, raw: Path, out: Path) -> None:
    """Check the raw table, fill what may be filled, cut at longer gaps."""
    section, zone = params.standardize.split, params.data.time_zone
    with files.new_folder(out) as folder:
        outline, changes = table.clean(
            params.data, params.validate_, raw, folder, split.moments(section, zone)
        )
        if short := windows.shortage(
            raw, windows.plan(split.divide(outline, section), params.window)
        ):
            raise InputError(*short)
    print(
        f"validate: {outline.stop[-1]} rows in {len(outline.names)} series, {changes['filled']} cells filled, {changes['cuts']} cuts"
    )


if __name__ == "__main__":
    command.main(run, params.read)
