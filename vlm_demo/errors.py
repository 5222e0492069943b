"""Errors with messages for people, which say what happened and what to do.

VlmDemoError
├── InputError              what the user gave cannot be used
│   ├── ImageError          a file is not a picture, too large or damaged
│   │   └── ForgottenImageError  the page does not know the picture, or no longer
│   ├── FilmError           a file is not a film, too large or damaged
│   ├── MissingImageError   the task needs a picture
│   ├── MissingTextError    the task needs words
│   ├── TooLongError        the text is longer than the model can take
│   │   └── ContextLengthError  text and images together are, as a server says
│   ├── TooManyTargetsError more things are looked for than a request may name
│   ├── ConversationError   a file is not a conversation that can be opened
│   └── SourceError         a batch cannot use a folder, ZIP or list of pictures
├── UnknownModelError       no such model or family
├── UnsupportedTaskError    the model's family cannot do this task
├── NotRunnableError        this program cannot run the model
│   └── UntrustedCodeError  it needs program code of its own, which nobody has trusted
├── OperatorOnlyError       only the operator of a public page may do this
├── BusyModelError          the model is answering and cannot be unloaded
├── ModerationError         a request or an answer is refused, or cannot be checked
├── QuotaError              a visitor has had what one visitor may have for now
├── SettingsError           a flag, environment variable or menu file cannot be used
├── BattleError             a battle cannot begin, go on, or be voted on
│   ├── VotedAlreadyError   it has its vote
│   └── RateLimitError      too many battles or votes in a short time
├── VotesError              the votes cannot be read or written
├── FileError               a file cannot be written
├── TrainingError           a model cannot be fine-tuned, or training broke off
│   └── TrainingStoppedError  a person has stopped it
├── ConversionError         weights cannot be converted to a folder that runs here
├── BatchError              a batch of pictures cannot begin or go on
│   └── JournalError        its journal cannot be read or written
└── EngineError             the model failed while answering
    ├── LoadError           the checkpoint could not be loaded
    ├── QueueFullError      too many requests are waiting for the model
    ├── AnswerTimeoutError  the answer took too long
    ├── NoScoresError       the engine cannot compute how likely given answers are
    ├── ServerError         a model's server cannot be reached, refused or broke off
    │   └── RequestTooLargeError  it takes no request of this size
    └── OutOfMemoryError    the machine has too little memory for this
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from vlm_demo.translatable_text import DisplayText, TranslatableText, list_alternatives, message

if TYPE_CHECKING:
    from pydantic import ValidationError


FORGOTTEN_IMAGE = message("This image is no longer here. Add it again.")
"""What a `ForgottenImageError` says."""


class VlmDemoError(Exception):
    """Base class: people read its message; any other exception is a bug and keeps its traceback.

    `message` is what happened, for the page to translate; `str` of the error is the English text.
    """

    def __init__(self, text: DisplayText = "", /, **values: object) -> None:
        """Build the error.

        Args:
            text: what happened and what to do, with {blanks} for values.
            values: what fills the blanks. The message of another of these errors is translated as
                part of this one.
        """
        if isinstance(text, str):
            text = TranslatableText(text, {key: _as_value(one) for key, one in values.items()})
        self.message = text
        super().__init__(str(text))


class InputError(VlmDemoError):
    """What the user gave cannot be used."""


class ImageError(InputError):
    """The file is not a picture that can be read, or is too large."""


class DocumentError(ImageError):
    """A document cannot be opened: encrypted, damaged, without such a page, or with too many."""


class ForgottenImageError(ImageError):
    """The page does not know a picture: it was cleaned away, or never was this visitor's."""

    def __init__(
        self,
        text: DisplayText = FORGOTTEN_IMAGE,
        /,
        *,
        image_id: str = "",
    ) -> None:
        """Build the error for the picture that a browser calls `image_id`."""
        super().__init__(text)
        self.image_id = image_id


class FilmError(InputError):
    """A film cannot be read: it is none, damaged or too large; or it cannot be written."""


class MissingImageError(InputError):
    """The task needs a picture and the request has none."""


class MissingTextError(InputError):
    """The task needs words and the request has none."""


class TooLongError(InputError):
    """The text is longer than the model can take."""

    def __init__(self, text: DisplayText, /, *, excess_tokens: int = 0, **values: object) -> None:
        """Keep by how many tokens it is too long; 0: that is not known."""
        super().__init__(text, **values)
        self.excess_tokens = excess_tokens


class ContextLengthError(TooLongError):
    """The text and the images together are longer than the model can take."""


class TooManyTargetsError(InputError):
    """The request names more things to look for than are taken at a time."""


class ConversationError(InputError):
    """A file is not a conversation that can be opened: damaged, too large, or something else."""


class SourceError(InputError):
    """A batch cannot use a folder, ZIP or list of pictures: missing, too large or damaged."""


class UnknownModelError(VlmDemoError):
    """No model or family has this name."""


class UnsupportedTaskError(VlmDemoError):
    """The model's family cannot do this task."""


class NotRunnableError(VlmDemoError):
    """This program cannot run the model: it needs its own program, or code that is not allowed."""


class UntrustedCodeError(NotRunnableError):
    """The model needs program code of its own, which nobody has trusted yet."""

    def __init__(
        self,
        text: DisplayText,
        /,
        *,
        checkpoint: str = "",
        revision: str = "",
        files: Sequence[str] = (),
    ) -> None:
        """Build the error with the code that would have to be trusted.

        Args:
            text: what happened and what to do.
            checkpoint: Hub id or folder.
            revision: that names the code, and goes into a menu.
            files: names of the code files.
        """
        super().__init__(text)
        self.checkpoint = checkpoint
        self.revision = revision
        self.files = tuple(files)


class OperatorOnlyError(VlmDemoError):
    """Only the operator of a public page may do this."""


class BusyModelError(VlmDemoError):
    """The model is answering or being loaded, so it cannot be unloaded."""


class ModerationError(VlmDemoError):
    """The page's operator has words or pictures checked, and these are refused."""


class QuotaError(VlmDemoError):
    """A visitor has had as much as one visitor may have for now."""

    def __init__(self, text: DisplayText, /, *, wait_s: float = 0.0, **values: object) -> None:
        """Keep how many seconds to wait; 0: that is not known."""
        super().__init__(text, **values)
        self.wait_s = wait_s


class SettingsError(VlmDemoError):
    """A flag, an environment variable or a menu file cannot be used."""


class BattleError(VlmDemoError):
    """A battle cannot begin, go on, or be voted on."""


class VotedAlreadyError(BattleError):
    """The battle has its vote."""


class RateLimitError(BattleError):
    """Too many battles or votes in a short time."""


class VotesError(VlmDemoError):
    """The database of votes cannot be read or written: locked, full, gone or another one."""


class FileError(VlmDemoError):
    """A file cannot be written: the disk is full, or the folder is not there."""


class TrainingError(VlmDemoError):
    """A model cannot be fine-tuned, or its training broke off."""


class TrainingStoppedError(TrainingError):
    """A person has stopped the training; what was learned is kept."""


class ConversionError(VlmDemoError):
    """Weights cannot be converted: damaged, incomplete, of no known system, or too large."""


class BatchError(VlmDemoError):
    """A batch of pictures cannot begin, or stopped before its end; its results so far are saved."""


class JournalError(BatchError):
    """The journal of a batch cannot be read or written, or belongs to another job."""


class EngineError(VlmDemoError):
    """The model failed while answering."""


class LoadError(EngineError):
    """The checkpoint could not be loaded."""


class QueueFullError(EngineError):
    """Too many requests are waiting for the model."""


class AnswerTimeoutError(EngineError):
    """The answer took longer than is allowed; its text so far remains."""


class NoScoresError(EngineError):
    """The engine cannot compute how likely given answers are; it can still answer."""


class ServerError(EngineError):
    """The server of a remote model cannot be reached, refused, or broke off."""


class RequestTooLargeError(ServerError):
    """The server takes no request of this size."""


class OutOfMemoryError(EngineError):
    """The machine has too little memory for this model or this request."""

    def __init__(
        self,
        text: DisplayText,
        /,
        *,
        formats: Sequence[str] = (),
        alternative: str = "",
        smaller_image: bool = False,
        new_tokens: int = 0,
        **values: object,
    ) -> None:
        """Build the error with what would fit instead.

        Args:
            text: what happened and what to do, with {blanks} for values.
            formats: number formats in which the model would fit, such as "4-bit".
            alternative: name of a model that would fit; "": none is known.
            smaller_image: whether a picture half as wide and high would fit.
            new_tokens: longest answer that would fit, in tokens; 0: not known.
            values: what fills the blanks.
        """
        super().__init__(text, **values)
        self.formats = tuple(formats)
        self.alternative = alternative
        self.smaller_image = smaller_image
        self.new_tokens = new_tokens


def _as_value(value: object) -> str | int | TranslatableText:
    match value:
        case VlmDemoError():
            return value.message
        case str() | int() | TranslatableText():
            return value
    return str(value)


MAX_SUGGESTIONS = 5
"""Most names that an error proposes in place of an unknown one."""

MAX_SUGGESTED_CHARACTERS = 200
"""Most characters of all these names together."""

MAX_QUOTED_CHARACTERS = 80
"""Most characters of an unknown name that are repeated."""


def suggest_names(name: str, known: Iterable[str]) -> DisplayText:
    """Return a sentence with the names most like an unknown one; "" without any.

    Case does not count. A few names are all listed.
    """
    by_lower_case = {one.casefold(): one for one in known}
    if len(by_lower_case) <= MAX_SUGGESTIONS:
        names = ", ".join(by_lower_case.values())
        return TranslatableText("Known: {names}.", {"names": names})
    close = get_close_matches(
        name[:MAX_QUOTED_CHARACTERS].casefold(), by_lower_case, MAX_SUGGESTIONS, cutoff=0.5
    )
    names_found: list[str] = []
    for one in close:
        names_found.append(by_lower_case[one])
        if sum(map(len, names_found)) > MAX_SUGGESTED_CHARACTERS:
            names_found.pop()
    if not names_found:
        return ""
    return TranslatableText("Did you mean {names}?", {"names": list_alternatives(names_found)})


def quote_name(name: str) -> str:
    """Return a name in quotation marks, cut off where it is very long."""
    cut = name if len(name) <= MAX_QUOTED_CHARACTERS else f"{name[:MAX_QUOTED_CHARACTERS]}…"
    return repr(cut)


def describe_validation_error(error: ValidationError) -> str:
    """Say in one line which part of some data is wrong first, and why.

    Example: "turns[0].regions[2].box[1] should be less than or equal to 1".
    """
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ""
    for part in problem["loc"]:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not path.endswith(f".{part}"):  # a union repeats the key that chose its member
            path += f".{part}"
    name = path.lstrip(".")
    words = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"{name} is missing"
    if words.startswith("Input "):
        return f"{name or 'it'} {words.removeprefix('Input ')}"
    return f"{name}: {words}" if name else words
