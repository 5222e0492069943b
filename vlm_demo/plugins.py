"""One file, one entry: families and benchmarks are found, not listed."""

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any


def discover(
    package: str, path: Iterable[str], attribute: str, *, relatives: str = ""
) -> dict[str, Any]:
    """Import every module below a package and collect what each calls `attribute`, by its `name`.

    A module may have more entries, in a sequence called `relatives`.

    Raises:
        ValueError: two entries have the same name.
    """
    found: dict[str, Any] = {}
    for module_info in pkgutil.walk_packages(path, prefix=f"{package}."):
        module = importlib.import_module(module_info.name)
        entry = getattr(module, attribute, None)
        if entry is None:
            continue
        for named in (entry, *(getattr(module, relatives, ()) if relatives else ())):
            if named.name in found:
                raise ValueError(f"{module.__name__}: {attribute} {named.name!r} exists already.")
            found[named.name] = named
    return found
