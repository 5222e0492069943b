"""What programs can know without asking a model: the menu, a prompt, a reading, the leaderboard."""

# Gradio reads the annotations itself, so they must not be put off as text.

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from vlm_demo.analysis.inspection import asked_with, diagnose
from vlm_demo.arena import Selection
from vlm_demo.backend import Backend
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.rendering.export import Answer, to_answer
from vlm_demo.settings import Settings
from vlm_demo.ui.endpoints.values import Upload, opened
from vlm_demo.ui.streaming import errors_raised
from vlm_demo.values import Frame

if TYPE_CHECKING:  # it loads the database, and what rates
    from vlm_demo.arena.ratings.leaderboards import Boards


class Model(TypedDict):
    """An entry of the menu."""

    name: str
    family: str
    tasks: list[str]
    here: bool
    obstacle: str


class Reading(Answer):
    """What an output says, and what speaks against the reading."""

    doubts: list[str]


class Place(TypedDict):
    """How a model stands."""

    rank: int
    model: str
    rating: float
    lower: float
    upper: float
    votes: int


@dataclass(frozen=True, slots=True)
class Looking:
    """The endpoints; each is a method."""

    backend: Backend
    settings: Settings
    boards: "Boards"

    def models(self) -> list[Model]:
        """List the models that can be asked, the default first.

        Returns:
            Names, families, tasks, whether it is on this machine, and what keeps it from running.
        """
        with errors_raised():
            return [
                {
                    "name": spec.name,
                    "family": spec.family,
                    "tasks": list(map(str, spec.tasks)),
                    "here": spec.is_here,
                    "obstacle": spec.unavailable_reason,
                }
                for spec in self.backend.menu
            ]

    def read_output(self, raw: str, family: str, picture: Upload) -> Reading:
        """Read places in the raw output of a model that ran elsewhere.

        Args:
            raw: The output as it came, special tokens included.
            family: Whose markup it is, as `models` names families.
            picture: The picture that it is about.

        Returns:
            The text without markup, places in pixels of the picture, and doubts in words.
        """
        with errors_raised():
            if len(raw) > self.settings.max_characters:
                most = self.settings.max_characters
                raise InputError(f"This output is too long: at most {most:,} characters are read.")
            size = opened(picture, self.settings).size
            found = diagnose(raw, get_family(family), Frame(size, size), asked_with())
            doubts = [doubt.words for doubt in found.doubts]
            return {**to_answer(found.reply, size), "doubts": doubts}

    def leaderboard(self, task: str = "", language: str = "", boxes: bool = False) -> list[Place]:
        """Say which models people prefer, the best first.

        Args:
            task: Only votes on this task, such as grounding; empty for all.
            language: Only votes in this language, such as ja; empty for all.
            boxes: Votes on the boxes instead of whole answers.

        Returns:
            Ratings on the scale of Elo with a mean of 1000, 95 % sure between lower and upper.
        """
        with errors_raised():
            standings = self.boards.board(Selection(task, language, boxes=boxes)).standings
            return [
                {
                    "rank": standing.rank,
                    "model": standing.model,
                    "rating": round(standing.rating, 2),
                    "lower": round(standing.lower, 2),
                    "upper": round(standing.upper, 2),
                    "votes": standing.votes,
                }
                for standing in standings
            ]
