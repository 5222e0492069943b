"""Trust in program code that a checkpoint brings, given for one model and one revision."""

from __future__ import annotations

from dataclasses import replace

from vlm_demo.catalog.spec import ModelSpec
from vlm_demo.engines import find_own_code
from vlm_demo.errors import LoadError, NotRunnableError, UntrustedCodeError

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
            f"{spec.name} brings program code of its own, and cannot be asked here. {code.problem}"
        )
    if not revision or revision != code.revision:
        raise UntrustedCodeError(
            f"{spec.name} brings program code of its own ({list_files(code.files)}), which is not "
            "run unasked. If you have read it and trust it, enter the model in a menu of your own "
            f'(--menu) with trust_remote_code = true and revision = "{code.revision}"; otherwise '
            "choose another model.",
            checkpoint=spec.checkpoint,
            revision=code.revision,
            files=code.files,
        )
    return replace(spec, runs="here", trust_remote_code=True, revision=code.revision)


def list_files(names: tuple[str, ...]) -> str:
    """Return the names of files with commas between, the last ones as a number."""
    more = len(names) - MAX_NAMED_FILES
    rest = (f"{more} more",) if more > 0 else ()
    return ", ".join((*names[:MAX_NAMED_FILES], *rest))
