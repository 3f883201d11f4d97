"""What a variant's folder holds after training: its fleets' results, put together in the order of the seeds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.files import read_json, write_arrays, write_json
from pipeline.network import rules
from pipeline.network.cell_rules import keeps_cudnn
from pipeline.network.rules import Case
from pipeline.params import Variant
from pipeline.training.fingerprint import digest

PER_SEED = ("seeds", "states", "best_epochs", "epochs")


def gather(case: Case, variant: Variant, fleets: Sequence[Path], out: Path) -> None:
    """Write `weights.npz` (seed, ...), `history.parquet`, `fleet.json` and `cost.json` of `variant` (`case` to the rules) into the new folder `out`."""
    out.mkdir()
    facts = [read_json(fleet / "fleet.json") for fleet in fleets]
    order = np.argsort(np.concatenate([fact["seeds"] for fact in facts]))
    write_arrays(out / "weights.npz", _weights(fleets, order))
    history = pa.concat_tables([pq.read_table(fleet / "history.parquet") for fleet in fleets])
    pq.write_table(history.sort_by([("seed", "ascending"), ("epoch", "ascending")]), out / "history.parquet")
    write_json(out / "fleet.json", _facts(case, variant, facts, order) | {"weights": digest(out / "weights.npz")})
    write_json(out / "cost.json", _cost(fleets, facts))


def _weights(fleets: Sequence[Path], order: np.ndarray) -> dict[str, np.ndarray]:
    arrays = [np.load(fleet / "weights.npz", allow_pickle=False) for fleet in fleets]
    return {name: np.concatenate([array[name] for array in arrays])[order] for name in arrays[0].files}


def _facts(case: Case, variant: Variant, facts: Sequence[dict[str, Any]], order: np.ndarray) -> dict[str, Any]:
    per_seed = {key: [value for fact in facts for value in fact[key]] for key in PER_SEED}
    return {
        "name": variant.name,
        "family": variant.family,
        "model": variant.model.model_dump(mode="json"),
        "train": variant.train.model_dump(mode="json", exclude={"workers"}),
        "shape": vars(case.shape),
        "warnings": [rule.name for rule in rules.broken(case, "warn", variant.allow)],
        "cudnn": keeps_cudnn(variant.model.recurrent),
        "parameters": facts[0]["parameters"],
        **{key: [values[i] for i in order] for key, values in per_seed.items()},
    }


def _cost(fleets: Sequence[Path], facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    costs, sizes = [read_json(fleet / "cost.json") for fleet in fleets], [len(fact["seeds"]) for fact in facts]
    seconds = sum(cost["seconds_per_replica"] * size for cost, size in zip(costs, sizes, strict=True))
    return {"seconds_per_replica": seconds / sum(sizes), "device": costs[0]["device"]}
