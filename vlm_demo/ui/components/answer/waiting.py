"""What a request waits for before the first word of its answer."""

from __future__ import annotations

from dataclasses import dataclass

from vlm_demo.backend import Backend
from vlm_demo.engines import Progress
from vlm_demo.translatable_text import TranslatableText, message
from vlm_demo.units import format_progress
from vlm_demo.values import Request


@dataclass(frozen=True, slots=True)
class Waiting:
    """The state of a request while nothing has been written."""

    model: str
    image_count: int = 0  # that the model looks at
    loading: Progress | None = None  # None: the model is loaded
    queue_position: int = 0  # number of requests that are answered before
    is_remote: bool = False  # a server has the model
    seconds: float = 0.0  # since the request

    @classmethod
    def observe(
        cls,
        backend: Backend,
        model: str,
        request: Request,
        queue_position: int = 0,
        seconds: float = 0.0,
    ) -> Waiting:
        """Find out what a request that began some seconds ago waits for.

        Raises:
            UnknownModelError: there is no such model on the menu.
        """
        images = len(request.images) + sum(len(past.images) for past in request.history)
        is_remote = backend.spec(model).engine == "remote"
        return cls(model, images, backend.progress(model), queue_position, is_remote, seconds)

    @property
    def stage(self) -> TranslatableText:
        """What it waits for, without numbers that soon change: this is what is read aloud."""
        if self.loading is not None:
            return TranslatableText("Loading {model}…", {"model": self.model})
        if self.queue_position:
            return _describe_queue(self.queue_position)
        if self.is_remote:
            return TranslatableText("Waiting for the server of {model}…", {"model": self.model})
        match self.image_count:
            case 0:
                return TranslatableText("Reading the question…")
            case 1:
                return TranslatableText("Reading the image…")
            case _:
                return TranslatableText("Reading the images…")

    @property
    def text(self) -> TranslatableText:
        """What it waits for, with its progress."""
        loading = self.loading
        if self.is_remote and loading is None and not self.queue_position:
            return TranslatableText(
                "Waiting for the server of {model}… {seconds} s",
                {"model": self.model, "seconds": int(self.seconds)},
            )
        if loading is None or not loading.total:
            return self.stage
        fetching = loading.stage == "fetching"
        template = message("Loading {model}: {amount}")
        if fetching:
            template = message("Downloading {model}: {amount}")
        amount = _format_amount(loading, loading.total)
        return TranslatableText(template, {"model": self.model, "amount": amount})

    @property
    def share(self) -> float | None:
        """Share of the loading that is done, 0 to 1; None where that is not known."""
        if self.loading is None or not self.loading.total:
            return None
        return min(self.loading.done / self.loading.total, 1.0)


def _describe_queue(count: int) -> TranslatableText:
    if count == 1:
        return TranslatableText("One answer is ahead of yours")
    return TranslatableText("{count} answers are ahead of yours", {"count": count})


def _format_amount(progress: Progress, total: int) -> str:
    if progress.unit == "bytes":
        return format_progress(progress.done, total)
    return f"{progress.done} / {total}"
