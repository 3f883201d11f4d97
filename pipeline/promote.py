"""Make the best variant the champion if it passes the gate, or return to the previous champion.

`python -m pipeline.promote` takes the best variant's seeds as one ensemble and compares it with the
best naive baseline and the present champion. If it is rejected, nothing changes and the exit status
is 1. `--rollback` swaps the champion and the previous one; the replaced forecaster is not promoted
again automatically.
"""

from pipeline.config import params, paths
from pipeline.config.params import Params
from pipeline.core import command
from pipeline.core.errors import InputError
from pipeline.serving import promotion
from pipeline.serving.promotion import Decision


def main() -> None:
    """Parse the arguments and promote or roll back."""
    parser = command.parser(
        "Make the best variant the champion if it passes the gate.",
        prog="python -m pipeline.promote",
    )
    parser.add_argument("--rollback", action="store_true", help="return to the previous champion")
    arguments = parser.parse_args()
    with command.exit_status():
        run(params.read(arguments.params), arguments.rollback)


def run(params: Params, rollback: bool) -> None:
    """Promote or roll back, and print what happened; raises `InputError` for a rejection."""
    name = params.promote.name
    if rollback:
        champion, replaced = promotion.rollback(params, paths.read())
        print(f"promote: the champion of {name} is {champion} again; it replaces {replaced}")
        return
    decision = promotion.promote(params, paths.read())
    if decision.outcome == "rejected":
        raise InputError(
            f"promote: rejected: {decision.reason}",
            *_errors(decision),
            f"The champion of {name} does not change: {decision.champion or 'there is none yet'}",
        )
    print(f"promote: {decision.outcome}: {decision.reason}")
    print(*_errors(decision), f"champion of {name}: {decision.champion}", sep="\n")


def _errors(decision: Decision) -> list[str]:
    return [f"  test MSE {error:.6f}  {name}" for name, error in decision.errors.items()]


if __name__ == "__main__":
    main()
