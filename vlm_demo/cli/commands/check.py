"""The command that checks an answer against its picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from PIL.Image import Image

from vlm_demo.analysis.checking import check_against_image, grounding_models
from vlm_demo.analysis.correction import strike_out
from vlm_demo.analysis.verdicts import AnswerCheck, Reason, Verdict, check_to_data
from vlm_demo.backend import Backend
from vlm_demo.cli.model import ModelOptions, SelectedModel, load
from vlm_demo.cli.options import JsonOutput, Picture
from vlm_demo.cli.signatures import expand_options
from vlm_demo.cli.terminal import print_json, print_note
from vlm_demo.errors import UnsupportedTaskError
from vlm_demo.values import Request, Task


@expand_options
def check_answer(
    picture: Picture,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The answer to check.")],
    correct: Annotated[
        bool, typer.Option("--correct", help="Write the answer anew, what is wrong struck out.")
    ] = False,
    json_output: JsonOutput = False,
    *,
    options: ModelOptions,
) -> None:
    """Check whether the picture supports what an answer names.

    The default model is the largest on this computer that can say where things are, and knows such
    pictures and the language of the answer. For photographs embedded-photos is always there.
    """
    model = options.select()
    image = model.read_image(picture)
    if not options.model:
        model = replace(model, spec=model.backend.spec(_best_model(model.backend, text, image)))
    request = Request(Task.GROUNDING, "thing", (image,))
    if note := model.backend.route(model.spec.name, request).note:
        print_note(str(note))
    result = _check(model, image, text)
    if json_output:
        corrected = {"corrected": strike_out(result)} if correct else {}
        print_json({**check_to_data(result, image.size, model.spec.name), **corrected})
        return
    for finding in result.findings:
        negation = "no " if finding.phrase.negated else ""
        cannot = finding.reason is Reason.CANNOT_BE_CHECKED
        verdict = finding.verdict or ("unknown" if cannot else "not looked for")
        print(f"{verdict.upper()}: {negation}{finding.phrase.text}. {finding.explanation}")
    if not result.findings:
        print_note("The text names nothing that could be looked for.")
    else:
        supported = result.count(Verdict.SUPPORTED)
        print_note(f"{supported} of {len(result.findings)} phrases supported.")
    if correct:
        print(strike_out(result))


def _best_model(backend: Backend, text: str, image: Image) -> str:
    names = grounding_models(backend, text, image=image)
    if not names:
        raise UnsupportedTaskError(
            "No model on the menu can say where things are. Choose a menu that has one."
        )
    return names[0]


def _check(model: SelectedModel, image: Image, text: str) -> AnswerCheck:
    load(model)
    *_, complete = check_against_image(model.backend, model.spec.name, image, text)
    return complete
