"""Whether the packages are there in versions that were tested, and whether they can be imported."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from vlm_demo.cli.doctor.finding import DoctorFinding

IMPORT_S = 180
"""Seconds that torch has to be imported; a busy machine with a slow disk takes one minute."""

_PROBE = """
import json
found = {}
try:
    import torch
    found["torch"] = torch.__version__
    found["cuda"] = torch.version.cuda
    found["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
except Exception as error:  # whatever a broken installation raises is the finding
    found["torch_error"] = f"{type(error).__name__}: {error}"[:300]
try:
    import torchvision
    found["torchvision"] = torchvision.__version__
except Exception as error:  # as above
    found["torchvision_error"] = f"{type(error).__name__}: {error}"[:300]
print(json.dumps(found))
"""


def examine_python() -> Iterator[DoctorFinding]:
    """Look at Python and at the versions of the packages."""
    state = "fine" if sys.version_info >= (3, 11) else "missing"
    words = platform.python_version() + ("" if state == "fine" else ": 3.11 or newer is needed")
    yield DoctorFinding("Python", state, words)  # type: ignore[arg-type]  # one of the two
    missing, odd = [], []
    for requirement in list_requirements():
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            missing.append(str(requirement))
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            odd.append(f"{requirement.name} {found} (tested: {requirement.specifier})")
    if missing:
        yield DoctorFinding("Packages", "missing", f"pip install {' '.join(map(repr, missing))}")
    if odd:
        yield DoctorFinding("Versions", "odd", "; ".join(odd))
    if not missing and not odd:
        yield DoctorFinding("Packages", "fine", "all there, in versions that were tested")


def examine_torch() -> Iterator[DoctorFinding]:
    """Import torch and torchvision in another process, and look for a GPU."""
    ended = subprocess.run(
        [sys.executable, "-c", _PROBE],
        capture_output=True,
        text=True,
        timeout=IMPORT_S,
        check=False,
    )
    try:
        found = json.loads(ended.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        words = f"it ends Python (status {ended.returncode}); install it again"
        yield DoctorFinding("torch", "missing", words)
        return
    if "torch_error" in found:
        yield DoctorFinding("torch", "missing", found["torch_error"])
        return
    build = f"for CUDA {found['cuda']}" if found["cuda"] else "for CPUs"
    yield DoctorFinding("torch", "fine", f"{found['torch']}, {build}")
    if "torchvision_error" in found:
        yield DoctorFinding(
            "torchvision",
            "odd",
            f"it cannot be imported, and some models need it ({found['torchvision_error']}). "
            "Install the version that belongs to this torch.",
        )
    else:
        yield DoctorFinding("torchvision", "fine", found["torchvision"])
    yield _describe_gpus(found["gpus"], has_cuda=bool(found["cuda"]))


def list_requirements() -> list[Requirement]:
    """Return what the program needs: from its repository, or as it was installed."""
    file = Path(__file__).parents[3] / "requirements.txt"
    if file.is_file():
        lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
    else:
        lines = (line for line in requires("vlm_demo") or () if "extra ==" not in line)
    found = [Requirement(line) for line in lines if line]
    return [one for one in found if one.marker is None or one.marker.evaluate()]


def _describe_gpus(names: list[str], *, has_cuda: bool) -> DoctorFinding:
    if names:
        return DoctorFinding("GPU", "fine", ", ".join(names))
    if not shutil.which("nvidia-smi"):
        return DoctorFinding("GPU", "fine", "none; models run on the CPU")
    why = "its driver is too old, or it is hidden" if has_cuda else "this torch is a build for CPUs"
    return DoctorFinding("GPU", "odd", f"there is one, and torch does not see it: {why}")
