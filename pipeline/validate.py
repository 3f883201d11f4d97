"""The raw table to `1_clean`: one regular, typed, complete table and a report of every cell that was filled; or a refusal."""

from pathlib import Path

from pipeline import command, files
from pipeline.params import Params
from pipeline.refusal import Refusal
from pipeline.series import rows, split, table, windows


def run(params: Params, raw: Path, out: Path) -> None:
    """Check the raw table, fill what may be filled, cut at longer gaps."""
    clean, report = table.clean(params.data, params.validate_, raw)
    parts = split.assign(clean.rows, params.standardize.split, params.data.time_zone)
    found = windows.find(clean.rows.segment, parts, params.window)
    if short := windows.shortage(raw, clean.rows, found):
        raise Refusal(*short)
    with files.new_folder(out) as folder:
        rows.write(folder / "table.parquet", clean.rows, clean.columns)
        files.write_json(folder / "report.json", report)
    print(f"validate: {report['rows']} rows in {len(report['series'])} series, {len(report['filled'])} cells filled, {len(report['cuts'])} cuts")


if __name__ == "__main__":
    command.main(run)
