"""The raw table to `1_clean`: one regular, typed table, and a report of every change to it.

A table that cannot be cleaned is rejected with everything that is wrong with it.
"""

from functools import partial
from pathlib import Path

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.series import split
from pipeline.series.unfit import unfit
from pipeline.tables import cleaning


def run(params: Params, out: Path) -> None:
    """Check the raw table, fill, mask or cut what is missing, and cut at longer gaps.

    Its path is read from the parameters, and not from the command line, where a shell would change
    a name with a dollar sign or a quote in it.
    """
    raw = Path(params.data.path)
    moments = split.moments(params.standardize.split, params.data.time_zone)
    with files.new_folder(out) as folder:
        clean = cleaning.clean(
            params.data, params.validate_, raw, folder, moments, partial(unfit, params, raw)
        )
    outline = clean.outline
    print(
        f"validate: {outline.stop[-1]} rows in {len(outline.names)} series, "
        f"{clean.filled} cells filled, {clean.masked} masked, {clean.cuts} cuts, "
        f"{len(clean.left_out)} series left out"
    )


if __name__ == "__main__":
    command.main(run, params.read)
