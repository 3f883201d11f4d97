"""Make the best variant of the study the champion, if it passes the gate, or return to the champion before.

`python -m pipeline.promote` takes the best variant's seeds as one ensemble and compares it with the best naive baseline and with the present
champion. The exit status is 1, and nothing changes, where it is refused. `--rollback` swaps the champion and the one before;
the dethroned one does not come back by itself.
"""

import argparse
import sys
from pathlib import Path

from pipeline.config import params, paths
from pipeline.config.params import Params
from pipeline.core.errors import InputError
from pipeline.serving import gate as champion
from pipeline.serving.gate import Decision


def main() -> None:
    """Read the arguments; a refusal ends with status 1."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.promote",
        description="Make the best variant champion, if it passes the gate.",
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--rollback", action="store_true", help="return to the previous champion")
    arguments = parser.parse_args()
    try:
        run(params.read(arguments.params), arguments.rollback)
    except InputError as refusal:
        sys.exit(f"\n{refusal}\n")


def run(params: Params, rollback: bool) -> None:
    """Promote or roll back, and tell what happened."""
    places = paths.read()
    if rollback:
        present, dethroned = champion.rollback(params, places)
        print(f"promote: {params.promote.name} is {present} again, in place of {dethroned}")
        return
    decision = champion.challenge(params, places)
    if decision.outcome == "refused":
        raise InputError(
            f"promote: refused, since {decision.reason}",
            *_figures(decision),
            f"The champion stays as it is: {decision.champion or 'there is none'}",
        )
    print(
        "\n".join(
            [
                f"promote: {decision.outcome}, since {decision.reason}; champion of {params.promote.name}: {decision.champion}",
                *_figures(decision),
            ]
        )
    )


def _figures(decision: Decision) -> list[str]:
    return [f"  test MSE {error:.6f}  {who}" for who, error in decision.errors.items()]


if __name__ == "__main__":
    main()
