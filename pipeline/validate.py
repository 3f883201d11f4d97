"""The raw table to `1_clean`: one regular, typed, complete table and a report of every filled cell.

A table that cannot be cleaned is rejected with everything that is wrong with it.
"""

from pathlib import Path

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.core.errors import InputError
from pipeline.series import split, windows
from pipeline.tables import cleaning


def run(params: Params, raw: Path, out: Path) -> None:
    """Check the raw table, fill what may be filled, cut at longer gaps."""
    section, zone = params.standardize.split, params.data.time_zone
    moments = split.moments(section, zone)
    with files.new_folder(out) as folder:
        outline, changes = cleaning.clean(params.data, params.validate_, raw, folder, moments)
        plan = windows.plan(split.divide(outline, section), params.window)
        if short := windows.shortage(raw, plan):
            raise InputError(*short)
    print(
        f"validate: {outline.stop[-1]} rows in {len(outline.names)} series, "
        f"{changes['filled']} cells filled, {changes['cuts']} cuts"
    )


if __name__ == "__main__":
    command.main(run, params.read)
