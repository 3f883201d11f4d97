"""A table is inspected before anything is changed: can it be cleaned, and what is new in it?"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipeline.config.params import Params
from pipeline.config.paths import Paths
from pipeline.serving.drift import report
from pipeline.serving.drift.report import Drift
from pipeline.tables import cleaning
from pipeline.tables.writing import TABLE


def inspect(
    params: Params, paths: Paths, data: Path | None = None, since: np.datetime64 | None = None
) -> Drift | None:
    """Return what is new in `data`, by default the table of the parameters, since the last run.

    What the last run has after `since` is new as well. Returns None where there was no run. Raises
    `InputError` if the table is rejected; the results of the last run stay as they are.
    """
    with TemporaryDirectory() as scratch:
        raw, folder = data or Path(params.data.path), Path(scratch)
        cleaning.clean(params.data, params.validate_, raw, folder)
        if not (paths.clean / TABLE).is_file():
            return None
        return report.compare(paths.clean, folder, params.data, since)
