"""The small sections of `params.yaml` about windows and results, each checked by itself."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool

from pipeline.config.section import Bounds, Count, Positive, Section, as_tuple, value_error


class Window(Section):
    """Lookback, horizon and stride, in steps of the table's frequency."""

    lookback: Count
    horizon: Count
    stride: Count = 1


Level = Annotated[float, Field(gt=0, lt=1)]


def _check_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    if list(levels) != sorted(set(levels)):
        raise value_error(f"is {[*levels]}; use each level once, in ascending order")
    return levels


Levels = Annotated[tuple[Level, ...], BeforeValidator(as_tuple), AfterValidator(_check_levels)]


class Forecast(Section):
    """What every forecast is held to, per target, in its unit; and its prediction intervals.

    `levels` are the probabilities with which an interval is to hold the truth. Its width is that of
    the errors on the validation split, of each series or, with `pool_series`, of all together.
    """

    limits: Mapping[str, Bounds] = Field(default_factory=dict)
    levels: Levels = ()
    pool_series: StrictBool = False


def bound_column(target: str, end: int, level: float) -> str:
    """Return the column of a lower (`end` 0) or upper (1) bound, such as `delay-lo-80`."""
    return f"{target}-{('lo', 'hi')[end]}-{100 * level:g}"


class Evaluate(Section):
    """The baselines: season length in steps of the seasonal naive one, penalty of the ridge one.

    A season length of null is inferred from the frequency and the data.
    """

    season_length: Count | None
    ridge: Positive = 1.0


class Compare(Section):
    """What counts as equal: relative differences of errors within `margin`, either way."""

    margin: Annotated[float, Field(ge=0, lt=1)] = 0.02


class Track(Section):
    """The MLflow experiment."""

    experiment: Annotated[str, Field(min_length=1)]


def _check_name(name: str) -> str:
    if not name or set(name) & set("/:'\"`"):
        raise value_error(
            f"is {name!r}; use a name without '/', ':' and quotation marks, which MLflow cannot"
            " look up"
        )
    return name


class Promote(Section):
    """The registered model in MLflow, and what a candidate has to pass to become its champion.

    Its MSE must be lower than that of the best baseline by the relative `margin`. No baseline may
    have more than `max_growth` times the MSE that it had when the champion was promoted. The mean
    square by which its forecasts differ from the champion's must be at most `max_change` times the
    champion's MSE: two good forecasters that have nothing in common differ by twice of it. Its
    prediction intervals must hold the level's share of the test values, but for
    `max_coverage_error`; a forecast may take `max_latency` milliseconds, and its weights may have
    `max_size` megabytes. Null is no limit.
    """

    name: Annotated[str, AfterValidator(_check_name)]
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.0
    max_growth: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 3.0
    max_change: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    max_coverage_error: Annotated[float, Field(gt=0, lt=1)] | None = 0.1
    max_latency: Positive | None = None
    max_size: Positive | None = None
