"""Maps the names of tensors from one layout to another, by rules that are data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from vlm_demo.conversion.tensors import TensorLocation

LEFT_OUT = ""
"""Target of tensors that the converted model has no use for."""


@dataclass(frozen=True, slots=True)
class Rename:
    r"""A rule: whole names that match `source` become `target`, with its groups as \1, \2 ..."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Fusion:
    """A rule: the tensors `name` + each suffix become one, `target`, computed by `fuse`.

    `name` is a regular expression; its groups stand in `target` as in a `Rename`.
    """

    name: str
    suffixes: tuple[str, ...]
    target: str
    fuse: Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class Mapped:
    """The tensors of one checkpoint, by what the rules make of them."""

    tensors: Mapping[str, Callable[[], Tensor]]  # by their new names
    unknown: tuple[str, ...]  # names that no rule matches
    left_out: int  # how many the converted model has no use for


def map_tensors(
    stored: Mapping[str, TensorLocation], renames: Sequence[Rename], fusions: Sequence[Fusion] = ()
) -> Mapped:
    """Apply the first rule that matches to each tensor; nothing is read yet."""
    targets = {name: rename(name, renames) for name in stored}
    used = {name: tensor for name, tensor in stored.items() if targets[name] != LEFT_OUT}
    tensors: dict[str, Callable[[], Tensor]] = {}
    fused: set[str] = set()
    for target, fuse, parts in _find_fusions(used, fusions):
        tensors[target] = _fuse(fuse, [stored[part] for part in parts])
        fused.update(parts)
    unknown = []
    for name in used.keys() - fused:
        if new_name := targets[name]:
            tensors[new_name] = stored[name].read
        else:
            unknown.append(name)
    return Mapped(tensors, tuple(sorted(unknown)), len(stored) - len(used))


def rename(name: str, renames: Iterable[Rename]) -> str | None:
    """Return the new name of a tensor; None: no rule matches."""
    for rule in renames:
        if match := re.fullmatch(rule.source, name):
            return match.expand(rule.target)
    return None


def _find_fusions(
    stored: Mapping[str, TensorLocation], fusions: Sequence[Fusion]
) -> Iterator[tuple[str, Callable[..., Tensor], list[str]]]:
    for rule in fusions:
        first = re.compile(f"({rule.name}){re.escape(rule.suffixes[0])}")
        for name in stored:
            match = first.fullmatch(name)
            if match is None:
                continue
            parts = [match[1] + suffix for suffix in rule.suffixes]
            whole = re.fullmatch(rule.name, match[1])
            if whole and all(part in stored for part in parts):
                yield whole.expand(rule.target), rule.fuse, parts


def _fuse(fuse: Callable[..., Tensor], parts: Sequence[TensorLocation]) -> Callable[[], Tensor]:
    return lambda: fuse(*(part.read() for part in parts))
