"""Reads labelled data of any form, and counts what cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from vlm_demo.errors import InputError, quote_name
from vlm_demo.plugins import discover
from vlm_demo.training.data import readers
from vlm_demo.training.data.examples import RefusalCounter, TrainingData, TrainingExample
from vlm_demo.training.data.forms import DataForm, ReadRow
from vlm_demo.training.data.hub import DEFAULT_ROWS, is_hub_id, read_hub_rows


@cache
def data_forms() -> Mapping[str, DataForm]:
    """Return every form of labelled data, by its name."""
    return discover(readers.__name__, readers.__path__, "FORM", DataForm)


def read_training_data(
    source: str | Path, *, form: str | None = None, limit: int | None = None
) -> TrainingData:
    """Read labelled pictures. Rows that cannot be learned from are counted, with the reason.

    Args:
        source: a file or folder, or the id of a data set on the Hub, which is then streamed.
        form: name of the form; None: it is found out.
        limit: most rows or pictures that are read; None: all, of the Hub `DEFAULT_ROWS`.

    Raises:
        InputError: there is nothing, nobody can tell what it is, or no row of it can be used.
    """
    path = Path(source)
    if path.exists():
        chosen = _find_form(path, form)
        data = _collect(chosen.read(path), chosen.name, limit)
    elif is_hub_id(str(source)):
        count = limit or DEFAULT_ROWS
        data = _collect(read_hub_rows(str(source), count), "messages", count)
    else:
        raise InputError(f"There is no file or folder {source}.")
    if not data.examples:
        raise InputError(f"Nothing in {source} can be learned from. {_explain(data)}")
    return data


def _find_form(path: Path, name: str | None) -> DataForm:
    forms = data_forms()
    if name:
        if name not in forms:
            raise InputError(f"There is no form {quote_name(name)} of data. {_list_forms()}")
        return forms[name]
    if path.is_file() and not path.stat().st_size:
        raise InputError(f"{path} is empty.")
    found = [form for form in forms.values() if form.recognize(path)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(form.name for form in found)
        problem = f"{path} could be of several forms: {names}. Say which, with --form."
    else:
        problem = f"{path} is of no form that is known."
    raise InputError(f"{problem} {_list_forms()}")


def _list_forms() -> str:
    lines = "; ".join(f"{form.name}: {form.title}" for form in data_forms().values())
    return f"The forms are: {lines}."


def _collect(rows: Iterator[ReadRow], form: str, limit: int | None) -> TrainingData:
    examples: list[TrainingExample] = []
    refused, used, notes = RefusalCounter(), 0, list[str]()
    for row in rows:
        if row.error:
            refused.add(row.source, row.error)
            continue
        if used == limit:
            notes.append(f"Only the first {limit} rows that can be used were read.")
            break
        examples += row.examples
        used += 1
    return TrainingData(tuple(examples), refused.refusals(), form, tuple(notes))


def _explain(data: TrainingData) -> str:
    if not data.refused:
        return "It has no rows."
    reasons = (f"{one.count} times {one.reason} ({one.first})" for one in data.refused)
    return f"Why: {'; '.join(reasons)}."
