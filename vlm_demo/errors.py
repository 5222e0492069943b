"""Errors whose message is safe and useful to show: what happened, and what to do.

VlmDemoError
├── InputError              what the user gave cannot be used
│   ├── ImageError        not a picture, too large, damaged
│   ├── MissingImageError the task needs a picture
│   ├── MissingTextError    the task needs words
│   ├── TooLongError        more text than the model can take
│   ├── ConversationError   a file is not a conversation that can be opened
│   └── SourceError         a folder, ZIP or list of pictures that a batch cannot take
├── UnknownModelError       no such model or family
├── UnsupportedTaskError    the model's family cannot do this task
├── NotRunnableError        this program cannot run the model
├── BusyModelError          the model is answering and cannot be unloaded
├── SettingsError           a flag, environment variable or menu file that cannot be used
├── BattleError             a battle cannot begin, go on, or be voted on
│   ├── VotedAlreadyError   it has its vote
│   └── RateLimitError      too many battles or votes in a short time
├── VotesError              the votes cannot be read or written
├── FileError               a file cannot be written
├── BatchError              a batch of pictures cannot begin or go on
│   └── JournalError        what is done of it cannot be read or kept
└── EngineError             the model failed while answering
    ├── LoadError           the checkpoint could not be loaded
    ├── QueueFullError      too many requests are waiting for the model
    ├── AnswerTimeoutError  the answer took too long
    ├── NoScoresError       the engine cannot say how probable given answers are
    ├── ServerError         a model's server cannot be reached, refused or broke off
    └── OutOfMemoryError    the machine has too little memory for this
"""

from __future__ import annotations

from collections.abc import Sequence


class VlmDemoError(Exception):
    """Base class: people read its message; any other exception is a bug and keeps its traceback."""


class InputError(VlmDemoError):
    """What the user gave cannot be used."""


class ImageError(InputError):
    """The file is not a picture that can be read, or is too large."""


class MissingImageError(InputError):
    """The task needs a picture and the request has none."""


class MissingTextError(InputError):
    """The task needs words and the request has none."""


class TooLongError(InputError):
    """The text is longer than the model can take."""


class ConversationError(InputError):
    """A file is not a conversation that can be opened: damaged, too large, or something else."""


class SourceError(InputError):
    """A folder, ZIP or list of pictures cannot be taken by a batch: missing, too much, damaged."""


class UnknownModelError(VlmDemoError):
    """No model or family has this name."""


class UnsupportedTaskError(VlmDemoError):
    """The model's family cannot do this task."""


class NotRunnableError(VlmDemoError):
    """This program cannot run the model: it needs one of its own, or code that nobody allowed."""


class BusyModelError(VlmDemoError):
    """The model is answering or being loaded, so it cannot be unloaded."""


class SettingsError(VlmDemoError):
    """A flag, an environment variable or a menu file cannot be used."""


class BattleError(VlmDemoError):
    """A battle cannot begin, go on, or be voted on."""


class VotedAlreadyError(BattleError):
    """The battle has its vote."""


class RateLimitError(BattleError):
    """Too many battles or votes in a short time."""


class VotesError(VlmDemoError):
    """The database of votes cannot be read or written: locked, full, gone, or not one of ours."""


class FileError(VlmDemoError):
    """A file cannot be written: the disk is full, or the folder is not there."""


class BatchError(VlmDemoError):
    """A batch of pictures cannot begin, or stopped before its end; what is done is kept."""


class JournalError(BatchError):
    """The journal of a batch cannot be read or written, or is that of another job."""


class EngineError(VlmDemoError):
    """The model failed while answering."""


class LoadError(EngineError):
    """The checkpoint could not be loaded."""


class QueueFullError(EngineError):
    """Too many requests are waiting for the model."""


class AnswerTimeoutError(EngineError):
    """The answer took longer than is allowed; what was written until then stays."""


class NoScoresError(EngineError):
    """The engine cannot say how probable given answers are; it can still be asked for one."""


class ServerError(EngineError):
    """The server of a remote model cannot be reached, refused, or broke off."""


class OutOfMemoryError(EngineError):
    """The machine has too little memory for this model or this request."""

    def __init__(
        self,
        words: str,
        *,
        formats: Sequence[str] = (),
        alternative: str = "",
        smaller_picture: bool = False,
        new_tokens: int = 0,
    ) -> None:
        """Say what would do.

        Args:
            words: what people read.
            formats: number formats in which the model would fit, like "4-bit".
            instead: the name of a model that would fit; "": none is known.
            smaller_picture: one half as wide and high would do.
            new_tokens: an answer that is no longer than this would do; 0: not known.
        """
        super().__init__(words)
        self.formats = tuple(formats)
        self.alternative = alternative
        self.smaller_picture = smaller_picture
        self.new_tokens = new_tokens
