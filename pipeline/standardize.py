"""Stage `standardize`: the clean table as arrays, split in time and scaled.

The split is by time, and the scaler is fitted on the training rows only. The same rows are written
as two float32 arrays (row, channel), one standardized and one in the units of the columns.
"""

from pathlib import Path

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.series import dataset, scaler, split
from pipeline.tables import outline, rows


def run(params: Params, clean: Path, out: Path) -> None:
    """Split the clean table, fit the scaler on its training rows and write the arrays."""
    table, data, section = clean / "table.parquet", params.data, params.standardize
    whole = outline.trace(
        ((part, None) for part, _ in rows.parts(table)),
        split.moments(section.split, data.time_zone),
    )
    training = split.training(whole, section.split)
    fitted = scaler.fit(
        section, whole.names, training, data.columns, lambda name: rows.Column(table, name)
    )
    with files.new_folder(out) as folder:
        dataset.write(
            folder, table, split.divide(whole, section.split), fitted, data.targets, data.calendar
        )
    count = sum(part.stop - part.start for part in training)
    print(
        f"standardize: {whole.stop[-1]} rows x {len(data.columns)} columns, "
        f"{count} rows for training"
    )


if __name__ == "__main__":
    command.main(run, params.read)
