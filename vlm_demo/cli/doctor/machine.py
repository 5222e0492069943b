"""Disk, write rights, the port and the files that come with the program."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vlm_demo.catalog.menu import default_menu
from vlm_demo.cli.doctor.finding import DoctorFinding
from vlm_demo.errors import SettingsError
from vlm_demo.server.operators import offers_hub_login
from vlm_demo.server.ports import check_port
from vlm_demo.settings import Settings
from vlm_demo.units import format_bytes

ENOUGH_DISK = 2_000_000_000
"""Free bytes below which uploads or a fetched model soon fill a disk."""


def examine_places(settings: Settings) -> Iterator[DoctorFinding]:
    """Look whether the program may write where it wants to, and how much room is left there."""
    places = {
        "Uploads": Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()),
        "Models": Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"),
    }
    if "://" not in settings.votes:
        places["Votes"] = Path(settings.votes).absolute().parent
    for what, folder in places.items():
        yield examine_folder(what, folder)


def examine_folder(what: str, folder: Path) -> DoctorFinding:
    """Look whether the program may write to a folder, which may still have to be made."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        return DoctorFinding(
            what, "missing", f"{folder} cannot be written: {error.strerror or error}"
        )
    words = f"{folder}, {format_bytes(free)} free"
    return DoctorFinding(what, "fine" if free >= ENOUGH_DISK else "odd", words)


def examine_page(settings: Settings) -> Iterator[DoctorFinding]:
    """Look at the port, at who may open the page, and at the models that come with the program."""
    try:
        check_port(settings.host, settings.port)
        yield DoctorFinding("Port", "fine", f"{settings.host}, port {settings.port} is free")
    except SettingsError as error:
        yield DoctorFinding("Port", "missing", str(error))
    has_operator = settings.operator_password or settings.operator_password_file
    if settings.is_public() and not (has_operator or offers_hub_login()):
        words = "the page would be public without an operator: set VLM_DEMO_OPERATOR_PASSWORD"
        yield DoctorFinding("Operator", "odd", words)
    lacking = [spec.name for spec in default_menu() if spec.embedded and not spec.is_here]
    if lacking:
        words = f"{', '.join(lacking)} lack in assets/models; get the whole repository"
        yield DoctorFinding("Embedded models", "missing", words)
    else:
        yield DoctorFinding("Embedded models", "fine", "all there")
