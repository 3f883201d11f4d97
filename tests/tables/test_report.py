"""The report: every change, in the bytes that a report in memory would have."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core import files
from pipeline.tables.report import Changes

entries = st.lists(
    st.fixed_dictionaries(
        {
            "column": st.sampled_from("xy"),
            "series": st.text(max_size=5),
            "value": st.floats(allow_nan=False, allow_infinity=False),
        }
    )
)


@given(filled=entries, outside=entries)
def test_a_report_is_what_would_be_written_of_it_in_memory(
    filled: list, outside: list, tmp_path_factory
) -> None:
    folder: Path = tmp_path_factory.mktemp("report")
    changes = Changes(folder, {"outside": "yx", "filled": "xy"})
    for position in range(0, len(filled), 2):
        changes.add("filled", filled[position : position + 2])
    changes.add("outside", outside)
    facts = {"rows": 3, "series": {"A": {"rows": 3}}, "files": ["a.csv"], "unsorted": {}}
    changes.write(folder / "report.json", facts)
    lists = {
        "outside": sorted(outside, key=lambda entry: "yx".index(entry["column"])),
        "filled": sorted(filled, key=lambda entry: "xy".index(entry["column"])),
    }
    files.write_json(folder / "whole.json", facts | lists)
    assert (folder / "report.json").read_bytes() == (folder / "whole.json").read_bytes()
    assert changes.counts == {"outside": len(outside), "filled": len(filled)}
