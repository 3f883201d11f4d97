"""Made-up entries and verdicts: no network is trained here."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation import entries, verdict
from pipeline.evaluation.entries import Entry, Summary
from pipeline.evaluation.evaluator import Setup
from pipeline.evaluation.page.study import Study, Truth
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.report_data import Source

WINDOWS, HORIZON = 40, 3
USUAL = Questions()


def setup(targets: tuple[str, ...] = ("temp",), **changed: object) -> Setup:
    settings = {
        "lookback": 8,
        "horizon": HORIZON,
        "stride": 1,
        "season_length": 24,
        "season": "as given",
        "ridge_penalty": 1.0,
        "scalers": ("standard",) * len(targets),
        "scope": "series",
        "limits": {},
    }
    return Setup(targets, **{**settings, **changed})


def make_errors(sizes: list[float], targets: int) -> np.ndarray:
    """Return signed errors (seed, window, horizon, target) whose MSE is `size` for each seed.

    NaN stays NaN.
    """
    signs = np.resize([1.0, -1.0], (len(sizes), WINDOWS, HORIZON, targets))
    return (signs * np.sqrt(np.array(sizes))[:, None, None, None]).astype(np.float32)


def make_variant(
    name: str, sizes: list[float], family: str = "plain", targets: int = 1, scale: float = 10.0
) -> Entry:
    errors, count = make_errors(sizes, targets), len(sizes)
    states = tuple("diverged" if np.isnan(size) else "trained" for size in sizes)
    epochs = tuple(range(1, count + 1))
    return Entry(
        Summary(
            name=name,
            kind="variant",
            family=family,
            seeds=tuple(range(count)),
            states=states,
            epochs=epochs,
            best_epochs=epochs,
            parameters=2311,
            seconds_per_replica=7.25,
        ),
        errors,
        errors * np.float32(scale),
    )


def make_baseline(
    name: str, size: float, note: str | None = None, targets: int = 1, scale: float = 10.0
) -> Entry:
    errors = make_errors([size], targets)
    return Entry(entries.baseline(name, 7, note), errors, errors * np.float32(scale))


def make_verdict(
    *variants: Entry,
    targets: tuple[str, ...] = ("temp",),
    naive: float = 0.5,
    ridge: float = 0.3,
    boosting: float = 0.35,
    questions: Questions = USUAL,
    **changed: object,
) -> verdict.Verdict:
    baselines = [
        make_baseline(name, size, targets=len(targets))
        for name, size in (
            ("last_value", naive),
            ("seasonal_naive", 0.8),
            ("drift", 0.95),
            ("ridge", ridge),
            ("gradient_boosting", boosting),
        )
    ]
    origins = pd.date_range("2013-11-06", periods=WINDOWS, freq="h", tz="UTC")
    windows = pd.DataFrame(
        {
            "series": ["JFK"] * (WINDOWS // 2) + ["LGA"] * (WINDOWS // 2),
            "origin": origins,
            "start": range(WINDOWS),
            "cells": HORIZON * len(targets),
        }
    )
    return verdict.judge(setup(targets, **changed), windows, [*variants, *baselines], questions)


@pytest.fixture(scope="session")
def variant() -> Callable[..., Entry]:
    return make_variant


@pytest.fixture(scope="session")
def judged() -> Callable[..., verdict.Verdict]:
    return make_verdict


@pytest.fixture(scope="session")
def study() -> verdict.Verdict:
    """Four variants: two close to each other, one far away, one whose seeds all failed."""
    nan = float("nan")
    return make_verdict(
        make_variant("plain", [0.20, 0.22, 0.24]),
        make_variant("conv_ln", [0.19, 0.23, nan], family="conv"),
        make_variant("input_raw", [1.9, 2.0, 2.1], family="input"),
        make_variant("cursed", [nan, nan, nan], family="conv"),
    )


@pytest.fixture(scope="session")
def untouched() -> Source:
    """A table of which nothing was filled, masked or left out, and nothing is out of range."""
    return Source("data/0_raw/table.csv", {"totals": {}, "left_out": {}, "cuts": []}, {})


def make_page(judged: verdict.Verdict, **changed: object) -> Study:
    """Return what the page of a verdict is made of; row r was measured as r, at hour r of a day."""
    rows = WINDOWS + 8 + HORIZON
    truth = Truth(
        np.arange(rows, dtype=np.float32)[:, None],
        np.zeros((rows, 1), np.float32),
        pd.date_range("2013-11-06", periods=rows, freq="h").to_numpy("datetime64[ns]"),
    )
    history = pd.DataFrame({"seed": 0, "epoch": [0, 1], "validation_loss": [0.9, 0.8]})
    settings = {
        "verdict": judged,
        "source": Source("table.csv", {"totals": {}, "left_out": {}, "cuts": []}, {}),
        "truth": truth,
        "zone": "UTC",
        "histories": {result.name: history for result in judged.variants},
    }
    return Study(**{**settings, **changed})


@pytest.fixture(scope="session")
def paged() -> Callable[..., Study]:
    return make_page
