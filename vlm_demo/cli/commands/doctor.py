"""The command that says what is missing or odd on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from vlm_demo.cli.doctor import examine
from vlm_demo.cli.exit_codes import PARTIAL
from vlm_demo.cli.terminal import print_json, print_table
from vlm_demo.settings import Settings


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one finding a line, as JSON.")
    ] = False,
) -> int:
    """Say what is missing or odd on this machine: packages, GPU, disk, port and write rights.

    The settings are read from the environment, as the page reads them. The exit status is 1 if
    something is missing.
    """
    findings = examine(Settings.read())
    if as_json:
        for finding in findings:
            print_json(asdict(finding))
    else:
        print_table(
            [("What", "State", "Finding")] + [(one.what, one.state, one.words) for one in findings]
        )
    return PARTIAL if any(one.state == "missing" for one in findings) else 0
