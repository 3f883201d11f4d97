"""Compare fleets on the device at hand with `keras fit` and PyTorch's fused LSTM.

    python benchmarks/gpu.py [--seconds 1] [--limit 360] [--works ...] [--log FILE]

It runs from a plain copy of the repository with what is installed: Keras on JAX or TensorFlow,
PyTorch if present, a GPU if present. Everybody trains the same network on windows of the same data
with batches of 32 and Nadam; the peers train one seed after another. A figure is model-steps per
second: steps of one seed's network, summed over the networks that train at once, the median of the
calls within `--seconds`. No measurement starts after `--limit` seconds; what is missing then stays
empty in the table. `--tune` compares ways to compile the loop over time under JAX.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from contenders import WORKS as CONTENDED
from contenders import Work
from gpu_bench import Bench, Result
from gpu_peak import peaks

WORKS = {"template": CONTENDED["template"]} | {
    f"T{steps}_lstm{units}": Work(steps, 20, units, template=False)
    for steps, units in ((24, 64), (96, 64), (24, 256), (96, 256), (336, 64), (336, 256))
}
SMALL = {
    "template": replace(CONTENDED["template"], time=8, features=5),
    "T12_lstm8": Work(12, 5, 8, template=False),
}
FLEETS = (1, 8, 32, 128)
TUNED = (("template", 32), ("T24_lstm64", 32), ("T24_lstm64", 128), ("T96_lstm256", 128))
LOOPS: dict[str, dict[str, object]] = {
    "1 step per iteration": {"unroll": 1},
    "8 steps": {"unroll": 8},
    "8 steps, bf16": {"unroll": 8, "dtype": "bfloat16"},
    "24 steps": {"unroll": 24},
    "the layer as it is": {"unroll": 0},
}
Results = dict[tuple[str, str], Result]


def main() -> None:
    """Measure and print; append the table to a file on request."""
    options = arguments()
    backend = "jax" if find_spec("jax") else "tensorflow"
    os.environ |= {
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    lines = list(printed(report(options, backend)))
    if options.log:
        with options.log.open("a") as file:
            file.write("\n".join(["", *lines, ""]))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="of a measurement")
    parser.add_argument("--limit", type=float, default=1e9, help="start none after these seconds")
    parser.add_argument("--works", nargs="*", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--fleets", nargs="*", type=int, default=list(FLEETS))
    parser.add_argument(
        "--unroll", type=int, help="steps per iteration of the loop over time; JAX only"
    )
    parser.add_argument("--smoke", action="store_true", help="tiny networks: does it run?")
    parser.add_argument("--tune", action="store_true", help="compare ways of the loop over time")
    parser.add_argument("--log", type=Path, help="append the table to this file")
    return parser.parse_args()


def printed(lines: Iterator[str]) -> Iterator[str]:
    """Print lines as they come, and pass them on."""
    for line in lines:
        print(line, flush=True)
        yield line


def report(options: argparse.Namespace, backend: str) -> Iterator[str]:
    """Yield the lines of the report; what is measured on the way goes to standard error."""
    found = peaks(backend, 8192 if on_gpu(backend) else 1024)
    rates = ", ".join(f"{name} {rate / 1e12:.3g}" for name, rate in found.items())
    yield f"**GPU benchmark, {date.today()}**: {device(backend)}; {versions()}."
    yield f"Peak of a matrix product in TFLOP/s: {rates}."
    if backend == "jax":
        yield checked()
    bench = Bench(backend, options.seconds, options.limit, found["tf32"])
    works = SMALL if options.smoke else {name: WORKS[name] for name in options.works}
    if options.tune and backend == "jax":
        yield from tuned(bench)
    else:
        yield from table(bench, works, options)


def checked() -> str:
    """Compare the gradients of a fleet with those of its replicas, and say how close they are."""
    import jax
    from gpu_jax import check

    jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    found = check(SMALL["template"])
    distances = "; ".join(f"{name} {distance:.1e}" for name, distance in found.items())
    return f"Largest difference of gradients, relative to the largest entry: {distances}."


def table(bench: Bench, works: Mapping[str, Work], options: argparse.Namespace) -> Iterator[str]:
    """Yield one table, a column for each work."""
    fleets = {
        f"fleet of {n}": partial(bench.fleet, replicas=n, **loop_options(bench, options.unroll))
        for n in options.fleets
    }
    results = measured(bench, works, fleets | bench.peers())
    peers = list(bench.peers())
    names = [*peers, *fleets]
    yield ""
    yield "| model-steps/s, and the ratio to the fastest peer | " + " | ".join(works) + " |"
    yield "|---" * (len(works) + 1) + "|"
    for name in names:
        yield row(name, [rate(results, work, name, peers) for work in works])
    for name in fleets:
        cells = [facts(bench, works[work], results.get((work, name))) for work in works]
        yield row(f"{name}: seconds to compile, memory, share of the tf32 peak", cells)


def loop_options(bench: Bench, unroll: int | None) -> dict[str, int]:
    """Return what the command line says of the loop over time; only JAX has such a loop."""
    return {"unroll": unroll} if bench.backend == "jax" and unroll is not None else {}


def measured(
    bench: Bench, works: Mapping[str, Work], entries: Mapping[str, Callable[..., Result]]
) -> Results:
    """Measure every entry on every work until time is up; failures are printed and left out."""
    results: Results = {}
    for title, work in works.items():
        for name, entry in entries.items():
            if not bench.over and (result := attempted(f"{title}, {name}", entry, work)):
                results[title, name] = result
    return results


def attempted(title: str, entry: Callable[..., Result], work: Work) -> Result | None:
    """Measure one entry; a device that runs out of memory must not end the others."""
    try:
        result = entry(work)
    except Exception as error:
        print(f"{title}: failed, {type(error).__name__}: {str(error)[:300]}", file=sys.stderr)
        return None
    print(f"{title}: {result.rate:,.0f} {result[1:]}", file=sys.stderr, flush=True)
    return result


def rate(results: Results, work: str, name: str, peers: Sequence[str]) -> str:
    """Return a cell: model-steps/s, and the ratio to the fastest peer."""
    if (work, name) not in results:
        return ""
    own = results[work, name].rate
    others = [results[work, peer].rate for peer in peers if (work, peer) in results]
    return f"{own:,.0f}" + (f", {own / max(others):.2g} x" if others else "")


def facts(bench: Bench, work: Work, result: Result | None) -> str:
    """Return a cell: seconds to compile, memory, share of the peak."""
    if result is None:
        return ""
    memory = "" if result.memory is None else f"{result.memory / 2**20:,.0f} MiB, "
    return f"{result.seconds:.1f} s, {memory}{bench.share(work, result.rate):.1%}"


def row(name: str, cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {name} | " + " | ".join(cells) + " |"


def tuned(bench: Bench) -> Iterator[str]:
    """Yield a table of the ways to compile the loop over time."""
    yield ""
    yield "| model-steps/s, seconds to compile | " + " | ".join(LOOPS) + " |"
    yield "|---" * (len(LOOPS) + 1) + "|"
    for work, replicas in TUNED:
        cells = []
        for title, loop in LOOPS.items():
            entry = partial(bench.fleet, replicas=replicas, **loop)
            too_long = loop["unroll"] == 0 and WORKS[work].time > 24
            result = None if too_long or bench.over else attempted(title, entry, WORKS[work])
            cells.append(f"{result.rate:,.0f}, {result.seconds:.1f} s" if result else "")
        yield row(f"{work}, fleet of {replicas}", cells)


def on_gpu(backend: str) -> bool:
    """Return whether the backend computes on a GPU."""
    if backend == "jax":
        return bool(import_module("jax").default_backend() == "gpu")
    return bool(import_module("tensorflow").config.list_physical_devices("GPU"))


def device(backend: str) -> str:
    """Name the device."""
    if not on_gpu(backend):
        return f"CPU, {len(os.sched_getaffinity(0))} cores"
    if backend == "jax":
        return str(import_module("jax").devices()[0].device_kind)
    config = import_module("tensorflow").config
    details = config.experimental.get_device_details(config.list_physical_devices("GPU")[0])
    return str(details["device_name"])


def versions() -> str:
    """Name the libraries that are installed."""
    names = [name for name in ("jax", "tensorflow", "keras", "torch") if find_spec(name)]
    return ", ".join(f"{name} {version(name)}" for name in names)


if __name__ == "__main__":
    main()
