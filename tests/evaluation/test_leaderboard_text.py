import io
from collections.abc import Callable

import pytest
from rich.console import Console

from pipeline.core.errors import InputError
from pipeline.evaluation import leaderboard_text
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.leaderboard_text import decimals, plus_minus
from pipeline.evaluation.metrics import Spread
from pipeline.evaluation.verdict import Verdict

NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([0.0612, 0.2], 5),
        ([1.3], 3),
        ([37.2, 100.0], 2),
        ([12345.0], 0),
        ([NAN, 0.5], 4),
        ([], 4),
        ([0.0], 4),
    ],
)
def test_a_column_has_places_for_four_digits_of_its_smallest_value(
    values: list[float], places: int
) -> None:
    assert decimals(values) == places


def test_a_number_shows_its_spread_where_it_has_one() -> None:
    assert plus_minus(Spread(0.5, 0.125), 2) == "0.50 ± 0.12"
    assert plus_minus(Spread(0.5, NAN), 2) == "0.50"
    assert plus_minus(Spread(NAN, NAN), 2) == leaderboard_text.NOTHING


def test_cells_have_a_row_for_every_entry_and_name_its_state(study: Verdict) -> None:
    header, rows = leaderboard_text.cells(study)
    states = {row[0]: row[header.index("state")] for row in rows}
    assert list(states) == [result.name for result in study.results]
    assert states["plain"] == "trained"
    assert states["conv_ln"] == "1 of 3 diverged at epoch 3"
    assert states["ridge"] == "deterministic"


def test_own_units_are_shown_for_a_few_targets_only(
    variant: Callable[..., Entry], judged: Callable[..., Verdict]
) -> None:
    few, many = ("temp",), ("a", "b", "c")
    assert any(
        "temp" in name
        for name in leaderboard_text.cells(judged(variant("plain", [0.2]), targets=few))[0]
    )
    header, _ = leaderboard_text.cells(judged(variant("plain", [0.2], targets=3), targets=many))
    assert not any("own unit" in name for name in header)


def test_markdown_is_a_table_with_the_best_variant_in_bold_and_baselines_in_italics(
    study: Verdict,
) -> None:
    lines = leaderboard_text.markdown(study).splitlines()
    assert len(lines) == 2 + len(study.results)
    assert {line.count(" | ") for line in lines} == {11}
    assert lines[2].startswith("| **`conv_ln`** |")
    assert any(line.startswith("| *ridge* |") for line in lines)


def test_a_bar_in_a_column_name_does_not_break_the_table(
    variant: Callable[..., Entry], judged: Callable[..., Verdict]
) -> None:
    assert r"a\|b" in leaderboard_text.markdown(judged(variant("plain", [0.2]), targets=("a|b",)))


def test_the_terminal_shows_every_entry_and_takes_names_literally(
    variant: Callable[..., Entry], judged: Callable[..., Verdict]
) -> None:
    text = io.StringIO()
    found = judged(variant("plain", [0.2, 0.21], family="[red]"))
    Console(file=text, width=150).print(leaderboard_text.terminal(found, 150))
    for word in ("plain", "[red]", "ridge", "last_value", "0.2050 ± 0.0071"):
        assert word in text.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 150, 200])
def test_on_a_narrow_terminal_columns_are_left_out_and_none_is_cut(
    width: int, study: Verdict
) -> None:
    text = io.StringIO()
    Console(file=text, width=width).print(leaderboard_text.terminal(study, width))
    assert "…" not in text.getvalue()
    for word in ("seasonal_naive", "0.2100 ± 0.0283", "skill"):
        assert word in text.getvalue()


def test_a_filter_is_a_family_or_a_pattern_of_names(study: Verdict) -> None:
    names = {result.name for result in study.results}
    families = {result.name: result.entry.summary.family for result in study.results}
    first = study.results[0].name
    assert leaderboard_text.matching(study, "*") == names
    assert leaderboard_text.matching(study, first) == {
        name for name in names if first in (name, families[name])
    }
    assert leaderboard_text.matching(study, "baseline") == {
        name for name in names if families[name] == "baseline"
    }
    with pytest.raises(InputError, match=r"'nothing', which fits no entry; names are .*families"):
        leaderboard_text.matching(study, "nothing")


def test_a_filtered_table_has_the_same_cells(study: Verdict) -> None:
    best = study.best
    assert best is not None
    whole = leaderboard_text.terminal(study, 200)
    alone = leaderboard_text.terminal(study, 200, {best.name})
    position = [result.name for result in study.results].index(best.name)
    assert alone.row_count == 1
    assert [list(column.cells) for column in alone.columns] == [
        [list(column.cells)[position]] for column in whole.columns
    ]
