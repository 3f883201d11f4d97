"""Measure the seconds and the memory of the stage `compare` on a large study of made-up errors.

    python -m benchmarks.compare [--variants 90] [--seeds 10] [--origins 5000] [--series 3]
        [--folder PATH]

The variants are the first of the catalogue, with the networks that they stand for, so that the
effects of slots and the claims are computed too. Their errors are persistent in time, partly common
to all variants, of a level of each variant's own and of each seed's own, for one target, six steps
and every series; the baselines have one seed. Everything is made in a temporary folder (800 MB by
default) that is removed at the end. Memory is the kernel's `ru_maxrss` of the process: everything
that was ever resident at the same time, mapped pages of files included.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from benchmarks.rows import run
from pipeline.config import params
from pipeline.config.variants import Variant
from pipeline.core import files
from pipeline.evaluation import entries, yardsticks
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.entries import Summary
from pipeline.evaluation.evaluator import Setup
from pipeline.tables import rows

LOOKBACK, HORIZON, EPOCHS, PERSISTENCE = 24, 6, 30, 0.9
FOLDERS = ("clean", "standardized", "models", "errors")


def main() -> None:
    """Make the study, run the stage, print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", type=int, default=90)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--origins", type=int, default=5000)
    parser.add_argument("--series", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="compare-", dir=chosen.folder) as name:
        folder = Path(name)
        make(folder, chosen.variants, chosen.seeds, chosen.origins, chosen.series)
        places = [word for each in FOLDERS for word in (f"--{each}", str(folder / each))]
        out = folder / "verdict"
        seconds, memory = run("-m", "pipeline.compare", *places, "--out", str(out))
        page = (out / "report.html").stat().st_size / 1e6
        print(
            f"{chosen.variants} variants x {chosen.seeds} seeds x {chosen.origins:,} origins x "
            f"{chosen.series} series: {seconds:.1f} s, {memory:.2f} GB at most, page of "
            f"{page:.1f} MB",
            flush=True,
        )


def make(folder: Path, variants: int, seeds: int, origins: int, series: int) -> None:
    """Write what `compare` reads."""
    every = params.read().variants
    if len(every) < variants:
        raise SystemExit(f"the catalogue has {len(every)} variants; choose at most that many")
    length = LOOKBACK + origins + HORIZON
    files.write_json(folder / "clean/report.json", {"totals": {}, "left_out": {}, "cuts": []})
    files.write_json(folder / "models/flags.json", [])
    make_table(folder / "standardized", length, series)
    make_setup(folder / "errors", length, origins, series)
    rng = np.random.default_rng(0)
    common = 1 + 0.5 * np.abs(persistent(rng, 1, origins * series))[0]
    for number, variant in enumerate(every[:variants]):
        make_errors(folder / "errors", summary(variant, seeds), 0.6 + number / 200, common, rng)
        make_history(folder / "models" / variant.name, seeds, rng)
    for number, name in enumerate(BASELINES):
        make_errors(
            folder / "errors", entries.baseline(name, 0, None), 1 + number / 10, common, rng
        )


def make_table(folder: Path, length: int, series: int) -> None:
    """Write hours of some series, their values and the empty report of shifts."""
    hours = pd.date_range("2020-01-01", periods=length, freq="h").to_numpy("datetime64[ns]")
    codes = np.repeat(np.arange(series, dtype=np.int32), length)
    files.write_json(folder / "shift.json", {})
    names = tuple(f"site{number}" for number in range(series))
    with rows.Writer(folder / "rows.parquet") as writer:
        writer.add(rows.Rows(names, codes, np.tile(hours, series), codes), {})
    values = np.sin(2 * np.pi * np.arange(length * series, dtype=np.float32) / 24)[:, None]
    for name in ("raw", "truth"):
        np.save(folder / f"{name}.npy", values)


def make_setup(folder: Path, length: int, origins: int, series: int) -> None:
    """Write what was evaluated, and the test windows."""
    folder.mkdir()
    scalers, limits = ("standard",), {}
    Setup(("y",), LOOKBACK, HORIZON, 1, 24, "as given", 1.0, scalers, "series", limits).save(folder)
    starts = (np.arange(series)[:, None] * length + np.arange(origins)).ravel()
    times = pd.date_range("2020-01-01", periods=length, freq="h", tz="UTC")
    windows = {
        "series": np.repeat([f"site{number}" for number in range(series)], origins),
        "origin": np.tile(times[LOOKBACK - 1 :][:origins], series),
        "start": starts,
        "cells": HORIZON,
    }
    pd.DataFrame(windows).to_parquet(folder / "windows.parquet")
    known = {"cells": origins * HORIZON, "mean": 0.0, "variance": 9.0, "seasonal_mae": 2.0}
    names = [f"site{number}" for number in range(series)]
    table = pd.DataFrame({"series": names, "target": "y", **known})
    table.to_parquet(folder / yardsticks.NAME)


def persistent(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    """Return autoregressions of variance 1, (row, window)."""
    noise = rng.standard_normal((count, length), np.float32) * np.sqrt(1 - PERSISTENCE**2)
    return lfilter([1.0], [1.0, -PERSISTENCE], noise, axis=1).astype(np.float32)


def make_errors(
    folder: Path, known: Summary, size: float, common: np.ndarray, rng: np.random.Generator
) -> None:
    """Write the errors of an entry: what all share, in time, times its own size and its seeds'."""
    count = len(known.seeds)
    levels = size * np.exp(0.03 * rng.standard_normal((count, 1), np.float32))
    errors = levels * common * persistent(rng, count, len(common))  # (seed, window)
    steps = np.sqrt(np.linspace(0.5, 1.5, HORIZON, dtype=np.float32))
    shape = (count, len(common), HORIZON, 1)
    standardized, units = entries.create(folder / known.name, shape)
    standardized[:] = (errors[..., None] * steps)[..., None]
    units[:] = 18 * standardized
    entries.save(folder / known.name, known)


def summary(variant: Variant, seeds: int) -> Summary:
    """Return what training and evaluation record of a variant."""
    return Summary(
        name=variant.name,
        kind="variant",
        family=variant.family,
        seeds=tuple(range(seeds)),
        states=(entries.TRAINED,) * seeds,
        epochs=(EPOCHS,) * seeds,
        best_epochs=(EPOCHS - 2,) * seeds,
        parameters=4000,
        validation_losses=(0.5,) * seeds,
        clipped=(0,) * seeds,
        seconds_per_replica=3.0,
        model=variant.model.model_dump(mode="json"),
        train=variant.train.model_dump(mode="json"),
    )


def make_history(folder: Path, seeds: int, rng: np.random.Generator) -> None:
    """Write learning curves that fall and level off."""
    epoch = np.tile(np.arange(EPOCHS), seeds)
    loss = 0.5 + np.exp(-epoch / 5) + 0.01 * rng.standard_normal(len(epoch))
    columns = {"seed": np.repeat(np.arange(seeds), EPOCHS), "epoch": epoch}
    folder.mkdir(parents=True)
    history = pd.DataFrame({**columns, "loss": loss, "validation_loss": loss + 0.1})
    history.to_parquet(folder / "history.parquet")


if __name__ == "__main__":
    main()
