"""`1_clean` to `2_standardized`: split by time, scale by training rows, one float32 array (row, channel) standardized and one raw."""

from pathlib import Path

from pipeline import command, files
from pipeline.params import Params
from pipeline.series import dataset, rows, scaler, split


def run(params: Params, clean: Path, out: Path) -> None:
    """Split, fit the scaler on the training rows, write the arrays."""
    table, data = clean / "table.parquet", params.data
    index = rows.read(table)
    parts = split.assign(index, params.standardize.split, data.time_zone)
    fitted = scaler.fit(params.standardize, index, parts == split.TRAIN, data.columns, lambda name: rows.column(table, name))
    with files.new_folder(out) as folder:
        dataset.write(folder, table, index, parts, fitted, data.targets, data.calendar)
    print(f"standardize: {len(parts)} rows x {len(data.columns)} columns, {(parts == split.TRAIN).sum()} rows for training")


if __name__ == "__main__":
    command.main(run)
