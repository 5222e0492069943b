"""Endpoints that ask no model: the menu, the reading of an output, the leaderboard."""

# Without `from __future__ import annotations`: Gradio reads the annotations as types.

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import gradio as gr

from vlm_demo.analysis.diagnosis import diagnose, placeholder_prompt
from vlm_demo.arena import Selection
from vlm_demo.errors import InputError
from vlm_demo.families import get_family
from vlm_demo.rendering.export import AnswerData, reply_to_data
from vlm_demo.ui.endpoints.base import Endpoints, describe_endpoint
from vlm_demo.ui.endpoints.payloads import Upload, open_upload
from vlm_demo.ui.streaming import raise_gradio_errors

if TYPE_CHECKING:  # it loads the database
    from vlm_demo.arena.ratings.leaderboards import Leaderboards


class MenuModel(TypedDict):
    """An entry of the menu."""

    name: str
    family: str
    tasks: list[str]
    here: bool
    obstacle: str


class OutputReading(AnswerData):
    """What an output says, and reasons to doubt the reading."""

    doubts: list[str]


class LeaderboardRow(TypedDict):
    """The rating of a model."""

    rank: int
    model: str
    rating: float
    lower: float
    upper: float
    votes: int


@dataclass(frozen=True)
class LookupEndpoints(Endpoints):
    """Endpoints that ask no model."""

    leaderboards: "Leaderboards"

    def models(self) -> list[MenuModel]:
        """List the models that can be asked, the default first.

        Returns:
            Names, families, tasks, whether it is on this machine, and why it cannot run here.
        """
        with raise_gradio_errors():
            return [
                {
                    "name": spec.name,
                    "family": spec.family,
                    "tasks": list(map(str, spec.tasks)),
                    "here": spec.is_here,
                    "obstacle": str(spec.unavailable_reason),
                }
                for spec in self.backend.menu
            ]

    @describe_endpoint(
        raw="The output as it came, special tokens included.",
        family="Whose markup it is, as `models` names families.",
        picture="The image that it is about.",
    )
    def read_output(
        self, request: gr.Request, raw: str, family: str, picture: Upload
    ) -> OutputReading:
        """Read places in the raw output of a model that ran elsewhere.

        Returns:
            The text without markup, places in pixels of the picture, and doubts in words.
        """
        with raise_gradio_errors():
            if len(raw) > self.settings.max_characters:
                most = self.settings.max_characters
                raise InputError(
                    "This output is too long: at most {most} characters are read.", most=f"{most:,}"
                )
            size = open_upload(picture, self.settings, request).size
            own = get_family(family)
            diagnosis = diagnose(raw, own, own.default_frame(size), placeholder_prompt())
            doubts = [str(warning.text) for warning in diagnosis.warnings]
            return {**reply_to_data(diagnosis.reply, size), "doubts": doubts}

    @describe_endpoint(
        task="Only votes on this task, such as grounding; empty for all.",
        language="Only votes in this language, such as ja; empty for all.",
        boxes="Votes on the boxes instead of whole answers.",
    )
    def leaderboard(
        self, task: str = "", language: str = "", boxes: bool = False
    ) -> list[LeaderboardRow]:
        """Say which models people prefer, the best first.

        Returns:
            Ratings on the Elo scale with a mean of 1000, and their 95 % intervals.
        """
        with raise_gradio_errors():
            standings = self.leaderboards.leaderboard(Selection(task, language, boxes=boxes)).models
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
