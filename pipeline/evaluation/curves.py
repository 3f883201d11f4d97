"""`curves.csv`: how the validation loss of the best set fell, for `dvc plots`."""

from collections.abc import Mapping

import pandas as pd

from pipeline.evaluation.verdict import Verdict

COLUMNS = ["name", "epoch", "validation_loss"]


def curves(verdict: Verdict, histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the mean over the seeds, a row per variant of the best set and epoch, from 1.

    `histories` holds the epochs of each variant, from 0. Seeds that stopped early are in the means
    of the epochs that they trained.
    """
    parts = [
        histories[name]
        .groupby("epoch", as_index=False)["validation_loss"]
        .mean()
        .assign(name=name, epoch=lambda table: table["epoch"].astype(int) + 1)
        for name in verdict.conclusion.best_set
    ]
    return pd.concat(parts)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)
