"""The command that teaches a model from labelled pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vlm_demo.cli import lazy
from vlm_demo.cli.exit_codes import INTERRUPTED, PARTIAL
from vlm_demo.cli.model import ModelOptions, open_backend
from vlm_demo.cli.options import JsonOutput, Menu
from vlm_demo.cli.signatures import expand_declared
from vlm_demo.cli.terminal import print_json, print_note, print_table
from vlm_demo.cli.training_progress import show_run
from vlm_demo.errors import InputError
from vlm_demo.training.finetuning.options import FinetuneOptions, declarations

if TYPE_CHECKING:
    from vlm_demo.training.finetuning.finetune import FinetuneResult

STATUS = {"finished": 0, "lost": PARTIAL, "stopped": INTERRUPTED}
"""Exit status by how a run ended."""


@expand_declared(FinetuneOptions, declarations)
def finetune(
    model: Annotated[
        str, typer.Option(help="A name on the menu, a Hub ID or a folder. --resume knows it.")
    ] = "",
    menu: Menu = None,
    json_output: JsonOutput = False,
    *,
    options: FinetuneOptions,
) -> int:
    """Teach a model from labelled pictures, and score it before and after."""
    lazy.check_finetuning_packages()
    if not (model or options.resume):
        raise InputError("Say which model is to learn: --model.")
    if model:
        selected = ModelOptions(model, menu).select()
        backend, settings, model = selected.backend, selected.settings, selected.spec.name
    else:
        settings, backend = open_backend(menu=menu)
    with show_run() as report:
        result = lazy.finetune(backend, model, options, settings, report)
    _print_result(result, json_output=json_output)
    return STATUS[result.outcome]


def _print_result(result: FinetuneResult, *, json_output: bool) -> None:
    comparison = result.comparison
    if json_output:
        scores = comparison.to_data() if comparison else None
        folder = str(result.folder)
        print_json({"outcome": result.outcome, "folder": folder, "scores": scores})
    else:
        if comparison:
            print_table(comparison.table())
        print(result.folder)
    print_note(result.text)
