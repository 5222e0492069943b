"""The commands, as thin as they can be."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from PIL.Image import Image, registered_extensions

from vlm_demo.analysis.multiple_choice import to_choices
from vlm_demo.atomic_file import atomic_write
from vlm_demo.backend import Backend
from vlm_demo.cli import lazy as edges
from vlm_demo.cli import models as catalogue
from vlm_demo.cli.answering import answer, load, rank
from vlm_demo.cli.batch import batch
from vlm_demo.cli.battles import battles
from vlm_demo.cli.bench import bench
from vlm_demo.cli.check import check_answer, consensus
from vlm_demo.cli.conversation import HELP, Conversation
from vlm_demo.cli.leaderboard import leaderboard
from vlm_demo.cli.options import (
    AsJson,
    Boxes,
    Chosen,
    MaxNewTokens,
    Menu,
    Model,
    Picture,
    RegionsAs,
    Seed,
    Temperature,
    check_folder,
    check_out,
    choose,
    open_file,
    parse_boxes,
    parse_choices,
    parse_forms,
    parse_schema,
)
from vlm_demo.cli.parsing import parse_lines
from vlm_demo.cli.prompting import family_called, parse_history, stand_in, write_prompt
from vlm_demo.cli.terminal import print_error, print_note, printable, table
from vlm_demo.cli.votes import votes
from vlm_demo.errors import VlmDemoError
from vlm_demo.prompting.confidence import above, placed
from vlm_demo.rendering.drawing import draw
from vlm_demo.rendering.export import (
    FILE_FORMATS,
    Format,
    Sheet,
    as_json,
    classes,
    export,
    export_file,
    to_answer,
)
from vlm_demo.settings import Settings
from vlm_demo.values import Mention, Point, RegionForm, Reply, ReplyState, Request, Size, Task

BAD_INPUT = 2
"""Exit status where the input cannot be used or the model failed."""

app = typer.Typer(
    name="vlm_demo",
    help="Show a picture to a vision-language model: caption it, ask, locate, chat.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


app.command()(batch)
app.command()(battles)
app.command()(bench)
app.command("check")(check_answer)
app.command()(consensus)
app.command()(leaderboard)
app.add_typer(votes, name="votes")


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status; what people can mend is said in one line."""
    try:
        status = app(list(arguments) or ["--help"], "python -m vlm_demo", standalone_mode=False)
    except (VlmDemoError, typer.TyperException) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        print_error(message)
        return BAD_INPUT
    return int(status or 0)


@app.command()
def models(menu: Menu = None, as_json_: AsJson = False) -> None:
    """List the models: what is known of each, and where it runs."""
    specs = Backend.from_settings(Settings.read({"menu": menu})).menu
    if as_json_:
        _print(as_json(catalogue.entries(specs)))
    else:
        print(table(catalogue.rows(specs)))


@app.command()
def caption(
    picture: Picture,
    prompt: Annotated[str, typer.Option(help="The beginning of the caption.")] = "",
    detailed: Annotated[bool, typer.Option("--detailed", help="Say more.")] = False,
    grounded: Annotated[
        bool, typer.Option("--grounded", help="Say where the things are that it names.")
    ] = False,
    as_json_: AsJson = False,
    model: Model = None,
    menu: Menu = None,
    temperature: Temperature = None,
    max_new_tokens: MaxNewTokens = None,
    seed: Seed = None,
) -> None:
    """Say in a sentence what the picture shows."""
    if detailed and grounded:
        raise typer.BadParameter("choose one of the two.", param_hint="'--detailed' '--grounded'")
    chosen = choose(model, menu, temperature, max_new_tokens, seed)
    task = Task.DETAILED_CAPTION if detailed else Task.CAPTION
    image = chosen.picture(picture)
    request = Request(
        Task.GROUNDED_CAPTION if grounded else task,
        prompt,
        images=(image,),
        sampling=chosen.sampling,
    )
    reply = answer(chosen, request, quiet=as_json_)
    if as_json_:
        _print(export(reply, image.size, "json") if grounded else _text_only(reply))
    elif grounded:
        _print_places(reply, image.size)


@app.command()
def ask(
    picture: Picture,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In a word or a few.")],
    box: Boxes = None,
    regions_as: RegionsAs = RegionForm.AUTO,
    choices: Annotated[
        str | None, typer.Option(help="The answers to choose from, with commas between.")
    ] = None,
    pattern: Annotated[
        str, typer.Option(help="A regular expression that the whole answer matches.")
    ] = "",
    schema: Annotated[
        str, typer.Option(metavar="FILE|TEXT", help="A JSON Schema that the answer is valid by.")
    ] = "",
    as_json_: AsJson = False,
    model: Model = None,
    menu: Menu = None,
    temperature: Temperature = None,
    max_new_tokens: MaxNewTokens = None,
    seed: Seed = None,
) -> None:
    """Answer a question about the picture, in a word or a few."""
    chosen = choose(model, menu, temperature, max_new_tokens, seed)
    image = chosen.picture(picture)
    request = Request(
        Task.VQA,
        question,
        images=(image,),
        regions=parse_boxes(box, image.size),
        region_form=regions_as,
        choices=parse_choices(choices),
        pattern=pattern,
        schema=parse_schema(schema),
        sampling=chosen.sampling,
    )
    ranking = rank(chosen, request) if request.choices else None
    if ranking is None:
        _answer_in_words(chosen, request, as_json_)
    elif as_json_:
        _print(as_json({"text": ranking.best, "choices": to_choices(ranking)}))
    else:
        print(printable(ranking.best))


@app.command()
def locate(
    picture: Picture,
    words: Annotated[str, typer.Argument(metavar="WORDS", help='What to find: "red circle".')],
    form: Annotated[
        Format | None, typer.Option("--format", help="The form of the places. --json: json.")
    ] = None,
    as_json_: AsJson = False,
    out: Annotated[
        Path | None, typer.Option(help="Save the picture with the places drawn into it.")
    ] = None,
    exports: Annotated[
        list[str] | None,
        typer.Option(
            "--export",
            metavar="FORM",
            help=f"Also write a file: {', '.join(FILE_FORMATS)}; again for more.",
        ),
    ] = None,
    folder: Annotated[Path, typer.Option("--to", help="Folder of the files of --export.")] = Path(),
    least_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out places of which the model is less sure.")
    ] = 0,
    model: Model = None,
    menu: Menu = None,
    temperature: Temperature = None,
    max_new_tokens: MaxNewTokens = None,
    seed: Seed = None,
) -> None:
    """Find what the words name; places are in pixels of the picture as it is seen upright."""
    if as_json_ and form not in (None, "json"):
        raise typer.BadParameter("it is JSON already.", param_hint="'--json' '--format'")
    check_out(out)
    check_folder(folder)
    forms = parse_forms(exports)
    chosen = choose(model, menu, temperature, max_new_tokens, seed)
    image = chosen.picture(picture)
    request = Request(Task.GROUNDING, words, images=(image,), sampling=chosen.sampling)
    form = "json" if as_json_ else form
    reply = placed(above(answer(chosen, request, quiet=form is not None), least_confidence))
    name = "picture" if picture == "-" else Path(picture).name
    if form is None:
        _print_places(reply, image.size)
    else:
        _print(export(reply, image.size, form, file_name=name))
        _say_what_is_lost(form, reply.mentions)
    if out is not None:
        _save(draw(image, reply.mentions), out)
    sheet = Sheet(name, image.size, (reply,), lambda: image)
    for file_form in forms:
        print_note(f"Saved {export_file([sheet], file_form, folder, sheet.stem)}.")


@app.command()
def describe(
    picture: Picture,
    box: Annotated[
        list[str],
        typer.Option(metavar="X1,Y1,X2,Y2", help="A region, in pixels; again for more."),
    ],
    regions_as: RegionsAs = RegionForm.AUTO,
    as_json_: AsJson = False,
    model: Model = None,
    menu: Menu = None,
    temperature: Temperature = None,
    max_new_tokens: MaxNewTokens = None,
    seed: Seed = None,
) -> None:
    """Say what is in a region of the picture, or in several."""
    chosen = choose(model, menu, temperature, max_new_tokens, seed)
    image = chosen.picture(picture)
    request = Request(
        Task.DESCRIBE_REGION,
        images=(image,),
        regions=parse_boxes(box, image.size),
        region_form=regions_as,
        sampling=chosen.sampling,
    )
    _answer_in_words(chosen, request, as_json_)


@app.command()
def chat(
    picture: Picture,
    box: Boxes = None,
    regions_as: RegionsAs = RegionForm.AUTO,
    model: Model = None,
    menu: Menu = None,
    temperature: Temperature = None,
    max_new_tokens: MaxNewTokens = None,
    seed: Seed = None,
) -> None:
    """Talk about the picture: a line is a question; /help lists what else there is."""
    if picture == "-":
        raise typer.BadParameter(
            "the picture must be a file: your questions come from standard input.",
            param_hint="'PICTURE'",
        )
    chosen = choose(model, menu, temperature, max_new_tokens, seed)
    image = chosen.picture(picture)
    conversation = Conversation(
        chosen, image, regions=parse_boxes(box, image.size), region_form=regions_as
    )
    load(chosen)
    if sys.stdin.isatty():
        print_note(HELP)
    conversation.run()


@app.command()
def parse() -> None:
    """Read raw model output without a model: a JSON object a line in, one a line out.

    Each has family, image_size [w, h] and raw, and where the format needs them prompt_task,
    input_size, coordinate_space and raw_tokens.
    """
    for line in parse_lines(sys.stdin.buffer):
        print(line, flush=True)


@app.command()
def prompt(
    model: Annotated[str, typer.Option(help="A name on the menu, a Hub id or a family.")],
    task: Annotated[Task, typer.Option(help="What is asked.")] = Task.CHAT,
    text: Annotated[str, typer.Option(help="The user's words.")] = "",
    picture: Annotated[
        list[str] | None, typer.Option(help="A picture, again for more; a blank one without it.")
    ] = None,
    box: Boxes = None,
    regions_as: RegionsAs = RegionForm.AUTO,
    history: Annotated[
        str | None, typer.Option(help='Earlier turns: [["question", "answer"], ...].')
    ] = None,
    as_json_: AsJson = False,
    menu: Menu = None,
) -> None:
    """Print the exact prompt that a model would be given, without loading it."""
    settings = Settings.read({"menu": menu})
    family = family_called(model, Backend.from_settings(settings).menu)
    images = tuple(open_file(source, settings) for source in picture or ()) or (stand_in(),)
    past = parse_history(history, images)
    request = Request(
        task,
        text,
        images=() if past else images,
        regions=parse_boxes(box, images[-1].size),
        region_form=regions_as,
        history=past,
    )
    written = write_prompt(family, request)
    if written.prompt.note:
        print_note(written.prompt.note)
    if as_json_:
        entry = {
            "prompt": written.text,
            "family": family.name,
            "answer_prefix": written.prompt.answer_prefix,
            "images": sum(len(message.images) for message in written.prompt.messages),
        }
        _print(as_json(entry))
    else:
        print(written.text)


@app.command()
def train(
    recipe: Annotated[str, typer.Option(help="embedded-llava15 or embedded-kosmos2.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the finished model.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh/--resume", help="Start again, or go on where it stopped.")
    ] = False,
) -> None:
    """Train an embedded model again, and print the folder of the finished one."""
    print(edges.train(recipe, out, fresh=fresh))


@app.command()
def evaluate(
    benchmark: Annotated[
        str, typer.Option(help="The questions: scenes, scenes-choices, or own.")
    ] = "scenes",
    data: Annotated[
        Path | None, typer.Option(help="For own: the ZIP of questions that the page saves.")
    ] = None,
    model: Model = None,
    menu: Menu = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other pictures.")] = 0,
    n: Annotated[int | None, typer.Option("--n", min=1, help="About how many questions.")] = None,
    as_json_: AsJson = False,
) -> None:
    """Measure how often a model is right on pictures that it has not seen."""
    chosen = choose(model, menu)
    name = chosen.spec.name
    scores = edges.evaluate(benchmark, chosen.backend, name, seed=seed, count=n, data=data)
    if as_json_:
        _print(as_json(dict(scores)))
        return
    print(table([("SCORE", chosen.spec.name), *((k, _score(v)) for k, v in scores.items())]))


def _answer_in_words(chosen: Chosen, request: Request, as_json_: bool) -> None:
    reply = answer(chosen, request, quiet=as_json_)
    if as_json_:
        _print(_text_only(reply))


def _text_only(reply: Reply) -> str:
    return as_json({"text": reply.text})


def _print(text: str) -> None:
    sys.stdout.write(text)


def _print_places(reply: Reply, size: Size) -> None:
    """List the places, one a line, in whole pixels."""
    for item in to_answer(reply, size)["items"]:
        places = [*item["boxes_xyxy_px"], *item["points_px"]]
        places += [[v for corner in polygon for v in corner] for polygon in item["polygons_px"]]
        for numbers in places:
            print(f"{printable(item['phrase'])}: {', '.join(f'{v:.0f}' for v in numbers)}")
    if reply.state is ReplyState.NONE:
        print_note("No place was found.")


def _say_what_is_lost(form: Format, mentions: Sequence[Mention]) -> None:
    """Tell what the chosen form cannot hold."""
    if form == "yolo":
        for index, name in enumerate(classes(mentions)):
            print_note(f"class {index}: {name}")
    points = sum(isinstance(region, Point) for mention in mentions for region in mention.regions)
    if points and form in ("coco", "yolo", "voc"):
        print_note(f"{form} holds no points; left out: {points}.")


def _save(image: Image, path: Path) -> None:
    with atomic_write(path) as file:
        image.save(file, registered_extensions()[path.suffix.lower()])
    print_note(f"Saved {path}.")


def _score(value: float | int | None) -> str:
    if value is None:
        return "not measured"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
