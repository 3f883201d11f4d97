"""Stage `window`: the row where each window starts, for every split; never a copy of rows."""

from pathlib import Path

import numpy as np

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.core.errors import InputError
from pipeline.series import windows
from pipeline.tables import outline, rows


def run(params: Params, standardized: Path, out: Path) -> None:
    """Find the windows of each split."""
    table = outline.trace(
        (part, columns["split"])
        for part, columns in rows.parts(standardized / "rows.parquet", ["split"])
    )
    truth = np.load(standardized / "truth.npy", mmap_mode="r")
    plan = windows.plan(table, params.window, np.isfinite(truth).any(axis=1))
    if short := windows.shortage(standardized, plan):
        raise InputError(*short)
    with files.new_folder(out) as folder:
        counts = plan.save(folder)
    print(
        f"window: {counts['train']} windows for training, {counts['validation']} for validation, "
        f"{counts['test']} for test"
    )


if __name__ == "__main__":
    command.main(run, params.read)
