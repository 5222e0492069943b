"""The command that lists the licences of all packages that the program stands on."""

from __future__ import annotations

from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata, requires

from packaging.requirements import Requirement

from vlm_demo.cli.doctor.packages import list_requirements
from vlm_demo.cli.terminal import print_table


def licences() -> None:
    """List each package that is needed, directly or by another, with its version and licence."""
    rows = [("Package", "Version", "Licence")]
    for found in _list_packages():
        rows.append((found["Name"], found["Version"], _licence(found)))
    print_table(rows)


def _list_packages() -> list[PackageMetadata]:
    """Return the packages that are needed and installed, by name."""
    found: dict[str, PackageMetadata] = {}
    waiting = list_requirements()
    while waiting:
        requirement = waiting.pop()
        name = requirement.name.lower().replace("_", "-")
        if name in found:
            continue
        try:
            found[name] = metadata(name)
        except PackageNotFoundError:
            continue  # `vlm-demo doctor` says so
        others = (Requirement(line) for line in requires(name) or ())
        extras = {"extra": ""}
        waiting += [one for one in others if one.marker is None or one.marker.evaluate(extras)]
    return [found[name] for name in sorted(found)]


def _licence(found: PackageMetadata) -> str:
    fields = (*(found.get_all(name) or () for name in ("License-Expression", "License")), ("",))
    expression = next(line for lines in fields for line in lines)
    if expression and len(expression) <= 60:
        return " ".join(expression.split())
    names = [
        line.rpartition(" :: ")[2]
        for line in found.get_all("Classifier") or ()
        if line.startswith("License :: ")
    ]
    return ", ".join(names) or "see the package"
