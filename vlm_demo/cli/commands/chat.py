"""The command that chats about a picture, in the terminal or through a pipe."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import typer
from PIL.Image import Image

from vlm_demo.cli.model import AnswerNotes, AnswerOptions, SelectedModel, load, stream_answer
from vlm_demo.cli.options import Boxes, Picture, RegionsAs, parse_boxes
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import GrowingText, print_error, print_note
from vlm_demo.errors import VlmDemoError
from vlm_demo.prompting.regions.region_references import has_region_reference
from vlm_demo.values import Message, Region, RegionForm, Reply, Request, Task

HELP = """\
/retry         ask the last question again
/undo          take back the last question and its answer
/picture PATH  continue with another picture
/help          show this
/quit          leave (so does Ctrl-D; Ctrl-C stops an answer)"""


@expand_options
def chat(
    picture: Picture,
    box: Boxes = None,
    regions_as: RegionsAs = RegionForm.AUTO,
    *,
    options: AnswerOptions,
) -> None:
    """Chat about the picture; /help lists the commands."""
    if picture == "-":
        raise typer.BadParameter(
            "the image must be a file: your questions come from standard input.",
            param_hint="'PICTURE'",
        )
    model = options.select()
    image = model.read_image(picture)
    conversation = Conversation(
        model, image, regions=parse_boxes(box, image.size), region_form=regions_as
    )
    load(model)
    if sys.stdin.isatty():
        print_note(HELP)
    conversation.run()


class Conversation:
    """Questions and answers, and the picture that goes with the next question.

    Regions of the picture go with the first question about it, and with those that name a region.
    """

    def __init__(
        self,
        model: SelectedModel,
        image: Image,
        *,
        regions: tuple[Region, ...] = (),
        region_form: RegionForm = RegionForm.AUTO,
    ) -> None:
        self._model = model
        self._image: Image | None = image  # None: it is in the history
        self._regions, self._region_form = regions, region_form
        self._history: tuple[Message, ...] = ()

    def run(self) -> None:
        """Answer line by line until there are no more."""
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
                self._run_command(line) if line.startswith("/") else self.ask(line)
            except VlmDemoError as error:
                print_error(str(error))

    def ask(self, question: str) -> None:
        """Print the answer and keep the turn, unless it failed. Ctrl-C ends the answer early.

        Raises:
            VlmDemoError: the model failed; the conversation is as it was.
        """
        images = () if self._image is None else (self._image,)
        regions = self._regions if images or has_region_reference(question) else ()
        request = Request(
            Task.CHAT,
            question,
            images=images,
            regions=regions,
            region_form=self._region_form,
            history=self._history,
            sampling=self._model.sampling,
        )
        reply = self._print_answer(request)
        if not reply.raw:
            return  # stopped before the first word
        turn = Message("user", question, images, regions), Message("assistant", reply.raw)
        self._history += turn
        self._image = None

    def _print_answer(self, request: Request) -> Reply:
        text, notes, reply = GrowingText(), AnswerNotes(), Reply("", "")
        with closing(stream_answer(self._model, request)) as replies:
            try:
                for reply in replies:
                    notes.begin(reply)
                    text.grow(reply.text)
            except KeyboardInterrupt:
                print_note("\n(stopped)")
                return reply
        text.end(reply.text)
        notes.end(reply)
        return reply

    def _run_command(self, line: str) -> None:
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
                self._image = self._model.read_image(str(Path(rest.strip()).expanduser()))
                self._regions = ()
            case _:
                print_error(f"There is no command {command}. /help lists them.")

    def _take_back(self) -> str | None:
        """Forget the last turn; return its question."""
        if not self._history:
            print_error("There is no question yet.")
            return None
        *past, question, _ = self._history
        self._history = tuple(past)
        if question.images:
            (self._image,) = question.images
            self._regions = question.regions
        return question.text


def _read_line() -> str | None:
    """Return the next line without surrounding white space; None at the end."""
    if sys.stdin.isatty():
        try:
            return input("> ").strip()
        except EOFError:
            print_note("")
            return None
    line = sys.stdin.readline()
    return line.strip() if line else None
