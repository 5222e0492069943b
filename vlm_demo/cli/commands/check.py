"""The command that checks an answer against its picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from PIL.Image import Image

from vlm_demo.analysis.checking import check_against_image, grounding_models
from vlm_demo.analysis.verdicts import AnswerCheck, Verdict, check_to_data
from vlm_demo.backend import Backend
from vlm_demo.cli.model import ModelOptions, SelectedModel, load
from vlm_demo.cli.options import JsonOutput, Picture
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, print_note
from vlm_demo.errors import UnsupportedTaskError
from vlm_demo.settings import Settings


@expand_options
def check_answer(
    picture: Picture,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer to check.")],
    json_output: JsonOutput = False,
    *,
    options: ModelOptions,
) -> None:
    """Check whether the picture supports what an answer names.

    The default model is the largest on this computer that can say where things are and knows the
    language of the answer.
    """
    if not options.model:
        options = replace(options, model=_best_model(options, text))
    model = options.select()
    image = model.read_image(picture)
    result = _check(model, image, text)
    if json_output:
        print_json(check_to_data(result, image.size, model.spec.name))
        return
    for finding in result.findings:
        negation = "no " if finding.phrase.negated else ""
        verdict = finding.verdict or "not looked for"
        print(f"{verdict.upper()}: {negation}{finding.phrase.text}. {finding.explanation}")
    if not result.findings:
        print_note("The text names nothing that could be looked for.")
    else:
        supported = result.count(Verdict.SUPPORTED)
        print_note(f"{supported} of {len(result.findings)} phrases supported.")


def _best_model(options: ModelOptions, text: str) -> str:
    backend = Backend.from_settings(Settings.read({"menu": options.menu}))
    names = grounding_models(backend, text)
    if not names:
        raise UnsupportedTaskError(
            "No model on the menu can say where things are. Choose a menu that has one."
        )
    return names[0]


def _check(model: SelectedModel, image: Image, text: str) -> AnswerCheck:
    load(model)
    *_, complete = check_against_image(model.backend, model.spec.name, image, text)
    return complete
