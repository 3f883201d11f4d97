"""The raw table becomes the clean one, or is rejected with everything that is wrong with it.

`clean` is the way of the data from the first file to the last.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core.errors import InputError
from pipeline.tables import blocks, checks, filling, reading, source
from pipeline.tables.outline import NO_MOMENTS, Outline
from pipeline.tables.rows import Array
from pipeline.tables.steps import Inspection
from pipeline.tables.writing import CleanTable


def clean(
    data: Data, rules: Validate, raw: Path, folder: Path, moments: Array = NO_MOMENTS
) -> tuple[Outline, dict[str, int]]:
    """Write `table.parquet` and `report.json` about `raw`, a file or a folder, into `folder`.

    Returns the outline, with what a split at `moments` needs, and how many cells were filled and
    gaps cut. Raises `InputError` with every finding.
    """
    if findings := checks.roles(data):
        raise InputError(*findings, *checks.unused(data, rules))
    with (
        TemporaryDirectory(dir=folder) as scratch,
        TemporaryDirectory(dir=scratch) as spool,
        CleanTable(data, rules, folder, Path(scratch), moments) as written,
    ):
        table = reading.read(data, source.find(data, raw), Path(spool))
        inspection = Inspection(data, rules, table)
        for block in blocks.split(table, rules.limits):
            if regular := inspection.check(block):
                complete, filled = filling.fill(regular, rules)
                written.add(complete, checks.limited(block), filled)
        frequency = inspection.frequency()
        return written.finish(table, frequency), written.changes.counts
