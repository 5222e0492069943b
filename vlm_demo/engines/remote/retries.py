"""Whether a request is sent to a server again, and after which pause.

The retries of openai's client are off: they also repeat requests whose answer took too long.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import openai

PAUSES_S = (0.5, 1.0)
"""Seconds before each further try, unless the server says how long to wait."""


def retry_pause_s(error: openai.APIError, usual_s: float | None, longest_s: float) -> float | None:
    """Return the seconds to wait before a request is sent again; None: it must not be.

    That is safe as long as no answer has begun: asking changes nothing at the server.

    Args:
        error: what became of the request.
        usual_s: the pause if the server does not ask for one; None: there were enough tries.
        longest_s: the longest pause that a server may ask for.
    """
    if usual_s is None or isinstance(error, openai.APITimeoutError):
        return None
    if isinstance(error, openai.APIConnectionError):
        return usual_s
    if not isinstance(error, openai.APIStatusError) or error.status_code not in (429, 503):
        return None
    requested_s = _retry_after_s(error.response.headers)
    pause_s = usual_s if requested_s is None else requested_s
    return pause_s if pause_s <= longest_s else None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait; None: it does not say, or not clearly.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after.
    """
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
