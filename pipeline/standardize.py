"""Stage `standardize`: the clean table as arrays, split in time and scaled.

The split is by time, and the scaler is fitted on the training rows only. The same rows are written
as two float32 arrays (row, channel), one standardized and one in the units of the columns, and as
the truth to forecast, (row, target), NaN where it is masked.
"""

from pathlib import Path

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import command, files
from pipeline.series import categories, channels, dataset, fitting, shift, split
from pipeline.series.features import Features
from pipeline.tables import rows
from pipeline.tables.outline import Outline


def run(params: Params, clean: Path, out: Path) -> None:
    """Split the clean table, fit the scaler on its training rows and write the arrays."""
    table, data, section = clean / "table.parquet", params.data, params.standardize
    whole, rule = split.trace(table, section.split, data.time_zone)
    divided = split.divide(whole, rule)
    features = _fit(params, table, divided, split.training(whole, rule))
    with files.new_folder(out) as folder:
        report = dataset.write(folder, table, divided, features)
    counts = split.counts(divided).sum(axis=0)
    print(
        f"standardize: {counts.sum():,} rows x {len(features.channels.names)} channels, "
        f"{counts[split.TRAIN]:,} rows for training"
    )
    for line in [*split.unused(divided), *shift.warnings(report)]:
        print(f"standardize: {line}")


def _fit(params: Params, table: Path, divided: Outline, training: list[slice]) -> Features:
    """Fit scaler and categories on the training rows of the table, `training` of each series."""
    data, section = params.data, params.standardize
    encoder = categories.fit(
        data.categories, dataset.training_texts(table, divided, tuple(data.categories))
    )
    scaler = fitting.fit(
        section,
        divided.names,
        training,
        channels.numeric(data),
        lambda name: rows.Column(table, name),
    )
    return Features(data, channels.maskable(data, params.validate_), scaler, encoder)


if __name__ == "__main__":
    command.main(run, params.read)
