"""`2_standardized` to `3_windows`: where each window starts; never a copy of its rows."""

from pathlib import Path

from pipeline import command, files
from pipeline.params import Params
from pipeline.refusal import Refusal
from pipeline.series import rows, windows


def run(params: Params, standardized: Path, out: Path) -> None:
    """Find the windows of each part."""
    index = rows.read(standardized / "rows.parquet")
    parts = rows.column(standardized / "rows.parquet", "split")
    found = windows.find(index.segment, parts, params.window)
    if short := windows.shortage(standardized, index, found):
        raise Refusal(*short)
    with files.new_folder(out) as folder:
        found.save(folder)
    print(f"window: {len(found.train)} windows for training, {len(found.validation)} for validation, {len(found.test)} for test")


if __name__ == "__main__":
    command.main(run)
