"""Look at a table that is not described yet, and propose its sections of `params.yaml`.

`python -m pipeline.describe TABLE` prints `data:`, `validate:`, `standardize:`, `window:` and what
belongs to them, each key with its reason as a comment. `--target` names the column to forecast,
`--write` puts the sections into `params.yaml`, whose other lines stay as they are, and
`--plot FILE.png` draws every column.
"""

import argparse
from pathlib import Path

from pipeline.config import params, yaml
from pipeline.config.catalogue import include
from pipeline.config.yaml import Reasoned, Sections
from pipeline.core import command
from pipeline.core.files import new_file
from pipeline.tables.describing import picture, proposal, survey
from pipeline.tables.describing.proposal import Proposal


def main() -> None:
    """Parse the arguments, and describe the table."""
    arguments = _parser().parse_args()
    with command.exit_status():
        found = survey.look(arguments.table)
        proposed = proposal.propose(found, arguments.target)
        print(text(proposed), end="")
        if arguments.plot:
            picture.draw(found, arguments.plot)
        if arguments.write:
            write(proposed, arguments.params)
            print(f"\n# written to {arguments.params}; next: dvc repro")


def text(proposed: Proposal) -> str:
    """Return the proposal as YAML with comments, to be read and pasted."""
    notes = "".join(f"# {note}\n" for note in proposed.notes)
    return f"{notes}\n{yaml.render(_sections(proposed))}"


def write(proposed: Proposal, path: Path) -> None:
    """Replace the sections in `params.yaml`.

    Raises `InputError`, and writes nothing, where the whole file would not be valid.
    """
    single = {"evaluate": {"season_length": proposed.season_length.value}}
    merged = yaml.merge(path, proposed.sections, single)
    params.parse(*include(yaml.loads(merged), path))
    with new_file(path) as draft:
        draft.write_text(merged, "utf-8")


def _sections(proposed: Proposal) -> Sections:
    evaluate: dict[str, Reasoned] = {"season_length": proposed.season_length}
    return {**proposed.sections, "evaluate": evaluate}


def _parser() -> argparse.ArgumentParser:
    parser = command.parser(
        "Propose the sections of params.yaml for a table.", prog="python -m pipeline.describe"
    )
    parser.add_argument("table", type=Path, help="a CSV or Parquet file, or a folder of them")
    parser.add_argument("--target", help="the column to forecast; default: a guess")
    parser.add_argument("--write", action="store_true", help="put the sections into params.yaml")
    parser.add_argument("--plot", type=Path, help="draw every column into this file, such as a.png")
    return parser


if __name__ == "__main__":
    main()
