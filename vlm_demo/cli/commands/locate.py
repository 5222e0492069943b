"""The command that finds things in a picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Annotated

import typer
from PIL.Image import Image, registered_extensions

from vlm_demo.cli.framed_images import FrameOptions, NamedImage, ask_each
from vlm_demo.cli.model import AnswerOptions, answer, outline_answer
from vlm_demo.cli.options import (
    JsonOutput,
    PictureOrFrames,
    check_folder,
    check_output_image,
    parse_export_formats,
)
from vlm_demo.cli.regions import print_regions
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_note
from vlm_demo.files.atomic_file import atomic_write
from vlm_demo.media.film_strip import STRIP_FRAMES
from vlm_demo.prompting.confidence import apply_confidence_threshold, drop_empty_mentions
from vlm_demo.prompting.targets import split_conjunctions
from vlm_demo.rendering.drawing import draw_mentions
from vlm_demo.rendering.export import (
    FILE_FORMATS,
    AnnotatedImage,
    TextFormat,
    class_names,
    export_file,
    export_texts,
)
from vlm_demo.values import Mention, Point, Reply, Request, Task


@expand_options
def locate(
    picture: PictureOrFrames,
    words: Annotated[
        str,
        typer.Argument(metavar="WORDS", help='What to find: "red circle" or "red circle, star".'),
    ],
    text_format: Annotated[
        TextFormat | None,
        typer.Option("--format", help="The format of the regions. --json: json."),
    ] = None,
    json_output: JsonOutput = False,
    out: Annotated[
        Path | None, typer.Option(help="Save the image with the regions drawn on it.")
    ] = None,
    exports: Annotated[
        list[str] | None,
        typer.Option(
            "--export",
            metavar="FORMAT",
            help=f"Also write a file: {', '.join(FILE_FORMATS)}; again for more.",
        ),
    ] = None,
    folder: Annotated[Path, typer.Option("--to", help="Folder for files of --export.")] = Path(),
    least_confidence: Annotated[
        float,
        typer.Option(min=0, max=1, help="Confidence threshold: leave out less certain regions."),
    ] = 0,
    split_and: Annotated[
        bool,
        typer.Option("--and", help="“and”, “と” and “和” separate things too, as commas do."),
    ] = False,
    outline: Annotated[
        bool,
        typer.Option("--outline", help="Outline what is found, with a model that does only that."),
    ] = False,
    outline_model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The model for --outline. Default: one that is here."),
    ] = None,
    *,
    framing: FrameOptions,
    options: AnswerOptions,
) -> int:
    """Find things by name and print their regions.

    Commas, semicolons and line breaks separate several things; quotation marks keep a comma inside
    one. Regions are in pixels of the picture as it is seen upright.
    """
    if json_output and text_format not in (None, "json"):
        raise typer.BadParameter("it is JSON already.", param_hint="'--json' '--format'")
    check_output_image(out)
    check_folder(folder)
    file_formats = parse_export_formats(exports, FILE_FORMATS)
    model = options.select()
    words = split_conjunctions(words) if split_and else words
    text_format = "json" if json_output else text_format
    sheets: list[AnnotatedImage] = []

    def locate_in(one: NamedImage) -> None:
        request = Request(Task.GROUNDING, words, images=(one.image,), sampling=model.sampling)
        reply = answer(model, request, quiet=bool(text_format or one.place))
        reply = drop_empty_mentions(apply_confidence_threshold(reply, least_confidence))
        if outline or outline_model:
            reply = outline_answer(model.backend, reply, one.image, outline_model or "")
        if text_format is None:
            _print_found(one, reply)
        if out is not None:
            _save(draw_mentions(one.image, reply.mentions), _name_output(out, one))
        sheets.append(_annotate(one, reply))

    status = ask_each(model, picture, framing.choose(STRIP_FRAMES), locate_in)
    if text_format and sheets:
        _write_text(sheets, text_format)
    for file_format in file_formats:
        if sheets:
            stem = sheets[0].stem if len(sheets) == 1 else Path(picture).stem
            print_note(f"Saved {export_file(sheets, file_format, folder, stem)}.")
    return status


def _print_found(one: NamedImage, reply: Reply) -> None:
    if one.place is None:
        print_regions(reply, one.image.size)
    elif reply.mentions:
        print(f"{one.label}:")
        print_regions(reply, one.image.size)
    else:
        print(f"{one.label}: nothing")


def _annotate(one: NamedImage, reply: Reply) -> AnnotatedImage:
    """Return what is exported; frames and pages are read again then, and not kept."""
    image, place = one.image, one.place
    return AnnotatedImage(one.name, image.size, (reply,), place.open if place else lambda: image)


def _name_output(out: Path, one: NamedImage) -> Path:
    """Return the file for a picture with its regions; for a frame or page it has its name."""
    return out.with_stem(PurePath(one.place.name_after(out.stem)).stem) if one.place else out


def _write_text(sheets: Sequence[AnnotatedImage], text_format: TextFormat) -> None:
    try:
        sys.stdout.write(export_texts(sheets, text_format))
    except ValueError:
        raise typer.BadParameter(
            f"{text_format} has a file for each image. Use --export {text_format}.",
            param_hint="'--format'",
        ) from None
    _note_losses(text_format, [mention for sheet in sheets for mention in sheet.mentions])


def _note_losses(text_format: TextFormat, mentions: Sequence[Mention]) -> None:
    """Say what the format cannot hold."""
    if text_format == "yolo":
        for index, name in enumerate(class_names(mentions)):
            print_note(f"class {index}: {name}")
    points = sum(isinstance(region, Point) for mention in mentions for region in mention.regions)
    if points and text_format in ("coco", "yolo", "voc"):
        print_note(f"{text_format} holds no points; left out: {points}.")


def _save(image: Image, path: Path) -> None:
    with atomic_write(path) as file:
        image.save(file, registered_extensions()[path.suffix.lower()])
    print_note(f"Saved {path}.")
