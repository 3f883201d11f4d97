"""Workers on the user's Ray cluster: the same tasks and events as those of the pool on this machine.

Nodes share no disk with us: the files that training reads travel through Ray's object store, once for each study, and so does this package;
checkpoints and results come back as events, and what a node dies with is taken up on another one.
"""

import hashlib
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.core.errors import InputError
from pipeline.core.files import new_folder
from pipeline.training.jobs import workers
from pipeline.training.jobs.task import FleetTask
from pipeline.training.jobs.workers import Death, Failure

PACKAGE = Path(__file__).parents[2]
Work = Callable[[FleetTask], Iterator[Any]]


def connect() -> int:
    """Join the cluster that `RAY_ADDRESS` names, or that runs on this machine; the number of its GPUs, or else cores. Raises `InputError` where there is none."""
    try:
        import ray
    except ImportError:
        raise InputError(
            "train.cluster is ray, which is not installed; pip install '.[cluster]', here and on every node"
        ) from None
    handler = signal.getsignal(signal.SIGTERM)  # Ray sets its own
    try:
        ray.init(
            address="auto",
            runtime_env={"py_modules": [str(PACKAGE)]},
            log_to_driver=False,
            ignore_reinit_error=True,
        )
    except ConnectionError as error:
        raise InputError(
            f"train.cluster is ray, but no cluster answers ({error}); start one (ray start --head), or name it in RAY_ADDRESS"
        ) from None
    signal.signal(signal.SIGTERM, handler)
    return int(_resource("GPU") or _resource("CPU"))


def _resource(name: str) -> float:
    """How many of these the cluster has."""
    import ray

    return float(ray.cluster_resources().get(name, 0))


def run(work: Work, tasks: deque[FleetTask], number: int) -> Iterator[tuple[FleetTask, Any]]:
    """Yield (task, event) for all that `work(task)` yields on the cluster, as it comes, `number` at a time: one core each, and its share of the GPUs.

    `tasks` may grow meanwhile.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError, RuntimeEnvSetupError

    remote = ray.remote(num_cpus=1, num_gpus=min(1, _resource("GPU") / number), max_retries=0)(
        _serve
    ).options(num_returns="streaming")
    data = {
        task.folders: ray.put(_pack(task))
        for task in {task.folders: task for task in tasks}.values()
    }
    running: dict[Any, FleetTask] = {}
    try:
        while tasks or running:
            while tasks and len(running) < number:
                task = tasks.popleft()
                running[remote.remote(work, task, data[task.folders])] = task
            for stream in ray.wait(list(running), fetch_local=False)[0]:
                try:
                    event = ray.get(next(stream))
                except StopIteration:
                    del running[stream]
                except (RayTaskError, RuntimeEnvSetupError) as error:
                    yield running.pop(stream), Failure(str(error))
                except RayError as error:
                    yield running.pop(stream), Death(type(error).__name__)
                else:
                    yield running[stream], event
    finally:
        for stream in running:
            ray.cancel(stream, force=True)


def _pack(task: FleetTask) -> dict[str, bytes]:
    """The files that training reads, by folder and name."""
    folders = {"standardized": task.standardized, "windows": task.windows}
    return {
        f"{name}/{file.name}": file.read_bytes()
        for name, folder in folders.items()
        for file in sorted(folder.iterdir())
    }


def _serve(work: Work, task: FleetTask, data: Mapping[str, bytes]) -> Iterator[Any]:
    """What a node does: `work`, on files of its own."""
    folder = _unpack(data)
    yield from workers.events(
        work, replace(task, standardized=folder / "standardized", windows=folder / "windows")
    )


def _unpack(data: Mapping[str, bytes]) -> Path:
    """Write the files in the node's folder for what is temporary, once; a name for each content."""
    total = hashlib.sha256()
    for name, content in data.items():
        total.update(name.encode() + hashlib.sha256(content).digest())
    folder = Path(tempfile.gettempdir()) / "fleets" / total.hexdigest()[:32]
    if not folder.exists():
        with new_folder(folder) as draft:
            for name, content in data.items():
                (draft / name).parent.mkdir(exist_ok=True)
                (draft / name).write_bytes(content)
    return folder
