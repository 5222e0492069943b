"""Trust in program code that a checkpoint brings, given for one model and one revision."""

from __future__ import annotations

from dataclasses import replace

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import find_own_code
from vlm_demo.errors import LoadError, NotRunnableError, UntrustedCodeError
from vlm_demo.translatable_text import DisplayText, TranslatableText, as_text

MAX_NAMED_FILES = 8
"""Most code files that a message names."""


def trust_own_code(spec: ModelSpec, revision: str = "") -> ModelSpec:
    """Return the entry of a model whose code is trusted; one that needs none is left as it is.

    Nothing of the code is run here.

    Args:
        spec: a model of this machine.
        revision: names the code that somebody has read and trusts; "": none is trusted.

    Raises:
        UntrustedCodeError: the model needs code that is not trusted in this revision.
        NotRunnableError: it could not be asked even if its code were run.
        LoadError: there is no such checkpoint, or it cannot be reached.
    """
    if spec.engine != "local" or spec.trust_remote_code:
        return spec
    try:
        code = find_own_code(spec.checkpoint, spec.revision)
    except LoadError:
        if spec.runs == "remote code":
            raise NotRunnableError(spec.unavailable_reason) from None
        raise
    if code is None or not (code.is_needed or spec.runs == "remote code"):
        return spec
    if code.problem:
        raise NotRunnableError(
            "{name} comes with its own code and cannot run here. {problem}",
            name=spec.name,
            problem=as_text(code.problem),
        )
    if not revision or revision != code.revision:
        listed = {"name": spec.name, "files": list_files(code.files), "revision": code.revision}
        text = TranslatableText(
            "{name} comes with its own code ({files}), which does not run without your "
            "consent. If you have read it and trust it, enter the model in your own menu "
            '(--menu) with trust_remote_code = true and revision = "{revision}"; otherwise '
            "choose another model.",
            listed,
        )
        raise UntrustedCodeError(
            text,
            checkpoint=spec.checkpoint,
            revision=code.revision,
            files=code.files,
        )
    return replace(spec, runs="here", trust_remote_code=True, revision=code.revision)


def list_files(names: tuple[str, ...]) -> DisplayText:
    """Return the names of files with commas between, the last ones as a number."""
    more = len(names) - MAX_NAMED_FILES
    listed = ", ".join(names[:MAX_NAMED_FILES])
    if more <= 0:
        return listed
    return TranslatableText("{names} and {count} more", {"names": listed, "count": more})
