"""The command that serves the page; its flags are the program's settings."""

from __future__ import annotations

from typing import Any

from vlm_demo.cli import lazy
from vlm_demo.cli.signatures import set_parameters, setting_parameter
from vlm_demo.cli.terminal import print_note
from vlm_demo.settings import Settings, declarations


def serve(**flags: Any) -> None:
    """Serve the page, and with --api other programs, until Ctrl+C.

    Each flag can also be an environment variable: VLM_DEMO_PORT for --port, and so on.
    """
    if flags.get("operator_password"):
        print_note(
            "Others on this computer can read the password among the flags of this program. Use "
            "VLM_DEMO_OPERATOR_PASSWORD or --operator-password-file."
        )
    lazy.serve(Settings.read(flags))


set_parameters(
    serve, [setting_parameter(setting) for setting in declarations().values() if setting.is_flag]
)
