"""The contenders: who trains small recurrent forecasters, and how.

Each contender trains the same network on the same windows, batch size and optimizer.
`make(work, seeds)` prepares a process of a contender and returns `train(steps)`, which trains and
returns the model-steps done, one step of one seed's network each. Libraries whose forecasters
cannot be given the network (neuralforecast, darts) train their own recurrent forecaster of the same
width.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WINDOWS = 12_800
CORES = len(os.sched_getaffinity(0))
Train = Callable[[int], int]


@dataclass(frozen=True)
class Work:
    """A network and its data: windows of `time` steps and `features` columns, one target value."""

    time: int
    features: int
    units: int
    batch: int = 32
    # The seed template's convolution block, or else a plain convolution with relu.
    template: bool = True
    recurrent_dropout: float = 0.0
    cell_normalization: str = "none"

    @property
    def model(self) -> dict[str, Any]:
        """The network as an overlay of `model:` in params.yaml; it states its sizes and head."""
        conv = {"filters": 10, "kernel": 3}
        block = {
            "activation": "selu",
            "initializer": "lecun_normal",
            "bias": False,
            "squeeze_excite": 4,
        }
        slots = {
            "normalization": {"kind": "batch", "scale": False},
            "dropout": {"kind": "alpha", "rate": 0.1},
        }
        masks = (
            {"kind": "keras", "rate": self.recurrent_dropout}
            if self.recurrent_dropout
            else {"kind": "none"}
        )
        recurrent = {
            "units": self.units,
            "recurrent_dropout": masks,
            "normalization": self.cell_normalization,
        }
        return {
            "conv": conv | block | slots if self.template else conv,
            "recurrent": recurrent,
            "head": {"kind": "direct", "hidden": []},
        }


WORKS = {
    "template": Work(21, 20, 16),
    "template_recurrent_dropout": Work(21, 20, 16, recurrent_dropout=0.2),
    "T24_lstm64": Work(24, 20, 64, template=False),
    "T96_lstm64": Work(96, 20, 64, template=False),
    "T24_layer_norm_lstm64": Work(24, 20, 64, template=False, cell_normalization="layer_paper"),
}


def data(work: Work) -> tuple[Any, Any]:
    """Noise, (window, time, feature) and (window, 1): what is learnt does not change the speed."""
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.standard_normal((WINDOWS, work.time, work.features)).astype("float32"), rng.uniform(
        0, 2, (WINDOWS, 1)
    ).astype("float32")


def table(work: Work) -> Any:
    """Return noise as one hourly series: a target `y` and `features - 1` covariates.

    It has as many windows as `data`.
    """
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    rows = WINDOWS + work.time
    columns = {
        f"x{i}": rng.standard_normal(rows).astype("float32") for i in range(work.features - 1)
    }
    times = pd.date_range("2000-01-01", periods=rows, freq="h")
    return pd.DataFrame(
        {"unique_id": "a", "ds": times, "y": rng.standard_normal(rows).astype("float32"), **columns}
    )


def keras_fit(work: Work, seeds: int) -> Train:
    """Train with stock Keras: one seed's `fit` after another.

    Keras has no cell with LayerNorm: there it is a loop over a cell written here.
    """
    import keras
    from keras import layers

    class LayerNormCell(layers.LSTMCell):  # type: ignore[misc]
        """The paper's form: each product is normalized, and the carry on its way out."""

        def build(self, shape: Any) -> None:
            super().build(shape)
            self.norms = [layers.LayerNormalization() for _ in range(3)]
            for norm, width in zip(self.norms, (4, 4, 1), strict=True):
                norm.build((None, width * self.units))

        def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
            ops, (before_x, before_h, before_c) = keras.ops, self.norms
            z = (
                before_x(ops.matmul(inputs, self.kernel))
                + before_h(ops.matmul(states[0], self.recurrent_kernel))
                + self.bias
            )
            i, f, g, o = ops.split(z, 4, axis=1)
            c = ops.sigmoid(f) * states[1] + ops.sigmoid(i) * ops.tanh(g)
            h = ops.sigmoid(o) * ops.tanh(before_c(c))
            return h, [h, c]

    def squeeze_excite(x: Any) -> Any:
        gate = layers.GlobalAveragePooling1D(keepdims=True)(x)
        gate = layers.Dense(max(1, x.shape[-1] // 4), activation="relu", use_bias=False)(gate)
        return layers.Multiply()(
            [x, layers.Dense(x.shape[-1], activation="sigmoid", use_bias=False)(gate)]
        )

    def network() -> Any:
        inputs = layers.Input((work.time, work.features))
        if work.template:
            x = layers.Conv1D(
                10, 3, padding="causal", use_bias=False, kernel_initializer="lecun_normal"
            )(inputs)
            x = layers.Activation("selu")(layers.BatchNormalization(scale=False)(x))
            x = squeeze_excite(layers.AlphaDropout(0.1)(x))
        else:
            x = layers.Conv1D(10, 3, padding="causal", activation="relu")(inputs)
        if work.cell_normalization == "none":
            x = layers.LSTM(work.units, recurrent_dropout=work.recurrent_dropout)(x)
        else:
            x = layers.RNN(LayerNormCell(work.units))(x)
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


def fleets(work: Work, seeds: int) -> Train:
    """Ours: the seeds of this process as one fleet, one thread."""
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from pipeline.config.learning import Train
    from pipeline.config.model import Model, Shape
    from pipeline.training.engine.fleet import Fleet
    from pipeline.training.engine.replicas import Replicas
    from pipeline.training.engine.samples import Samples

    inputs, targets = data(work)
    shape = Shape(work.time, 1, 1, work.features - 1)
    rows = inputs[:, -1]  # a table whose windows overlap, as real ones do
    starts = np.arange(WINDOWS - work.time - 1)
    samples = Samples(rows, targets, starts, starts[:512], shape)
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


def torch_loop(work: Work, seeds: int) -> Train:
    """Train with a hand-written PyTorch loop: one seed after another, one thread.

    Masks on the state and normalizations in the cell need a loop over time.
    """
    import torch
    from torch import nn

    torch.set_num_threads(1)

    class LayerNormCell(nn.Module):
        """The paper's form, as in `keras_fit`."""

        def __init__(self) -> None:
            super().__init__()
            wide = 4 * work.units
            self.x, self.h = nn.Linear(10, wide, bias=False), nn.Linear(work.units, wide)
            self.norm_x, self.norm_h, self.norm_c = (
                nn.LayerNorm(wide),
                nn.LayerNorm(wide),
                nn.LayerNorm(work.units),
            )

        def forward(self, x: Any, state: Any) -> Any:
            i, f, g, o = (self.norm_x(self.x(x)) + self.norm_h(self.h(state[0]))).chunk(4, dim=1)
            c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
            return torch.sigmoid(o) * torch.tanh(self.norm_c(c)), c

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(work.features, 10, 3, bias=not work.template)
            self.norm = nn.BatchNorm1d(10)
            self.alpha = nn.AlphaDropout(0.1)
            self.squeeze, self.excite = nn.Linear(10, 2, bias=False), nn.Linear(2, 10, bias=False)
            self.lstm = nn.LSTM(10, work.units, batch_first=True)
            self.cell = (
                nn.LSTMCell(10, work.units)
                if work.cell_normalization == "none"
                else LayerNormCell()
            )
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
            if not work.recurrent_dropout and work.cell_normalization == "none":
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


QUIET = {
    "accelerator": "cpu",
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "enable_checkpointing": False,
}


def neuralforecast_lstm(work: Work, seeds: int) -> Train:
    """Train neuralforecast's LSTM of the same width on the same windows, seed after seed."""
    import logging

    import torch
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    torch.set_num_threads(1)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    frame = table(work)
    covariates = [name for name in frame if name.startswith("x")]

    def train(steps: int) -> int:
        for seed in range(seeds):
            sizes = {
                "input_size": work.time,
                "encoder_n_layers": 1,
                "encoder_hidden_size": work.units,
                "windows_batch_size": work.batch,
                "batch_size": 1,
            }
            model = LSTM(
                h=1,
                hist_exog_list=covariates,
                max_steps=steps,
                random_seed=seed,
                optimizer=torch.optim.NAdam,
                scaler_type=None,
                **sizes,
                **QUIET,
            )
            NeuralForecast([model], freq="h").fit(frame)
        return steps * seeds

    return train


def darts_rnn(work: Work, seeds: int) -> Train:
    """Train darts' BlockRNNModel of the same width on the same windows, seed after seed."""
    import logging

    import torch
    from darts import TimeSeries
    from darts.models import BlockRNNModel

    torch.set_num_threads(1)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    frame = table(work)
    covariates = [name for name in frame if name.startswith("x")]
    series, past = (TimeSeries.from_dataframe(frame, "ds", names) for names in ("y", covariates))

    def train(steps: int) -> int:
        rows = steps * work.batch + work.time
        for seed in range(seeds):
            settings = {
                "batch_size": work.batch,
                "n_epochs": 1,
                "optimizer_cls": torch.optim.NAdam,
                "random_state": seed,
            }
            model = BlockRNNModel(
                work.time,
                1,
                model="LSTM",
                hidden_dim=work.units,
                pl_trainer_kwargs=QUIET,
                **settings,
            )
            model.fit(series[:rows], past_covariates=past[:rows])
        return steps * seeds

    return train


@dataclass(frozen=True)
class Entry:
    """`make(work, seeds of one process)` in `processes` at once; `package` must be installed."""

    make: Callable[[Work, int], Train]
    processes: int
    package: str


CONTENDERS = {
    "keras fit, seed after seed": Entry(keras_fit, 1, "keras"),
    "keras fit, one process per core": Entry(keras_fit, CORES, "keras"),
    "PyTorch loop, one process per core": Entry(torch_loop, CORES, "torch"),
    "neuralforecast LSTM, one process per core": Entry(
        neuralforecast_lstm, CORES, "neuralforecast"
    ),
    "darts BlockRNN, one process per core": Entry(darts_rnn, CORES, "darts"),
    "fleets": Entry(fleets, CORES, "tensorflow"),
}
