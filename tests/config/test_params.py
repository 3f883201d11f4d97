"""`params.yaml`: what is read, and what is rejected with which words."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.config import params, variants
from pipeline.config.standardization import Shares
from pipeline.core.errors import InputError
from pipeline.evaluation.baselines import BASELINES

MISTAKES = {
    "typo in a key": (
        "window/lokback",
        3,
        "params.yaml: window.lokback is not a known key; remove it or correct its name",
    ),
    "typo in a section": (
        "windows",
        {},
        "params.yaml: windows is not a known key; remove it or correct its name",
    ),
    "horizon of 0": (
        "window/horizon",
        0,
        "params.yaml: window.horizon is 0; it must be greater than or equal to 1",
    ),
    "wrong kind": (
        "variants/conv_ln/conv/normalization",
        "layr",
        "params.yaml: variants.conv_ln.conv.normalization is 'layr'; choose one of batch,",
    ),
    "kind in a wrong place": (
        "model/recurrent/dropout_after",
        {"kind": "spatial", "rate": 0.1},
        "params.yaml: model.recurrent.dropout_after is 'spatial'; choose one of alpha,",
    ),
    "rate of 20": (
        "variants/dropout_after/recurrent/dropout_after/rate",
        20,
        "params.yaml: variants.dropout_after.recurrent.dropout_after rate is 20; it must"
        " be a number from 0 up to but not 1",
    ),
    "no rate": (
        "variants/dropout_after/recurrent/dropout_after",
        "standard",
        "params.yaml: variants.dropout_after.recurrent.dropout_after needs the option"
        " 'rate' for kind 'standard'",
    ),
    "unknown option": (
        "variants/conv_bn_after/conv/normalization",
        {"kind": "batch", "momentun": 0.9},
        "params.yaml: variants.conv_bn_after.conv.normalization has no option 'momentun'"
        " for kind 'batch'; its options are momentum, epsilon, scale",
    ),
    "shares that do not add up": (
        "standardize/split",
        {"train": 0.7, "validation": 0.15, "test": 0.3},
        "params.yaml: standardize.split adds up to 1.15; the three shares must add up to 1",
    ),
    "a date and a share": (
        "standardize/split/test",
        0.3,
        "params.yaml: standardize.split.test is 0.3; give a date such as '2013-11-06', a duration",
    ),
    "variant without a family": (
        "variants/mine",
        {"conv": {"kernel": 5}},
        "params.yaml: variants.mine.family is missing; add it",
    ),
    "variant that is no mapping": ("variants/mine", 3, "params.yaml: variants.mine is 3;"),
    "study of nothing": (
        "study",
        ["plian"],
        "params.yaml: study: 'plian' selects no variant; use the name of a variant, a"
        " glob, or a family: ",
    ),
    "fraction for a whole": ("train/epochs", 2.5, "params.yaml: train.epochs is 2.5;"),
    "text for a number": (
        "train/learning_rate",
        "fast",
        "params.yaml: train.learning_rate is 'fast';",
    ),
    "misspelled initializer": (
        "model/conv/initializer",
        "lecun_norml",
        "params.yaml: model.conv.initializer is 'lecun_norml'; choose one of 'glorot_uniform'",
    ),
    "stride with dilation": (
        "variants/mine",
        {"family": "mine", "conv": {"stride": 2, "dilation": 2}},
        "params.yaml: variants.mine.conv has stride and dilation",
    ),
    "kernels for other blocks": (
        "variants/mine",
        {"family": "mine", "conv": {"filters": [4, 4], "kernel": [3]}},
        "params.yaml: variants.mine.conv.kernel has 1 entries and filters has 2; give"
        " one number, or one for each",
    ),
    "unknown rule": (
        "variants/mine",
        {"family": "mine", "allow": ["R92"]},
        "params.yaml: variants.mine: allow: 'R92' is not the name of a rule that"
        " rejects; choose from R1, R3,",
    ),
    "name of a baseline": (
        "variants/ridge",
        {"family": "mine"},
        "params.yaml: variants.ridge.name is the name of a baseline; choose a name other"
        " than last_value,",
    ),
    "name that is no folder": (
        "variants/a b",
        {"family": "mine"},
        "params.yaml: variants.a b.name is 'a b'; string should match pattern",
    ),
    "text for a section": (
        "window",
        "24 hours",
        "params.yaml: window is '24 hours'; it must be a mapping of keys to values",
    ),
    "word for a switch": ("smoke", "no", "params.yaml: smoke is 'no';"),
    "mistake in the base model": ("model/conv/kernel", 0, "params.yaml: model.conv.kernel is 0;"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_its_path_and_what_to_do(rejected: Any, mistake: str) -> None:
    path, value, message = MISTAKES[mistake]
    (finding,) = rejected({path: value})
    assert finding.startswith(message)


RENAMED = {
    "data/covariates": ([], "data.covariates is now called past_covariates; rename it"),
    "data/known": ([], "data.known is now called future_covariates; rename it"),
    "validate/gaps": (0, "validate.gaps is now called max_gap; rename it"),
    "validate/mostly_missing": (0.5, "validate.mostly_missing is now called max_missing_fraction;"),
    "validate/missing/temp": (
        {"policy": "forward_fill", "max_run": 1, "up_to": 2},
        "validate.missing.temp.up_to is now called max_run; rename it",
    ),
    "evaluate/season": (24, "evaluate.season is now called season_length; rename it"),
}


@pytest.mark.parametrize("path", RENAMED)
def test_a_key_that_has_another_name_now_is_rejected_with_it(rejected: Any, path: str) -> None:
    value, message = RENAMED[path]
    (finding,) = rejected({path: value})
    assert finding.startswith(f"params.yaml: {message}")


def test_a_renamed_key_is_not_reported_as_missing_too(
    content: dict[str, Any], rejected: Any
) -> None:
    del content["validate"]["max_gap"], content["evaluate"]["season_length"]
    findings = rejected({"validate/gaps": 2, "evaluate/season": 24})
    assert [finding.split()[1] for finding in findings] == ["validate.gaps", "evaluate.season"]


@pytest.mark.parametrize(
    "path",
    [
        *("data/time_zone", "data/series", "data/frequency", "validate/max_gap"),
        *("standardize/split", "window/lookback", "evaluate/season_length", "study"),
    ],
)
def test_what_only_the_user_can_know_may_not_be_left_out(
    content: dict[str, Any], rejected: Any, path: str
) -> None:
    *sections, key = path.split("/")
    for section in sections:
        content = content[section]
    del content[key]
    assert rejected({}) == (f"params.yaml: {path.replace('/', '.')} is missing; add it",)


def test_all_mistakes_are_reported_at_once(rejected: Any) -> None:
    broken_rule = {"family": "mine", "head": {"activation": "relu"}}
    mistakes = {
        "standardize/scaler": 3,
        "evaluate/saeson": 24,
        "variants/conv_ln/conv/normalization": "layr",
        "variants/mine": broken_rule,
        "study": ["*", "plian"],
    }
    assert len(rejected(mistakes)) == len(mistakes)


def test_names_of_baselines_are_those_of_the_table_of_baselines() -> None:
    assert set(variants.BASELINES) == set(BASELINES)


def test_a_smoke_run_needs_no_dates_in_its_slice(content: dict[str, Any]) -> None:
    content["smoke"], content["standardize"]["split"] = (
        True,
        {"validation": "2013-10-01", "test": "2013-11-01"},
    )
    assert isinstance(params.parse(content).standardize.split, Shares)


RULES = {
    "R1": {
        "recurrent": {"activation": "relu", "recurrent_dropout": {"kind": "keras", "rate": 0.1}}
    },
    "R3": {"conv": {"dropout": {"kind": "alpha", "rate": 0.1}}},
    "R29": {"head": {"activation": "relu"}},
}


@pytest.mark.parametrize("rule", RULES)
def test_a_combination_that_cannot_work_is_rejected_unless_it_is_allowed_by_name(
    content: dict[str, Any], rule: str
) -> None:
    content["variants"]["mine"] = {"family": "mine", **RULES[rule]}
    with pytest.raises(InputError, match=rf"variants\.mine: .*\[{rule}\]"):
        params.parse(content)
    content["variants"]["mine"]["allow"] = [rule]
    assert "mine" in [variant.name for variant in params.parse(content).variants]


def test_a_variant_is_the_model_with_its_overlay(content: dict[str, Any]) -> None:
    content["model"]["conv"]["filters"] = [4, 8]
    content["study"] = "*"
    content["variants"] = {
        "mine": {
            "family": "mine",
            "conv": {"normalization": "batch"},
            "train": {"optimizer": "sgd"},
        }
    }
    (mine,) = params.parse(content).variants
    assert mine.model.conv.filters == (4, 8)
    assert mine.model.conv.normalization.flat() == {
        "kind": "batch",
        "momentum": 0.99,
        "epsilon": 1e-3,
        "scale": True,
    }
    assert mine.train.optimizer.kind == "sgd"
    assert mine.train.batch == content["train"]["batch"]


@pytest.mark.parametrize(
    ("study", "names"),
    [
        (["plain"], ["plain"]),
        (["bn_*"], ["bn_one", "bn_two"]),
        ("conv", ["bn_one", "ln"]),
        (["ln", "plain"], ["plain", "ln"]),
    ],
)
def test_a_study_selects_by_name_glob_and_family(
    content: dict[str, Any], study: Any, names: list[str]
) -> None:
    families = {"plain": "plain", "bn_one": "conv", "bn_two": "between", "ln": "conv"}
    content |= {
        "study": study,
        "variants": {name: {"family": family} for name, family in families.items()},
    }
    assert [variant.name for variant in params.parse(content).selected] == names


def test_null_and_none_leave_a_slot_empty(content: dict[str, Any]) -> None:
    content["model"]["conv"] |= {"normalization": None, "dropout": "none"}
    model = params.parse(content).model
    assert model.conv.normalization.kind == model.conv.dropout.kind == "none"


def test_smoke_shrinks_data_epochs_and_seeds_of_every_variant(content: dict[str, Any]) -> None:
    content["variants"]["plain"]["train"] = {"epochs": 50}
    content["smoke"] = True
    read = params.parse(content)
    assert read.data.rows is not None
    assert {(variant.train.epochs, variant.train.seeds) for variant in read.variants} == {(2, 2)}


def test_a_dumped_model_reads_back_as_the_same_model(content: dict[str, Any]) -> None:
    for variant in params.parse(content).variants:
        assert (
            type(variant.model).model_validate(variant.model.model_dump(mode="json"))
            == variant.model
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "duplicate key"),
        ("a: [1\n", "not valid YAML"),
        ("- 1\n", "it must be a mapping"),
    ],
)
def test_a_file_that_is_no_mapping_of_sections_is_rejected(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(InputError, match=words):
        params.read(tmp_path / "params.yaml")


@pytest.mark.parametrize("page", ["README.md", "docs/data.md"])
def test_the_worked_example_of_a_page_is_accepted(content: dict[str, Any], page: str) -> None:
    text = (Path(__file__).parents[2] / page).read_text()
    example = YAML(typ="safe").load(text.split("```yaml\n")[1].split("```")[0])
    assert params.parse({**content, **example, "smoke": False}).data.targets == ("sales",)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was not found; run this from"):
        params.read(tmp_path / "params.yaml")
