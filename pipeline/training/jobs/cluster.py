"""Workers on the user's Ray cluster, with the same tasks and events as the pool on this machine.

Nodes share no disk with this machine: the files that training reads travel through Ray's object
store, once for each study, and so does this package. Checkpoints and results come back as events;
after the death of a node, another one resumes its fleets.
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
from pipeline.training.jobs.task import FleetTask, Progress
from pipeline.training.jobs.workers import TaskFailed, WorkerDied

PACKAGE = Path(__file__).parents[2]
Work = Callable[[FleetTask], Iterator[Progress]]
Event = Progress | TaskFailed | WorkerDied


def connect() -> int:
    """Join the cluster that `RAY_ADDRESS` names, or that runs on this machine.

    Returns the number of its GPUs, or of its cores if it has none. Raises `InputError` if Ray is
    not installed or no cluster answers.
    """
    try:
        import ray
    except ImportError:
        raise InputError(
            "train.cluster is ray, which is not installed; "
            "pip install '.[cluster]', here and on every node"
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
            f"train.cluster is ray, but no cluster answers ({error}); "
            "start one (ray start --head), or name it in RAY_ADDRESS"
        ) from None
    signal.signal(signal.SIGTERM, handler)
    return int(_resource("GPU") or _resource("CPU"))


def _resource(name: str) -> float:
    """Return how many of a resource the cluster has."""
    import ray

    return float(ray.cluster_resources().get(name, 0))


def run(work: Work, tasks: deque[FleetTask], number: int) -> Iterator[tuple[FleetTask, Event]]:
    """Yield (task, event) for all that `work(task)` yields on the cluster, as it comes.

    `number` tasks run at a time, each on one core and its share of the GPUs. `tasks` may grow
    meanwhile.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError, RuntimeEnvSetupError

    share = min(1, _resource("GPU") / number)
    remote = ray.remote(num_cpus=1, num_gpus=share, max_retries=0)(_serve)
    remote = remote.options(num_returns="streaming")
    distinct = {task.folders: task for task in tasks}
    data = {folders: ray.put(_pack(task)) for folders, task in distinct.items()}
    running: dict[Any, FleetTask] = {}  # by Ray's stream of events
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
                    yield running.pop(stream), TaskFailed(str(error))
                except RayError as error:
                    yield running.pop(stream), WorkerDied(type(error).__name__)
                else:
                    yield running[stream], event
    finally:
        for stream in running:
            ray.cancel(stream, force=True)


def _pack(task: FleetTask) -> dict[str, bytes]:
    """Return the files that training reads, by folder and name."""
    folders = {"standardized": task.standardized, "windows": task.windows}
    return {
        f"{name}/{file.name}": file.read_bytes()
        for name, folder in folders.items()
        for file in sorted(folder.iterdir())
    }


def _serve(work: Work, task: FleetTask, data: Mapping[str, bytes]) -> Iterator[Event]:
    """Work on a task on a node of the cluster, with the node's own copy of the files."""
    folder = _unpack(data)
    here = replace(task, standardized=folder / "standardized", windows=folder / "windows")
    yield from workers.events(work, here)


def _unpack(data: Mapping[str, bytes]) -> Path:
    """Write the files to a temporary folder named after their content, unless it exists."""
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
