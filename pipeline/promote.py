"""Register the verdict's champion if it passes the gate, or return to an earlier one.

`python -m pipeline.promote` takes the seeds of the verdict's champion, which the validation split
chooses, as one ensemble, and compares it with the best baseline of any kind and the champion in the
registry. `--accept CHECK` promotes a candidate although
this check of the gate objects, on a person's word, which is written down. `--rollback` returns to
the champion before the present one, and again to the one before that; `--rollback VERSION` makes
any version the champion. A version that was rolled back is not promoted again automatically.
`--dry-run` says what would happen, and changes nothing.

Exit status: 0 if the candidate is the champion now (or would be), 1 if it was rejected or there was
an error; then nothing has changed.
"""

import argparse

from pipeline.config import params, paths
from pipeline.config.params import Params
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.serving import promotion
from pipeline.serving.checks import ACCEPTABLE
from pipeline.serving.promotion import Decision, Order

NEWEST = ""  # of --rollback without a version


def main() -> None:
    """Parse the arguments and promote or roll back."""
    arguments = _parser().parse_args()
    with command.exit_status():
        settings = params.read(arguments.params)
        if arguments.rollback is not None:
            roll_back(settings, arguments.rollback or None, arguments.dry_run)
        else:
            run(settings, Order(arguments.accept, arguments.dry_run))


def run(params: Params, order: Order) -> None:
    """Promote, and print what happened; raises `InputError` for a rejection."""
    name = params.promote.name
    decision = promotion.promote(params, paths.read(), order)
    if decision.outcome == "rejected":
        raise InputError(
            f"promote: rejected: {decision.reason}",
            *_errors(decision),
            f"The champion of {name} does not change: {decision.champion or 'there is none yet'}",
        )
    print(f"promote: {decision.outcome}: {decision.reason}")
    print(*_errors(decision), f"champion of {name}: {decision.champion or 'none'}", sep="\n")


def roll_back(params: Params, version: str | None, dry_run: bool) -> None:
    """Return to an earlier version, by default the champion before the present one."""
    name = params.promote.name
    champion, replaced = promotion.rollback(params, paths.read(), version, dry_run)
    if dry_run:
        print(f"promote: the champion of {name} would be {champion}; it would replace {replaced}")
        return
    print(f"promote: the champion of {name} is {champion} again; it replaces {replaced}")


def _parser() -> argparse.ArgumentParser:
    parser = command.parser(
        "Register the champion of the verdict if it passes the gate.",
        prog="python -m pipeline.promote",
    )
    parser.add_argument(
        "--rollback",
        nargs="?",
        const=NEWEST,
        metavar="VERSION",
        help="return to this version; default: to the champion before the present one",
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        choices=ACCEPTABLE,
        help="promote although this check objects; may be repeated",
    )
    parser.add_argument("--dry-run", action="store_true", help="decide, and change nothing")
    return parser


def _errors(decision: Decision) -> list[str]:
    errors = [f"  test MSE {error:.6f}  {name}" for name, error in decision.errors.items()]
    return [*errors, *(f"  {state:8}  {c.name}: {c.figure}" for c, state in decision.checks)]


if __name__ == "__main__":
    main()
