"""`1_clean` to `2_standardized`: split by time, scale by training rows, one float32 array (row, channel) standardized and one raw."""

from pathlib import Path

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.series import dataset, scaler, split
from pipeline.tables import outline, rows


def run(params: Params, clean: Path, out: Path) -> None:
    """Split, fit the scaler on the training rows, write the arrays."""
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
    print(
        f"standardize: {whole.stop[-1]} rows x {len(data.columns)} columns, {sum(part.stop - part.start for part in training)} rows for training"
    )


if __name__ == "__main__":
    command.main(run, params.read)
