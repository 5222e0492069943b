"""Errors in OpenAI's form: https://platform.openai.com/docs/guides/error-codes."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from vlm_demo.errors import (
    AnswerTimeoutError,
    BusyModelError,
    EngineError,
    ImageError,
    InputError,
    LoadError,
    ModerationError,
    NoScoresError,
    NotRunnableError,
    OutOfMemoryError,
    QueueFullError,
    ServerError,
    TooLongError,
    UnknownModelError,
    UnsupportedTaskError,
    VlmDemoError,
)

RETRY_S = 2
"""Seconds after which a client may ask a busy model again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """How one kind of error is called in the protocol."""

    status: int
    type: str
    code: str | None = None
    param: str | None = None


FAULTS: tuple[tuple[type[VlmDemoError], Fault], ...] = (
    (UnknownModelError, Fault(404, "invalid_request_error", "model_not_found", "model")),
    (NotRunnableError, Fault(400, "invalid_request_error", "model_not_runnable", "model")),
    (ModerationError, Fault(400, "invalid_request_error", "content_filter")),
    (UnsupportedTaskError, Fault(400, "invalid_request_error", "unsupported_task", "task")),
    (TooLongError, Fault(400, "invalid_request_error", "context_length_exceeded", "messages")),
    (ImageError, Fault(400, "invalid_request_error", "invalid_image", "messages")),
    (InputError, Fault(400, "invalid_request_error")),
    (QueueFullError, Fault(429, "rate_limit_error", "model_busy")),
    (BusyModelError, Fault(429, "rate_limit_error", "model_busy")),
    (NoScoresError, Fault(400, "invalid_request_error", "no_scores")),
    (AnswerTimeoutError, Fault(504, "server_error", "timeout")),
    (ServerError, Fault(502, "server_error", "upstream_failed")),
    (OutOfMemoryError, Fault(503, "server_error", "out_of_memory")),
    (LoadError, Fault(503, "server_error", "model_not_loaded")),
    (EngineError, Fault(500, "server_error", "model_failed")),
)
"""Faults by the class of an error; the first class that fits counts."""


class ApiError(Exception):
    """A refusal of the protocol itself, with what its answer says."""

    def __init__(self, message: str, fault: Fault) -> None:
        super().__init__(message)
        self.fault = fault


def refuse_value(
    message: str, param: str | None = None, code: str | None = "invalid_value"
) -> ApiError:
    """Return the error for a request that cannot be used as it is."""
    return ApiError(message, Fault(400, "invalid_request_error", code, param))


def find_fault(error: Exception) -> Fault:
    """Return how an error is called in the protocol."""
    if isinstance(error, ApiError):
        return error.fault
    for kind, fault in FAULTS:
        if isinstance(error, kind):
            return fault
    return Fault(500, "server_error")


def error_body(error: Exception) -> dict[str, Any]:
    """Return the body for an error; what is a bug is logged, and its text is not sent."""
    fault = find_fault(error)
    if isinstance(error, ApiError | VlmDemoError):
        message = str(error)
    else:
        log.error("A call of the API failed.", exc_info=error)
        message = "The server made a mistake, which is in its log. Try again."
    detail = {
        "message": message,
        "type": fault.type,
        "param": fault.param,
        "code": fault.code,
    }
    return {"error": detail}


def error_response(error: Exception) -> Response:
    """Return the answer for an error."""
    fault = find_fault(error)
    headers = {"Retry-After": str(RETRY_S)} if fault.status == 429 else None
    return json_response(error_body(error), fault.status, headers)


def json_response(
    data: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return data as JSON; half characters, which some models write, become question marks."""
    content = json.dumps(data, ensure_ascii=False).encode(errors="replace")
    return Response(content, status, headers, "application/json")
