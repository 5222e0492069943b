"""One file, one entry: families and benchmarks are found, not listed."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from types import ModuleType
from typing import Protocol, TypeVar

log = logging.getLogger(__name__)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


def discover(
    package: str, path: Iterable[str], attribute: str, kind: type[T], *, relatives: str = ""
) -> dict[str, T]:
    """Import every module below a package and collect what each calls `attribute`, by its `name`.

    Args:
        package: name of the package.
        path: its folders.
        attribute: what a module calls its entry.
        kind: of the entries.
        relatives: what a module may call a sequence of more entries.

    Raises:
        ValueError: two entries have the same name.
    """
    found: dict[str, T] = {}
    for module_info in pkgutil.walk_packages(path, prefix=f"{package}."):
        module = importlib.import_module(module_info.name)
        for entry in _entries(module, attribute, kind, relatives):
            if entry.name in found:
                raise ValueError(f"{module.__name__}: {attribute} {entry.name!r} exists already.")
            found[entry.name] = entry
    return found


def discover_plugins(
    group: str, own: dict[str, T], attribute: str, kind: type[T], *, relatives: str = ""
) -> dict[str, T]:
    """Collect the entries of other packages, by their `name`.

    Each entry point of the group names a module that is like those that `discover` finds. One that
    cannot be used is named in the log and left out, with all its entries.

    Args:
        group: of the entry points.
        own: entries of this program, whose names are taken.
        attribute: what a module calls its entry.
        kind: of the entries.
        relatives: what a module may call a sequence of more entries.
    """
    found: dict[str, T] = {}
    for point in entry_points(group=group):
        try:
            entries = {
                entry.name: entry for entry in _entries(point.load(), attribute, kind, relatives)
            }
            if not entries:
                raise ValueError(f"it has no {attribute}")
            if clash := entries.keys() & (own.keys() | found.keys()):
                raise ValueError(f"{attribute} {min(clash)!r} exists already")
        except (Exception, SystemExit) as error:  # whatever the code of others does
            log.warning(
                "The plug-in %s = %s of %s is left out: %s",
                point.name,
                point.value,
                point.dist.name if point.dist else "an unknown package",
                f"{type(error).__name__}: {error}",
            )
            continue
        found |= entries
    return found


def _entries(module: ModuleType, attribute: str, kind: type[T], relatives: str) -> Iterator[T]:
    """Yield the entries of a module; none where it has no `attribute`.

    Raises:
        TypeError: one is of another kind.
    """
    own = getattr(module, attribute, None)
    if own is None:
        return
    for entry in (own, *(getattr(module, relatives, ()) if relatives else ())):
        if not isinstance(entry, kind):
            raise TypeError(f"{entry!r:.80} is no {kind.__name__}")
        yield entry
