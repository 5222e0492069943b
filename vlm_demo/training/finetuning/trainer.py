"""The training itself: TRL's SFTTrainer with the model's own loss, and what it is told and tells.

TRL's fused head scores every position of every row on a CPU, and needs an output that KOSMOS-2,
BLIP-2 and others do not have; the model's own loss works for all (TRL 1.16).
"""

from __future__ import annotations

import json
import math
import time
import warnings
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import torch
from datasets import Dataset  # type: ignore[import-untyped]  # it has no types
from peft import LoraConfig
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional
from transformers import PrinterCallback, Trainer, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from vlm_demo.errors import FileError, OutOfMemoryError, TrainingError
from vlm_demo.training.finetuning.events import CheckpointEvent, StepEvent
from vlm_demo.training.finetuning.loading import LoadedModel
from vlm_demo.training.finetuning.log import Report
from vlm_demo.training.finetuning.options import FinetuneOptions
from vlm_demo.training.finetuning.plan import Plan, batch_size
from vlm_demo.training.recipes.loop import bfloat16_is_faster
from vlm_demo.training.rows.collator import IGNORED

# TRL 1.16 sets an option of transformers 5.23 by its former name.
warnings.filterwarnings("ignore", "`gradient_checkpointing` is deprecated", FutureWarning)

CHECKPOINTS = "checkpoints"
"""Folder of the checkpoints, in that of the run."""


def training_arguments(
    plan: Plan, options: FinetuneOptions, folder: Path, device: str, at_once: int, *, bf16: bool
) -> dict[str, Any]:
    """Return the arguments of TRL's configurations.

    Args:
        plan: of the run.
        options: of the run.
        folder: of the run.
        device: where the model is.
        at_once: rows that are computed at a time.
        bf16: whether steps are computed in bfloat16.
    """
    return {
        "output_dir": str(folder / CHECKPOINTS),
        "max_steps": plan.steps,
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": batch_size(options) // at_once,
        "learning_rate": plan.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": plan.warmup_steps,
        "weight_decay": 0.0,
        "max_length": None,  # it would cut through pictures
        "seed": options.seed,
        "use_cpu": device == "cpu",
        "bf16": bf16,
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
        "train_sampling_strategy": "sequential",  # the order is the plan's
        "remove_unused_columns": False,
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps",
        "save_steps": plan.checkpoint_every,
        "save_total_limit": 2,
    }


def computes_in_bfloat16(device: str) -> bool:
    """Whether steps are faster in bfloat16 on a device, and as good."""
    if device == "cpu":
        return bfloat16_is_faster()
    return device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


class PlainCheckpoints:
    """Writes checkpoints without what is never read: a card, the processor, pickled arguments."""

    def _save_checkpoint(self: Any, model: Any, trial: Any) -> None:
        Trainer._save_checkpoint(self, model, trial)  # TRL's writes a card first

    def _save(self: Any, output_dir: str | None = None, state_dict: Any = None) -> None:
        self.model.save_pretrained(output_dir or self.args.output_dir, state_dict=state_dict)


class OwnLossTrainer(PlainCheckpoints, SFTTrainer):
    """Trains on answers, of which long ones do not drown short ones: see `weigh_answers`."""

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the weighted mean loss of the answers' tokens."""
        if self.model_accepts_loss_kwargs and num_items_in_batch is not None:
            inputs = {**inputs, "num_items_in_batch": num_items_in_batch}
        output = model(**inputs)
        loss, labels = output.loss, inputs["labels"]
        # Encoder-decoders shift labels otherwise, and some models score their pictures, too.
        if output.logits.shape[:2] == labels.shape and not model.config.is_encoder_decoder:
            loss = weigh_answers(output.logits, labels)
            if num_items_in_batch is not None:
                loss = loss * (labels != IGNORED).sum() / num_items_in_batch
        return (loss, output) if return_outputs else loss


def weigh_answers(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of answers of which each weighs the same, whatever its length.

    So a "yes" counts as much as a caption with boxes, which has twenty times as many tokens: what
    InternVL 2.5 calls sample averaging (https://arxiv.org/abs/2412.05271, section 3.3).

    Args:
        logits: scores of the next token (rows, tokens, vocabulary).
        labels: the tokens (rows, tokens); `IGNORED` where nothing is learned.
    """
    wanted = labels[:, 1:] != IGNORED
    losses = functional.cross_entropy(
        logits[:, :-1][wanted].float(), labels[:, 1:][wanted], reduction="none"
    )
    tokens = wanted.sum(1, keepdim=True).expand(wanted.shape)[wanted]
    weights = tokens.float().reciprocal()
    return (losses * weights).sum() / weights.sum()


class ReportingCallback(TrainerCallback):
    """Reports each step, and ends the training after a step when it is told to."""

    def __init__(self, report: Report, stop: Event) -> None:
        """Keep whom to tell, and who says that it is enough."""
        self._report, self._stop = report, stop
        self._start = time.monotonic()
        self.last_step = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Have the training end, and what there is saved, if that is wanted."""
        self.last_step = state.global_step
        if self._stop.is_set():
            control.should_training_stop = control.should_save = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Report the loss of a step.

        Raises:
            TrainingError: it is no number any more.
        """
        if "loss" not in (logs or {}):
            return
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise TrainingError(
                "The loss is no number any more in step {step}. Begin anew with a lower "
                "--learning-rate; the last one was {rate}.",
                step=state.global_step,
                rate=f"{float(logs['learning_rate']):.1e}",
            )
        self._report(
            StepEvent(
                step=state.global_step,
                steps=state.max_steps,
                loss=round(loss, 5),
                learning_rate=float(logs["learning_rate"]),
                seconds=round(time.monotonic() - self._start, 2),
            )
        )

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Report a checkpoint."""
        self._report(CheckpointEvent(step=state.global_step))


def make_trainer(
    trained: LoadedModel,
    order: list[int],
    arguments: dict[str, Any],
    collator: Any,
    adapter: LoraConfig | None,
) -> OwnLossTrainer:
    """Return a trainer that takes rows in an order.

    Args:
        trained: the model.
        order: numbers of rows.
        arguments: of SFTConfig.
        collator: makes a batch of the numbers of rows.
        adapter: settings of the adapter that is trained; None: the model itself.
    """
    # By this name of the column the trainer takes rows for pictures, and prepares nothing.
    dataset = Dataset.from_dict({"images": order})
    return OwnLossTrainer(
        model=trained.model,
        args=SFTConfig(**arguments),
        train_dataset=dataset,
        processing_class=trained.processor,
        data_collator=collator,
        peft_config=adapter,
    )


def train(trainer: Any, report: Report, stop: Event) -> int:
    """Train to the end, or until a step after `stop` is set; return the last step that was done.

    It goes on from the last complete checkpoint in its folder.

    Raises:
        OutOfMemoryError: a step did not fit into memory; what was learned before is saved.
        FileError: a checkpoint could not be written; earlier ones stay.
        TrainingError: the loss is no number any more.
    """
    callback = ReportingCallback(report, stop)
    trainer.remove_callback(PrinterCallback)  # it writes to standard output
    trainer.add_callback(callback)
    folder = Path(trainer.args.output_dir)
    checkpoint = last_checkpoint(folder)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError, OSError, SafetensorError) as error:
        raise _explain(error, trainer, folder) from error
    return int(trainer.state.global_step)


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that was written to its end; None: there is none."""
    found = sorted(folder.glob("checkpoint-*"), key=checkpoint_step, reverse=True)
    return next((one for one in found if _is_complete(one)), None)


def checkpoint_step(checkpoint: Path) -> int:
    """Return after which step a checkpoint was written."""
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def _is_complete(checkpoint: Path) -> bool:
    try:  # it is written last
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _explain(error: Exception, trainer: Any, folder: Path) -> Exception:
    """Return an error that says what happened, in which step, and what is kept."""
    step, text = int(trainer.state.global_step), " ".join(str(error).split())
    is_memory = isinstance(error, torch.OutOfMemoryError | MemoryError)
    if is_memory or "can't allocate memory" in text or "out of memory" in text:
        return OutOfMemoryError(
            "The memory was full in step {step}. {kept} Go on with fewer rows at a time: "
            "--resume --at-once {fewer}.",
            step=step + 1,
            kept=_keep(trainer, folder),
            fewer=max(1, trainer.args.per_device_train_batch_size // 2),
        )
    if isinstance(error, OSError | SafetensorError) or "PytorchStreamWriter" in text:
        kept = last_checkpoint(folder)
        return FileError(
            "The checkpoint of step {step} cannot be written: {reason}. {kept} Make room "
            "and go on with --resume.",
            step=step,
            reason=text.rstrip("."),
            kept=f"That of step {checkpoint_step(kept)} is kept." if kept else "",
        )
    return error


def _keep(trainer: Any, folder: Path) -> str:
    """Save what was learned before a step failed, and say so."""
    step = int(trainer.state.global_step)
    last = last_checkpoint(folder)
    if step and (last is None or checkpoint_step(last) < step):
        trainer.model.zero_grad(set_to_none=True)  # for the memory of the gradients
        with suppress(RuntimeError, OSError, SafetensorError, MemoryError):
            trainer._save_checkpoint(trainer.model, None)
        last = last_checkpoint(folder)
    if last is None:
        return "Nothing had been learned yet."
    return f"What was learned until step {checkpoint_step(last)} is kept."
