"""The options of a run, declared once: the command line and the page read them from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from vlm_demo.errors import InputError


class Method(StrEnum):
    """What is trained."""

    LORA = "lora"  # an adapter of low rank (https://arxiv.org/abs/2106.09685)
    QLORA = "qlora"  # the same, on a base in 4 bits (https://arxiv.org/abs/2305.14314)
    FULL = "full"  # all weights
    DPO = "dpo"  # an adapter, on pairs of a better and a worse answer


@dataclass(frozen=True, slots=True)
class OptionDeclaration:
    """What is declared of one option."""

    name: str
    default: Any
    help: str
    metavar: str = ""
    least: float | None = None
    most: float | None = None

    @property
    def flag(self) -> str:
        """Its flag: --learning-rate."""
        return f"--{self.name.replace('_', '-')}"


def _declare(
    default: Any,
    about: str,
    metavar: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """Return a field of `FinetuneOptions`."""
    return field(
        default=default,
        metadata={"help": about, "metavar": metavar, "least": least, "most": most},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneOptions:
    """How a model is fine-tuned; the defaults suit a few hundred pictures."""

    data: str = _declare(
        "", "File, folder or Hub ID of the data; the form is found out (see --form).", "DATA"
    )
    form: str = _declare("", "Form of the data, where it is not found out rightly.", "FORM")
    most: int | None = _declare(
        None, "Most rows or images that are read. Default: all that are here.", "N", least=1
    )
    method: Method = _declare(  # noqa: RUF009  it returns a field
        Method.LORA, "What is trained."
    )
    steps: int | None = _declare(
        None, "Steps of training. Default: as --epochs says.", "N", least=1
    )
    epochs: float = _declare(
        1.0, "How often the new data is seen, if --steps is not given.", "N", least=0.01
    )
    batch: int | None = _declare(
        None, "Rows that each step learns from. Default: 8, or 10 pairs for dpo.", "N", least=1
    )
    at_once: int | None = _declare(
        None,
        "How many of them are computed at a time. Default: as many as fit into memory.",
        "N",
        least=1,
    )
    learning_rate: float | None = _declare(
        None, "Highest learning rate. Default: by the method and the size of the model.", "RATE"
    )
    rank: int = _declare(16, "Rank of the adapter.", "N", least=1)
    tower: bool = _declare(True, "Whether the part that sees the image is trained as well.")
    seed: int = _declare(0, "Draws what is held out, the order, and first weights.", least=0)
    held_out: float = _declare(
        0.1,
        "Share of the images that is not trained on: the model is scored on them.",
        "SHARE",
        least=0,
        most=0.5,
    )
    replay: float = _declare(
        0.4,
        "Share of the rows that are old questions, so that old skills stay: drawn scenes for the "
        "embedded models, else the data of --old-data.",
        "SHARE",
        least=0,
        most=0.95,
    )
    negatives: bool = _declare(
        True, "Whether questions about absent things are added where the data has too few."
    )
    known_share: float = _declare(
        0.1,
        "Share of the questions about things that the model finds already which is learned from; "
        "1: all of them.",
        "SHARE",
        least=0,
        most=1,
    )
    old_benchmark: str = _declare(
        "",
        "Benchmark of old skills, see vlm-demo evaluate --list. Default: scenes for the embedded "
        "models, else none.",
        "NAME",
    )
    old_data: str = _declare(
        "",
        "Data of that benchmark; or, without one, old questions in any form that --data takes: "
        "some are replayed, the others scored.",
        "DATA",
    )
    questions: int = _declare(200, "About how many questions each score is from.", "N", least=1)
    max_loss: float = _declare(
        0.06,
        "How much an old score may lose (0 to 1) before the model is kept off the menu.",
        "SHARE",
        least=0,
        most=1,
    )
    menu_anyway: bool = _declare(
        False, "Put the model on the menu even if an old score lost more than that."
    )
    beta: float = _declare(
        0.1, "For dpo: how far the model may move from the base; small is far.", least=0.001
    )
    out: Path | None = _declare(  # noqa: RUF009  it returns a field
        None, "Folder of the result. Default: fine-tuned/NAME.", "FOLDER"
    )
    name: str = _declare("", "Name on the menu. Default: of the model and the data.", "NAME")
    push: str = _declare("", "Hub repository that the result is uploaded to.", "OWNER/NAME")
    resume: bool = _declare(False, "Go on with a run that was stopped, in the same folder.")
    checkpoint_every: int | None = _declare(
        None, "Steps between checkpoints. Default: a tenth of the run.", "N", least=1
    )
    log: Path | None = _declare(  # noqa: RUF009  it returns a field
        None, "File for the log, a JSON object a line. Default: run.jsonl in the folder.", "FILE"
    )

    def check(self) -> None:
        """Refuse options that contradict each other or are out of range.

        Raises:
            InputError: one does.
        """
        if not self.data:
            raise InputError("Say what the model should learn from: --data.")
        for option in declarations():
            _check_range(option, getattr(self, option.name))
        if self.learning_rate is not None and not 0 < self.learning_rate < 1:
            raise InputError("--learning-rate must be above 0 and below 1, such as 2e-4.")


def declarations() -> Iterator[OptionDeclaration]:
    """Yield the options in the order in which people are shown them."""
    for one in fields(FinetuneOptions):
        yield OptionDeclaration(one.name, one.default, **one.metadata)


def _check_range(option: OptionDeclaration, value: Any) -> None:
    if value is None or isinstance(value, bool | str | Path):
        return
    low, high = option.least, option.most
    if (low is not None and value < low) or (high is not None and value > high):
        limits = f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        raise InputError("{flag} must be {limits}.", flag=option.flag, limits=limits)
