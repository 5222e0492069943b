"""What an answer waits for before its first word."""

from __future__ import annotations

from dataclasses import dataclass

from vlm_demo.backend import Backend
from vlm_demo.engines import Progress
from vlm_demo.ui.html_values import Said
from vlm_demo.units import format_progress
from vlm_demo.values import Request


@dataclass(frozen=True, slots=True)
class Waiting:
    """How it is with a request while nothing has been written."""

    model: str
    pictures: int = 0  # that the model is to look at
    loading: Progress | None = None  # None: the model is loaded
    ahead: int = 0  # requests that are answered before

    @classmethod
    def now(cls, backend: Backend, model: str, request: Request, ahead: int = 0) -> Waiting:
        """Look how it is with a request.

        Raises:
            UnknownModelError: there is no such model on the menu.
        """
        pictures = len(request.images) + sum(len(past.images) for past in request.history)
        return cls(model, pictures, backend.progress(model), ahead)

    @property
    def stage(self) -> Said:
        """What it waits for, without numbers that soon change: for who is read it aloud."""
        if self.loading is not None:
            return Said("Loading {model}…", {"model": self.model})
        if self.ahead:
            return _ahead(self.ahead)
        match self.pictures:
            case 0:
                return Said("Reading the question…")
            case 1:
                return Said("Reading the picture…")
            case _:
                return Said("Reading the pictures…")

    @property
    def words(self) -> Said:
        """What it waits for, and how far that has come."""
        loading = self.loading
        if loading is None or not loading.total:
            return self.stage
        fetching = loading.stage == "fetching"
        sentence = "Fetching {model}: {amount}" if fetching else "Loading {model}: {amount}"
        return Said(sentence, {"model": self.model, "amount": _amount(loading, loading.total)})

    @property
    def share(self) -> float | None:
        """How much of the loading is done, 0 to 1; None where that is not known."""
        if self.loading is None or not self.loading.total:
            return None
        return min(self.loading.done / self.loading.total, 1.0)


def _ahead(count: int) -> Said:
    if count == 1:
        return Said("One answer is ahead of yours")
    return Said("{count} answers are ahead of yours", {"count": count})


def _amount(progress: Progress, total: int) -> str:
    if progress.unit == "bytes":
        return format_progress(progress.done, total)
    return f"{progress.done} / {total}"
