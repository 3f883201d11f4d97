"""Count the optimizer steps of small recurrent forecasters that a machine does in a second.

    python benchmarks/throughput.py [--rounds 5] [--seconds 16] [work ...]

Plain `keras fit`, a PyTorch loop and other libraries are compared with our fleets. Every contender
of `contenders.py` trains the same network on the same data with the same batch size and optimizer,
in processes that are started and warmed up first and then take turns, so that a drift of the
machine's speed affects all of them. A figure is model-steps per second: steps of one seed's
network, summed over all networks that train at once; the median of the rounds. Contenders whose
package is not installed are left out. The last column is the ratio of the fleets' rate to this
one's; the last row is the share of the cores' peak that the fleets' matrix products use, measured
in the same minute.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from contenders import CONTENDERS, CORES, WORKS, Work

SEEDS = 8


def serve(contender: str, work: str) -> None:
    """Run a contender's process: build and warm up, then train and answer with the steps done.

    Each line of standard input says how many steps to train.
    """
    chosen = CONTENDERS[contender]
    train = chosen.make(WORKS[work], max(1, SEEDS // chosen.processes))
    train(3)
    print("ready", flush=True)
    for line in sys.stdin:
        print(train(int(line)), flush=True)


class Team:
    """The processes of one contender."""

    def __init__(self, name: str, work: str) -> None:
        environment = os.environ | {
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "KERAS_BACKEND": "tensorflow",
            "PYTHONPATH": os.getcwd(),
        }
        if CONTENDERS[name].processes > 1:
            # More threads would compete for the same cores.
            environment |= dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
        command = [sys.executable, __file__, "--serve", name, work]
        pipes: dict[str, Any] = {
            "stdin": subprocess.PIPE,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.DEVNULL,
            "text": True,
            "env": environment,
        }
        self.processes = [
            subprocess.Popen(command, **pipes) for _ in range(CONTENDERS[name].processes)
        ]
        for process in self.processes:
            if self.answer(process) != "ready":
                raise RuntimeError(
                    f"{name} did not start on {work}; run it alone: {' '.join(command)}"
                )

    @staticmethod
    def answer(process: Any) -> str:
        return str(process.stdout.readline()).strip()

    def rate(self, steps: int) -> float:
        """Return model-steps per second of one round of `steps` steps of every network."""
        began = time.perf_counter()
        for process in self.processes:
            process.stdin.write(f"{steps}\n")
            process.stdin.flush()
        return sum(int(self.answer(process)) for process in self.processes) / (
            time.perf_counter() - began
        )

    def close(self) -> None:
        for process in self.processes:
            process.communicate()


def measure(work: str, rounds: int, seconds: float) -> Iterator[tuple[str, float]]:
    """Yield the median rate of every contender; they take turns."""
    teams = {
        name: Team(name, work)
        for name, contender in CONTENDERS.items()
        if find_spec(contender.package)
    }
    steps = {}
    for name, team in teams.items():
        team.rate(5)
        steps[name] = max(20, min(390, int(team.rate(50) * seconds / SEEDS)))
    rates = [{name: team.rate(steps[name]) for name, team in teams.items()} for _ in range(rounds)]
    for name, team in teams.items():
        team.close()
        yield name, statistics.median(rate[name] for rate in rates)


def peak() -> float:
    """Return one core's FLOP/s in a 1024 x 1024 single-precision product, the best of ten."""
    code = (
        "import numpy as np, time; a = np.random.rand(1024, 1024).astype('f'); t = []\n"
        "for _ in range(10): s = time.perf_counter(); a @ a; t.append(time.perf_counter() - s)\n"
        "print(2 * 1024**3 / min(t))"
    )
    limits = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    return float(
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | limits,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


def products(work: Work) -> int:
    """Return the FLOPs in the matrix products of a model-step: forward, and twice that backward."""
    conv = work.time * 3 * work.features * 10
    recurrent = work.time * 4 * work.units * (10 + work.units)
    return 3 * 2 * work.batch * (conv + recurrent + work.units)


def lines(name: str, rounds: int, seconds: float) -> Iterator[str]:
    """Yield the measurement of a work as lines of text."""
    work = WORKS[name]
    yield f"{name}: {json.dumps(vars(work))}, {SEEDS} seeds, {CORES} cores"
    rates = dict(measure(name, rounds, seconds))
    for contender, rate in rates.items():
        yield f"  {contender:44}{rate:8.0f} model-steps/s{rates['fleets'] / rate:8.1f} x"
    share = rates["fleets"] * products(work) / (peak() * CORES)
    yield f"  share of the cores' matrix-product peak      {share:8.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("works", nargs="*", default=list(WORKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds",
        type=float,
        default=16.0,
        help="of a round, if an epoch takes longer; a short one charges the start of a `fit`",
    )
    parser.add_argument("--serve", nargs=2, metavar=("CONTENDER", "WORK"))
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(*arguments.serve)
    for work in arguments.works:
        for line in lines(work, arguments.rounds, arguments.seconds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
