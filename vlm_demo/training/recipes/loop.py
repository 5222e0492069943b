"""The training loop of every stage: schedule, checkpoints, resuming, progress bar."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset
from tqdm import tqdm

Batch = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long to train and how fast; the learning rate warms up, stays, and decays to zero."""

    steps: int
    batch_size: int  # scenes in each step
    peak_rate: float = 3e-3
    warmup_steps: int = 60
    decay_share: float = 0.5  # share of the steps, at the end, in which it decays linearly

    def rate(self, step: int) -> float:
        """Return the share of the peak rate at `step`, 0 to 1."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        left = (self.steps - step) / (self.steps * self.decay_share)
        return warm * min(1.0, max(0.01, left))


def device() -> torch.device:
    """Return the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision() -> torch.autocast:
    """Return a context that computes in bfloat16 where that is faster."""
    on = device().type
    return torch.autocast(on, torch.bfloat16, enabled=on != "cpu" or bfloat16_is_faster())


@cache
def bfloat16_is_faster() -> bool:
    """Time a product of matrices: CPUs without bfloat16 instructions emulate it slowly."""
    times = {}
    for dtype in (torch.float32, torch.bfloat16):
        matrix = torch.ones(512, 512, dtype=dtype)
        matrix @ matrix  # the first product is slower
        start = time.perf_counter()
        for _ in range(10):
            matrix @ matrix
        times[dtype] = time.perf_counter() - start
    return times[torch.bfloat16] < times[torch.float32]


def compile_where_possible(module: nn.Module) -> None:
    """Fuse a module's small operations, a third of a step's time, if there is a C++ compiler."""
    if any(map(shutil.which, ("g++", "clang++"))):
        module.compile()


def fit(
    module: nn.Module,
    batch_at: Callable[[int], Batch],
    loss_of: Callable[[Batch], tuple[Tensor, dict[str, float]]],
    schedule: Schedule,
    checkpoint: Path,
    *,
    title: str,
    checkpoint_every: int = 200,
) -> None:
    """Train `module` from `checkpoint`, if it exists, to the end of the schedule.

    `batch_at(step)` makes the batch of a step from its number alone, so a resumed run gets the same
    data as an uninterrupted one. `loss_of` returns the loss, and figures for the progress bar.
    """
    module.to(device())
    optimizers = _optimizers(module, schedule.peak_rate)
    first = _resume(module, optimizers, checkpoint)
    if first >= schedule.steps:
        return
    loader = DataLoader(_Steps(batch_at, first, schedule.steps), batch_size=None, num_workers=1)
    bar = tqdm(loader, desc=title, initial=first, total=schedule.steps, unit="step", mininterval=2)
    smooth: dict[str, float] = {}
    for step, batch in enumerate(bar, start=first):
        _set_rate(optimizers, schedule.peak_rate * schedule.rate(step))
        loss, figures = loss_of({name: value.to(device()) for name, value in batch.items()})
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        for name, value in figures.items():
            smooth[name] = 0.95 * smooth.get(name, value) + 0.05 * value
        bar.set_postfix({name: f"{value:.3f}" for name, value in smooth.items()}, refresh=False)
        if (step + 1) % checkpoint_every == 0 or step + 1 == schedule.steps:
            _save(module, optimizers, step + 1, checkpoint)


class _Steps(IterableDataset[Batch]):
    def __init__(self, batch_at: Callable[[int], Batch], first: int, last: int) -> None:
        self._batch_at, self._first, self._last = batch_at, first, last

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        return map(self._batch_at, range(self._first, self._last))


def _optimizers(module: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Return Muon for the inner matrices, and AdamW for embeddings, heads, norms and biases."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        is_outer = any(word in name for word in ("embed", "position", "head", "latent"))
        (others if parameter.dim() != 2 or is_outer else matrices).append(parameter)
    return [
        torch.optim.Muon(
            matrices, lr=rate, weight_decay=0.05, ns_steps=4, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def _set_rate(optimizers: list[torch.optim.Optimizer], rate: float) -> None:
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate


def _save(
    module: nn.Module, optimizers: list[torch.optim.Optimizer], step: int, checkpoint: Path
) -> None:
    state: dict[str, Any] = {
        "step": step,
        "module": module.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    temporary = checkpoint.with_suffix(".unfinished")
    torch.save(state, temporary)
    temporary.replace(checkpoint)  # a run that is killed while saving keeps its previous checkpoint


def _resume(module: nn.Module, optimizers: list[torch.optim.Optimizer], checkpoint: Path) -> int:
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, map_location=device(), weights_only=True)
    module.load_state_dict(state["module"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return int(state["step"])
