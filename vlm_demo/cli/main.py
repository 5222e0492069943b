"""The program `vlm-demo`: its commands put together, and its exit status."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import typer

from vlm_demo.cli.commands.arena.battles import battles
from vlm_demo.cli.commands.arena.judge import judge
from vlm_demo.cli.commands.arena.leaderboard import leaderboard
from vlm_demo.cli.commands.arena.votes import votes
from vlm_demo.cli.commands.ask import ask
from vlm_demo.cli.commands.batch import batch
from vlm_demo.cli.commands.bench import bench
from vlm_demo.cli.commands.calibrate import calibrate
from vlm_demo.cli.commands.caption import caption
from vlm_demo.cli.commands.chat import chat
from vlm_demo.cli.commands.check import check_answer
from vlm_demo.cli.commands.consensus import consensus
from vlm_demo.cli.commands.convert import convert
from vlm_demo.cli.commands.describe import describe
from vlm_demo.cli.commands.doctor import doctor
from vlm_demo.cli.commands.evaluate import evaluate
from vlm_demo.cli.commands.finetune import finetune
from vlm_demo.cli.commands.licences import licences
from vlm_demo.cli.commands.locate import locate
from vlm_demo.cli.commands.models import models
from vlm_demo.cli.commands.parse import parse
from vlm_demo.cli.commands.prompt import prompt
from vlm_demo.cli.commands.serve import serve
from vlm_demo.cli.commands.train import train
from vlm_demo.cli.commands.video import video
from vlm_demo.cli.exit_codes import BAD_INPUT
from vlm_demo.cli.terminal import print_error, program_name
from vlm_demo.errors import VlmDemoError

app = typer.Typer(
    help="Show an image to a vision-language model: caption it, ask, locate, chat.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(doctor)
app.command()(licences)
app.command()(models)
app.command()(caption)
app.command()(ask)
app.command()(locate)
app.command()(describe)
app.command()(video)
app.command()(chat)
app.command("check")(check_answer)
app.command()(consensus)
app.command()(batch)
app.command()(battles)
app.command()(judge)
app.command()(leaderboard)
app.add_typer(votes, name="votes")
app.command()(parse)
app.command()(prompt)
app.command()(convert)
app.command()(train)
app.command()(finetune)
app.command()(evaluate)
app.command()(calibrate)
app.command()(bench)

page_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
"""`python app.py`: the command `serve` alone."""
page_app.command()(serve)


def main() -> None:
    """Run the program as it was started in a shell, and end the process."""
    # JSON is UTF-8 whatever the language of the terminal, and bytes that are not text do no harm.
    for stream, errors in (
        (sys.stdin, "replace"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status; errors of the user are one line each."""
    return _run(app, list(arguments) or ["--help"], program_name())


def run_page(arguments: Sequence[str]) -> int:
    """Serve the page with flags of `vlm-demo serve`; return the exit status."""
    return _run(page_app, list(arguments), "python app.py")


def _run(program: typer.Typer, arguments: list[str], name: str) -> int:
    try:
        status = program(arguments, name, standalone_mode=False)
    except (VlmDemoError, typer.TyperException) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        print_error(message)
        return BAD_INPUT
    return int(status or 0)
