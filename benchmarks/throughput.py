"""How many optimizer steps of small recurrent forecasters a machine does in a second: plain `keras fit`, a PyTorch loop, our fleets.

    python benchmarks/throughput.py [--rounds 5] [--seconds 6] [work ...]

Every contender trains the same network on the same data with the same batch size and optimizer, in processes that are started and warmed up
first and then take turns, so that a drift of the machine's speed hits all of them. A figure is model-steps per second: steps of one seed's network,
summed over all networks that train at once; the median of the rounds. Contenders whose package is not installed are left out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

SEEDS, WINDOWS = 8, 12_800
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Work:
    """A network and its data: windows of `time` steps and `features` columns, one value to forecast."""

    time: int
    features: int
    units: int
    batch: int = 32
    template: bool = True  # the seed template's convolution block; else a plain convolution with relu
    recurrent_dropout: float = 0.0
    cell_normalization: str = "none"

    @property
    def model(self) -> dict[str, Any]:
        """The network as an overlay of `model:` in params.yaml."""
        block = {"activation": "selu", "initializer": "lecun_normal", "bias": False, "squeeze_excite": 4}
        slots = {"normalization": {"kind": "batch", "scale": False}, "dropout": {"kind": "alpha", "rate": 0.1}}
        masks = {"kind": "keras", "rate": self.recurrent_dropout} if self.recurrent_dropout else {"kind": "none"}
        recurrent = {"units": self.units, "recurrent_dropout": masks, "normalization": self.cell_normalization}
        return {"conv": block | slots if self.template else {}, "recurrent": recurrent}


WORKS = {
    "template": Work(21, 20, 16),
    "template_recurrent_dropout": Work(21, 20, 16, recurrent_dropout=0.2),
    "T24_lstm64": Work(24, 20, 64, template=False),
    "T96_lstm64": Work(96, 20, 64, template=False),
}


def data(work: Work) -> tuple[Any, Any]:
    """Noise, (window, time, feature) and (window, 1): what is learnt does not change the speed."""
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.standard_normal((WINDOWS, work.time, work.features)).astype("float32"), rng.uniform(0, 2, (WINDOWS, 1)).astype("float32")


def keras_fit(work: Work, seeds: int) -> Callable[[int], int]:
    """Stock Keras: one seed's `fit` after the other's."""
    import keras
    from keras import layers

    def squeeze_excite(x: Any) -> Any:
        gate = layers.GlobalAveragePooling1D(keepdims=True)(x)
        gate = layers.Dense(max(1, x.shape[-1] // 4), activation="relu", use_bias=False)(gate)
        return layers.Multiply()([x, layers.Dense(x.shape[-1], activation="sigmoid", use_bias=False)(gate)])

    def network() -> Any:
        inputs = layers.Input((work.time, work.features))
        if work.template:
            x = layers.Conv1D(10, 3, padding="causal", use_bias=False, kernel_initializer="lecun_normal")(inputs)
            x = layers.Activation("selu")(layers.BatchNormalization(scale=False)(x))
            x = squeeze_excite(layers.AlphaDropout(0.1)(x))
        else:
            x = layers.Conv1D(10, 3, padding="causal", activation="relu")(inputs)
        x = layers.LSTM(work.units, recurrent_dropout=work.recurrent_dropout)(x)
        model = keras.Model(inputs, layers.Dense(1)(x))
        model.compile("nadam", "mse")
        return model

    inputs, targets = data(work)
    models = [network() for _ in range(seeds)]

    def train(steps: int) -> int:
        windows = steps * work.batch
        for model in models:
            model.fit(inputs[:windows], targets[:windows], batch_size=work.batch, verbose=0)
        return steps * seeds

    return train


def fleets(work: Work, seeds: int) -> Callable[[int], int]:
    """Ours: the seeds of this process as one fleet, one thread."""
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from pipeline.network.configuration import Model, Shape
    from pipeline.params import Train
    from pipeline.training.fleet import Fleet
    from pipeline.training.replicas import Replicas
    from pipeline.training.samples import Samples

    inputs, targets = data(work)
    shape = Shape(work.time, 1, 1, work.features - 1)
    rows = inputs[:, -1]  # a table whose windows overlap, as real ones do
    starts = np.arange(WINDOWS - work.time - 1)
    samples = Samples.on_device(rows, targets, starts, starts[:512], shape)
    train = Train(optimizer="nadam", batch=work.batch)
    fleet = Fleet(Replicas(Model.model_validate(work.model), shape), train, samples)
    names = list(range(seeds))
    state, epoch = fleet.initial(names), 0

    def run(steps: int) -> int:
        nonlocal state, epoch
        batches = samples.batches(work.batch, names, epoch)[:steps]
        state, _ = fleet.epoch(state, names, epoch, batches, np.full(seeds, 1e-3))
        epoch += 1
        return len(batches) * seeds

    return run


def torch_loop(work: Work, seeds: int) -> Callable[[int], int]:
    """A hand-written PyTorch loop, one seed after the other, one thread; dropout on the recurrent state needs a loop over time."""
    import torch
    from torch import nn

    torch.set_num_threads(1)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(work.features, 10, 3, bias=not work.template)
            self.norm = nn.BatchNorm1d(10)
            self.alpha = nn.AlphaDropout(0.1)
            self.squeeze, self.excite = nn.Linear(10, 2, bias=False), nn.Linear(2, 10, bias=False)
            self.lstm = nn.LSTM(10, work.units, batch_first=True)
            self.cell = nn.LSTMCell(10, work.units)
            self.head = nn.Linear(work.units, 1)

        def forward(self, x: Any) -> Any:
            x = self.conv(nn.functional.pad(x.transpose(1, 2), (2, 0)))
            if work.template:
                x = self.alpha(torch.selu(self.norm(x)))
                x = x * torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean(2))))).unsqueeze(2)
            else:
                x = torch.relu(x)
            return self.head(self.last(x.transpose(1, 2)))

        def last(self, x: Any) -> Any:
            if not work.recurrent_dropout:
                return self.lstm(x)[0][:, -1]
            keep = 1 - work.recurrent_dropout
            h = c = x.new_zeros(len(x), work.units)
            mask = torch.bernoulli(torch.full_like(h, keep)) / keep
            for t in range(work.time):
                h, c = self.cell(x[:, t], (h * mask, c))
            return h

    inputs, targets = map(torch.from_numpy, data(work))
    networks = [Network() for _ in range(seeds)]
    optimizers = [torch.optim.NAdam(network.parameters()) for network in networks]

    def train(steps: int) -> int:
        order = torch.randperm(WINDOWS)
        for network, optimizer in zip(networks, optimizers, strict=True):
            for batch in order[: steps * work.batch].split(work.batch):
                optimizer.zero_grad(set_to_none=True)
                nn.functional.mse_loss(network(inputs[batch]), targets[batch]).backward()
                optimizer.step()
        return steps * seeds

    return train


@dataclass(frozen=True)
class Contender:
    """`make(work, seeds of one process)` in `processes` at once; `package` must be installed."""

    make: Callable[[Work, int], Callable[[int], int]]
    processes: int
    package: str


CONTENDERS = {
    "keras fit, seed after seed": Contender(keras_fit, 1, "keras"),
    "keras fit, one process per core": Contender(keras_fit, CORES, "keras"),
    "PyTorch loop, one process per core": Contender(torch_loop, CORES, "torch"),
    "fleets": Contender(fleets, CORES, "tensorflow"),
}


def serve(contender: str, work: str) -> None:
    """A contender's process: build and warm up, then train as many steps as each line of standard input says, answering with the count."""
    chosen = CONTENDERS[contender]
    train = chosen.make(WORKS[work], max(1, SEEDS // chosen.processes))
    train(3)
    print("ready", flush=True)
    for line in sys.stdin:
        print(train(int(line)), flush=True)


class Team:
    """The processes of one contender."""

    def __init__(self, name: str, work: str) -> None:
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "PYTHONPATH": os.getcwd()}
        command = [sys.executable, __file__, "--serve", name, work]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "env": environment}
        self.processes = [subprocess.Popen(command, **pipes) for _ in range(CONTENDERS[name].processes)]
        for process in self.processes:
            if self.answer(process) != "ready":
                raise RuntimeError(f"{name} did not start on {work}; run it alone: {' '.join(command)}")

    @staticmethod
    def answer(process: Any) -> str:
        return str(process.stdout.readline()).strip()

    def rate(self, steps: int) -> float:
        """Model-steps per second of one round of so many steps of every network."""
        began = time.perf_counter()
        for process in self.processes:
            process.stdin.write(f"{steps}\n")
            process.stdin.flush()
        return sum(int(self.answer(process)) for process in self.processes) / (time.perf_counter() - began)

    def close(self) -> None:
        for process in self.processes:
            process.communicate()


def measure(work: str, rounds: int, seconds: float) -> Iterator[tuple[str, float]]:
    """The median rate of every contender, taking turns."""
    teams = {name: Team(name, work) for name, contender in CONTENDERS.items() if find_spec(contender.package)}
    steps = {}
    for name, team in teams.items():
        team.rate(5)
        steps[name] = max(5, min(390, int(team.rate(20) * seconds / SEEDS)))
    rates = [{name: team.rate(steps[name]) for name, team in teams.items()} for _ in range(rounds)]
    for name, team in teams.items():
        team.close()
        yield name, statistics.median(rate[name] for rate in rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("works", nargs="*", default=list(WORKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--serve", nargs=2, metavar=("CONTENDER", "WORK"))
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(*arguments.serve)
    for work in arguments.works:
        print(f"\n{work}: {json.dumps(WORKS[work].__dict__)}, {SEEDS} seeds, {CORES} cores", flush=True)
        rates = dict(measure(work, arguments.rounds, arguments.seconds))
        for name, rate in rates.items():
            print(f"  {name:36}{rate:8.0f} model-steps/s{rates['fleets'] / rate:8.1f} x", flush=True)


if __name__ == "__main__":
    main()
