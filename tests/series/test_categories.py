"""Columns of text: one channel for each value of the training rows, and what other values are."""

import json
from typing import Any

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.series import categories
from pipeline.series.categories import Encoder

Array = np.ndarray[Any, Any]


def texts(*values: str | None) -> Array:
    return np.array(values, object)


def fit(unseen: str = "other") -> Encoder:
    """The encoder of a column whose training rows come in two pieces."""
    pieces = [{"sky": texts("sun", "rain", None)}, {"sky": texts("fog", "sun")}]
    return categories.fit({"sky": unseen}, pieces)


def test_every_value_of_the_training_rows_has_a_channel_in_their_sorted_order() -> None:
    encoder = fit()
    assert encoder.names(["sky"]) == ("sky=fog", "sky=rain", "sky=sun")
    channels = encoder.encode(["sky"], {"sky": texts("sun", "fog", "rain")}, 3)
    assert channels.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert channels.dtype == np.float32


def test_an_unseen_and_a_missing_value_have_0_in_every_channel() -> None:
    channels = fit().encode(["sky"], {"sky": texts("snow", None, "", "sun")}, 4)
    assert channels.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_channels_of_several_columns_stand_side_by_side() -> None:
    columns = {"a": texts("x", "y"), "b": texts("q", "p")}
    encoder = categories.fit({"a": "other", "b": "other"}, [columns])
    assert encoder.encode(["b", "a"], columns, 2).tolist() == [[0, 1, 1, 0], [1, 0, 0, 1]]
    assert encoder.encode([], columns, 2).shape == (2, 0)


def test_a_refused_value_is_named_with_its_column_series_and_first_time() -> None:
    times = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "datetime64[ns]")
    series, columns = texts("A", "B", "B"), {"sky": texts("sun", "snow", "snow")}
    ((place, finding),) = fit("refuse").rejected(columns, series, times).items()
    assert place == ("sky", "snow")
    assert "column 'sky' is 'snow' in series 'B' at 2020-01-02T00:00:00Z" in finding
    assert "data.categories.sky to other" in finding
    assert fit("other").rejected(columns, series, times) == {}


def test_missing_values_are_never_refused() -> None:
    times = np.array(["2020-01-01"], "datetime64[ns]")
    assert fit("refuse").rejected({"sky": texts(None)}, texts("A"), times) == {}


def test_an_encoder_written_and_read_encodes_the_same() -> None:
    encoder = fit()
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json())))
    assert again == encoder


@pytest.mark.parametrize(("values", "says"), [(("sun", "sun"), "only 'sun'"), ((None,), "nothing")])
def test_a_column_of_fewer_than_two_values_is_rejected(values: Any, says: str) -> None:
    with pytest.raises(InputError, match=f"column 'sky' holds {says} in the training rows"):
        categories.fit({"sky": "other"}, [{"sky": texts(*values)}])
