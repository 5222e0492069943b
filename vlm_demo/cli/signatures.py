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
from typing import Annotated, Any, Protocol, TypeVar, get_type_hints

import typer

from vlm_demo.setting_declarations import Declaration
from vlm_demo.settings import declarations

Result = TypeVar("Result")


class Declared(Protocol):
    """What is declared of an option elsewhere."""

    @property
    def name(self) -> str:
        """Its name, with underscores."""

    @property
    def default(self) -> Any:
        """Its value where it is not given."""

    @property
    def help(self) -> str:
        """What it does."""

    @property
    def metavar(self) -> str:
        """What the help text shows in place of the value; "": by its type."""


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


def expand_declared(
    group: type[Any], declarations: Callable[[], Iterable[Declared]]
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Let a command take the dataclass `options`, whose fields are declared without Typer."""

    def expand(command: Callable[..., Result]) -> Callable[..., Result]:
        signature = inspect.signature(command, eval_str=True)
        own = {name: one for name, one in signature.parameters.items() if name != "options"}
        types = get_type_hints(group)

        @wraps(command)
        def run(**values: Any) -> Result:
            given = {one.name: values.pop(one.name) for one in declarations()}
            return command(**values, options=group(**given))

        parameters = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own.values()]
        parameters += [_declared_parameter(one, types[one.name]) for one in declarations()]
        set_parameters(run, parameters)
        return run

    return expand


def _declared_parameter(one: Declared, kind: Any) -> Parameter:
    flag = f"--{one.name.replace('_', '-')}"
    flags = (flag,) if one.default is False else ()
    option = typer.Option(*flags, metavar=one.metavar or None, help=one.help)
    annotation = Annotated[kind, option]
    return Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=annotation)


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
