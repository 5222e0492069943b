"""All that is looked at, in order."""

from __future__ import annotations

from vlm_demo.cli.doctor.finding import DoctorFinding
from vlm_demo.cli.doctor.machine import examine_page, examine_places
from vlm_demo.cli.doctor.packages import examine_python, examine_torch
from vlm_demo.settings import Settings


def examine(settings: Settings) -> list[DoctorFinding]:
    """Look at this machine for a page with these settings."""
    return [
        *examine_python(),
        *examine_torch(),
        *examine_places(settings),
        *examine_page(settings),
    ]
