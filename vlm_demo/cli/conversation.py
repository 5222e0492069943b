"""A conversation about a picture, in the terminal or through a pipe."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from PIL.Image import Image

from vlm_demo.cli.options import Chosen
from vlm_demo.cli.terminal import GrowingText, print_error, print_note
from vlm_demo.errors import VlmDemoError
from vlm_demo.prompting.regions_in import names_regions
from vlm_demo.values import Message, Region, RegionForm, Reply, Request, Task

HELP = """\
/retry         ask the last question again
/undo          take the last question and its answer back
/picture PATH  go on with another picture
/help          show this
/quit          leave (so does Ctrl-D; Ctrl-C stops an answer)"""


class Conversation:
    """Questions and answers, and the picture that goes with the next question.

    Regions on the picture go with the first question about it, and with those that name one.
    """

    def __init__(
        self,
        chosen: Chosen,
        picture: Image | None,
        *,
        regions: tuple[Region, ...] = (),
        region_form: RegionForm = RegionForm.AUTO,
    ) -> None:
        self._chosen = chosen
        self._picture = picture  # None: the model has been shown it
        self._regions, self._region_form = regions, region_form
        self._history: tuple[Message, ...] = ()

    def run(self) -> None:
        """Answer line after line until there are no more."""
        while True:
            try:
                line = _read_line()
            except KeyboardInterrupt:
                print_note("\nType /quit or press Ctrl-D to leave.")
                continue
            if line is None or line in ("/quit", "/exit"):
                return
            if not line:
                continue
            try:
                self._obey(line) if line.startswith("/") else self.ask(line)
            except VlmDemoError as error:
                print_error(str(error))

    def ask(self, question: str) -> None:
        """Show the answer, and keep the turn unless it failed. Ctrl-C ends the answer early.

        Raises:
            VlmDemoError: the model failed; the conversation is as it was.
        """
        images = () if self._picture is None else (self._picture,)
        regions = self._regions if images or names_regions(question) else ()
        request = Request(
            Task.CHAT,
            question,
            images=images,
            regions=regions,
            region_form=self._region_form,
            history=self._history,
            sampling=self._chosen.sampling,
        )
        reply = self._show(request)
        if not reply.raw:
            return  # stopped before the first word
        turn = Message("user", question, images, regions), Message("assistant", reply.raw)
        self._history += turn
        self._picture = None

    def _show(self, request: Request) -> Reply:
        text, reply = GrowingText(), Reply("", "")
        with closing(self._chosen.backend.answer(self._chosen.spec.name, request)) as replies:
            try:
                for reply in replies:
                    text.grow(reply.text)
            except KeyboardInterrupt:
                print_note("\n(stopped)")
                return reply
        text.end(reply.text)
        if reply.note:
            print_note(reply.note)
        return reply

    def _obey(self, line: str) -> None:
        command, _, rest = line.partition(" ")
        match command:
            case "/help":
                print_note(HELP)
            case "/undo":
                self._take_back()
            case "/retry":
                if question := self._take_back():
                    self.ask(question)
            case "/picture":
                self._picture = self._chosen.picture(str(Path(rest.strip()).expanduser()))
                self._regions = ()
            case _:
                print_error(f"There is no command {command}. /help lists them.")

    def _take_back(self) -> str | None:
        """Forget the last turn and return its question."""
        if not self._history:
            print_error("There is no question yet.")
            return None
        *past, question, _ = self._history
        self._history = tuple(past)
        if question.images:
            (self._picture,) = question.images
            self._regions = question.regions
        return question.text


def _read_line() -> str | None:
    """Return the next line without blanks around it; None at the end."""
    if sys.stdin.isatty():
        try:
            return input("> ").strip()
        except EOFError:
            print_note("")
            return None
    line = sys.stdin.readline()
    return line.strip() if line else None
