"""Write what the study says of the claims of the catalogue, and of your own, as a page.

Run it as `python -m pipeline.advice docs/advice.md`, after `dvc repro`. What stands in the page
above the line that the first run writes is kept.
"""

from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import params, paths
from pipeline.core import command
from pipeline.core.files import new_file
from pipeline.evaluation import advice, report_claims, verdict
from pipeline.evaluation.questions import Questions


def main() -> None:
    """Parse the arguments and write the page."""
    parser = command.parser(
        "Write what the study says of the claims as a page.", prog="python -m pipeline.advice"
    )
    parser.add_argument("page", type=Path, help="a Markdown file, such as docs/advice.md")
    arguments = parser.parse_args()
    with command.exit_status():
        settings = params.read(arguments.params)
        found = verdict.read(paths.read().errors, Questions.of(settings))
        write(arguments.page, advice.text(found, settings.data.path, datetime.now(UTC).date()))
        print(f"advice: {report_claims.counts(found.claims)}; written to {arguments.page}")


def write(page: Path, generated: str) -> None:
    """Write the generated part of a page; raises `InputError` where that would lose the rest."""
    old = page.read_text("utf-8") if page.exists() else None
    merged = advice.merge(old, generated, page)
    with new_file(page) as draft:
        draft.write_text(merged, "utf-8")


if __name__ == "__main__":
    main()
