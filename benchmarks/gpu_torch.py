"""PyTorch's way with the same networks: one seed after another, on CUDA where it is present.

`nn.LSTM` is cuDNN's fused kernel there; on a CPU, one thread is faster for such small networks.
`eager` issues a step's kernels one by one; `graph` records a whole step once as a CUDA graph and
replays it, the fastest loop over small networks that we know of.
"""

from collections.abc import Callable

import torch
from contenders import WINDOWS, Work, data
from torch import Tensor, nn

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Train = Callable[[int], int]  # steps -> model-steps done


class Network(nn.Module):
    """The network of a `Work`, (window, time, feature) to (window, 1)."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.template = work.template
        self.conv = nn.Conv1d(work.features, 10, 3, bias=not work.template)
        if work.template:
            self.norm, self.alpha = nn.BatchNorm1d(10), nn.AlphaDropout(0.1)
            self.squeeze, self.excite = nn.Linear(10, 2, bias=False), nn.Linear(2, 10, bias=False)
        self.lstm = nn.LSTM(10, work.units, batch_first=True)
        self.head = nn.Linear(work.units, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Forecast."""
        x = self.conv(nn.functional.pad(windows.transpose(1, 2), (2, 0)))
        x = self.block(x) if self.template else torch.relu(x)
        return self.head(self.lstm(x.transpose(1, 2))[0][:, -1])

    def block(self, x: Tensor) -> Tensor:
        """What the seed template does after its convolution (window, filter, time)."""
        x = self.alpha(torch.selu(self.norm(x)))
        gate = self.excite(torch.relu(self.squeeze(x.mean(2))))
        return x * torch.sigmoid(gate).unsqueeze(2)


class Trainer:
    """One seed's network, its optimizer, and the windows, all on the device."""

    def __init__(self, work: Work, capturable: bool) -> None:
        torch.set_float32_matmul_precision("high")
        if DEVICE == "cpu":
            torch.set_num_threads(1)
        self.network, self.batch = Network(work).to(DEVICE), work.batch
        self.optimizer = torch.optim.NAdam(self.network.parameters(), capturable=capturable)
        self.inputs, self.targets = (torch.from_numpy(part).to(DEVICE) for part in data(work))

    def step(self, batch: Tensor) -> None:
        """Take one optimizer step on windows `batch` (window,)."""
        self.optimizer.zero_grad(set_to_none=True)
        forecast = self.network(self.inputs[batch])
        nn.functional.mse_loss(forecast, self.targets[batch]).backward()
        self.optimizer.step()

    def batches(self, steps: int) -> Tensor:
        """Draw batches (step, window)."""
        return torch.randint(WINDOWS, (steps, self.batch), device=DEVICE)


def eager(work: Work) -> Train:
    """Return a loop that issues every operation of every step."""
    trainer = Trainer(work, capturable=False)

    def train(steps: int) -> int:
        for batch in trainer.batches(steps):
            trainer.step(batch)
        _wait()
        return steps

    return train


def graph(work: Work) -> Train:
    """Return a loop that replays a recorded step; needs CUDA."""
    trainer = Trainer(work, capturable=True)
    batch = trainer.batches(1)[0].clone()
    recorded = _record(lambda: trainer.step(batch))

    def train(steps: int) -> int:
        for now in trainer.batches(steps):
            batch.copy_(now)
            recorded.replay()
        _wait()
        return steps

    return train


def _record(step: Callable[[], None]) -> torch.cuda.CUDAGraph:
    """Record `step` after three steps on another stream, as PyTorch's notes on graphs ask for."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded):
        step()
    return recorded


def _wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def memory() -> int | None:
    """Return the peak of the device memory in bytes since the last call; None on a CPU."""
    if DEVICE == "cpu":
        return None
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return peak
