"""Who may call: programs with a key; without keys, programs on this computer alone."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request

from vlm_demo.api.failures import ApiError, Fault
from vlm_demo.errors import SettingsError
from vlm_demo.settings import Settings, is_loopback

_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers that a proxy adds to what it passes on (RFC 7239 and its forerunners)."""


def check_keys(settings: Settings) -> None:
    """Refuse to open the API to others without keys, or with keys that cannot be sent.

    Raises:
        SettingsError: the message says what to set.
    """
    if not settings.api_keys and not settings.is_private():
        raise SettingsError(
            "Others can reach this address, so --api needs keys. Set the environment "
            "variable VLM_DEMO_API_KEYS to one or several, with commas between them."
        )
    if not all(key.isascii() and key.isprintable() and " " not in key for key in settings.api_keys):
        raise SettingsError(
            "What VLM_DEMO_API_KEYS holds cannot be keys: they are made of letters, digits and "
            "signs, with commas between them."
        )


def check_caller(request: Request, keys: Sequence[str]) -> None:
    """Refuse a call without a right key.

    Where there are no keys, only programs on this computer may call, and no page of a browser
    from elsewhere: neither through a proxy, nor under another name of this computer.

    Raises:
        ApiError: the caller may not.
    """
    if not keys:
        if not _comes_from_here(request):
            raise _refuse(
                "This server has no keys, so it answers only programs on its own computer. Its "
                "operator can set VLM_DEMO_API_KEYS."
            )
        return
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    key = sent.strip().encode() if scheme.lower() == "bearer" else b""
    # All are compared, so that the time taken says nothing about any of them.
    if sum(hmac.compare_digest(key, known.encode()) for known in keys) == 0:
        words = "This API key is wrong." if key else "There is no API key in this request."
        raise _refuse(f"{words} Send it as: Authorization: Bearer KEY.")


def _refuse(message: str) -> ApiError:
    return ApiError(message, Fault(401, "authentication_error", "invalid_api_key"))


def _comes_from_here(request: Request) -> bool:
    headers = {name.lower() for name in request.headers}
    client = request.client.host if request.client else ""
    named = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return is_loopback(client) and is_loopback(named) and headers.isdisjoint(_FORWARDED)
