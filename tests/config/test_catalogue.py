"""The catalogue: sections that are spread over files are read as one, and mistakes name theirs."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config import kinds, params
from pipeline.config.catalogue import SECTIONS
from pipeline.config.model import Shape
from pipeline.config.params import Params
from pipeline.config.slots import slots
from pipeline.core.errors import InputError

SHIPPED = Path(__file__).parents[2] / "params.yaml"
MINE = "variants: {mine: {family: mine, conv: {filters: 4}}}\n"
Read = Callable[..., Params]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read the shipped parameters with these variants, and these files as their catalogue."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalogue").mkdir()

    def parsed(own: str = "{}", study: str = "['*']", **files: str) -> Params:
        text = SHIPPED.read_text().partition("# What runs")[0]
        end = f"catalogue: catalogue\nstudy: {study}\nvariants: {own}\n"
        (tmp_path / "params.yaml").write_text(text + end)
        for name, content in files.items():
            (tmp_path / "catalogue" / f"{name}.yaml").write_text(content)
        return params.read(Path("params.yaml"))

    return parsed


def rejected(read: Read, own: str = "{}", **files: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        read(own, **files)
    return tuple(error.value.findings)


def test_every_kind_of_the_network_is_in_some_variant_that_comes_with_the_project() -> None:
    filled = [slot for each in params.read(SHIPPED).variants for _, slot in slots(each.model)]
    tables = (kinds.NORMALIZATIONS, kinds.DROPOUTS, kinds.WEIGHTS, kinds.SEASONS, kinds.HEADS)
    for table in tables:
        found = {slot.kind for slot in filled if slot.row == table.get(slot.kind)}
        assert found - {"none"} == {*table} - {"none"}


def test_the_name_of_a_shipped_variant_selects_that_variant_alone() -> None:
    families = Counter(variant.family for variant in params.read(SHIPPED).variants)
    names = {variant.name for variant in params.read(SHIPPED).variants}
    assert {family for family, count in families.items() if count > 1} & names == set()


def test_variants_of_all_files_are_those_of_the_study_and_the_users_own_come_last(
    read: Read,
) -> None:
    found = read("{own: {family: own}}", b=MINE, a="variants:\n  plain: {family: plain}\n")
    assert [variant.name for variant in found.selected] == ["plain", "mine", "own"]
    assert found.selected[1].model.conv.filters == (4,)


def test_a_variant_that_is_defined_twice_is_rejected_with_both_files_and_lines(read: Read) -> None:
    lines = len(SHIPPED.read_text().partition("# What runs")[0].splitlines())
    again = "\n# again\n" + MINE
    assert rejected(read, "{mine: {family: mine}}", a=MINE, b=again) == (
        "catalogue/b.yaml:3: variants.mine is also defined in catalogue/a.yaml:1; remove or rename "
        "one of them",
        f"params.yaml:{lines + 3}: variants.mine is also defined in catalogue/a.yaml:1; remove or "
        "rename one of them",
    )


def test_mistakes_of_several_files_are_reported_at_once_each_with_its_own(read: Read) -> None:
    findings = rejected(
        read,
        "{own: {family: own, conv: {kernel: 0}}}",
        a="variants: {mine: {family: mine, conv: {normalization: layr}}}",
        b="variants: {mine.b: {conv: {kernel: 5}}, live: {family: x, head: {activation: relu}}}",
    )
    assert [finding.split(";")[0].split(" is ")[0] for finding in findings[:3]] == [
        "catalogue/a.yaml: variants.mine.conv.normalization",
        "catalogue/b.yaml: variants.mine.b.family",
        "params.yaml: variants.own.conv.kernel",
    ]
    assert findings[3].startswith("catalogue/b.yaml: variants.live: ") and len(findings) == 4


def test_what_the_shape_of_the_data_rules_out_is_reported_with_its_file(read: Read) -> None:
    found = read(a="variants: {mine: {family: mine, recurrent: {stateful: 12}}}")
    with pytest.raises(InputError, match=r"^catalogue/a.yaml: variants.mine: "):
        found.check(Shape(lookback=12, horizon=6, targets=1, past=1, future=1))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("variant: {}", "catalogue/a.yaml: variant is not a section of a catalogue; use variants"),
        ("variants: [plain]", "catalogue/a.yaml: variants is ['plain']; it must be a mapping"),
        ("- 1", "catalogue/a.yaml: contains list; it must be a mapping of sections"),
        ("a: 1\na: 2", "catalogue/a.yaml: is not valid YAML: "),
    ],
)
def test_a_file_that_is_no_part_of_a_catalogue_is_rejected(
    read: Read, content: str, words: str
) -> None:
    assert rejected(read, a=content)[0].startswith(words)


def test_a_folder_without_files_is_rejected_with_its_name(read: Read) -> None:
    (finding,) = rejected(read)
    assert finding.startswith("params.yaml: catalogue is 'catalogue', where no file *.yaml was ")


def test_the_shipped_params_leave_every_section_of_the_catalogue_to_the_user() -> None:
    lines = SHIPPED.read_text().splitlines()
    assert len(lines) <= 99  # a screen and a half
    assert {f"{name}: {{}}" for name in SECTIONS} <= {*lines}
