"""Signatures for Typer, which reads a command's flags from its parameters.

Options that several commands share, and the settings, are declared once; here they become
parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from vlm_demo.setting_declarations import Declaration
from vlm_demo.settings import declarations

Result = TypeVar("Result")


def setting_option(name: str, *flags: str) -> Any:
    """Return the option that a setting declares; its flag has the name of the setting."""
    setting = declarations()[name]
    return typer.Option(
        *(flags or (setting.flag,)), metavar=setting.metavar or None, help=setting.help
    )


def setting_parameter(setting: Declaration) -> Parameter:
    """Return the parameter that sets a setting; None: it was not given."""
    kind = bool | None if setting.is_switch else str | None
    annotation = Annotated[kind, setting_option(setting.name)]  # type: ignore[valid-type]
    return Parameter(setting.name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def expand_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Let a command take a dataclass of options: each of its fields becomes an option.

    The fields are annotated with a `typer.Option`, as parameters are, and have defaults.
    """
    signature = inspect.signature(command, eval_str=True)
    annotations = {name: p.annotation for name, p in signature.parameters.items()}
    groups = {
        name: group
        for name, group in annotations.items()
        if isinstance(group, type) and is_dataclass(group)
    }

    @wraps(command)
    def run(**values: Any) -> Result:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        return command(**values)

    def expand() -> Iterator[Parameter]:
        for name, parameter in signature.parameters.items():
            if name in groups:
                yield from _field_parameters(groups[name])
            else:
                yield parameter.replace(kind=Parameter.KEYWORD_ONLY)

    set_parameters(run, expand())
    return run


def set_parameters(command: Callable[..., Any], parameters: Iterable[Parameter]) -> None:
    """Give a command the parameters that Typer is to see; all are passed by name."""
    signature = inspect.Signature(list(parameters))
    command.__signature__ = signature  # type: ignore[attr-defined]
    command.__annotations__ = {
        name: parameter.annotation for name, parameter in signature.parameters.items()
    }


def _field_parameters(group: type[Any]) -> Iterator[Parameter]:
    annotations = get_type_hints(group, include_extras=True)
    for field in fields(group):
        yield Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=annotations[field.name],
        )
