"""Addresses of servers, as people write them."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from vlm_demo.errors import InputError


def base_urls(address: str) -> tuple[str, ...]:
    """Return where the API of a server may be, the likeliest first.

    A scheme and the version at the end may be missing.

    Raises:
        InputError: this is no address of a server.
    """
    address = address.strip()
    is_complete = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address)
    try:
        parts = urlsplit(address if is_complete else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:  # brackets that do not match, a port that is no number
        host, port, parts = None, None, urlsplit("")
    is_cut_off = parts.netloc.endswith(":")
    if (
        not host
        or port == 0
        or is_cut_off
        or not address.isascii()
        or re.search(r"[\s\\%<>\"'{}|^`]", address)
    ):
        raise InputError("This is not a server address. Enter one like http://127.0.0.1:8000/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(
            "This is more than a server address. Leave out everything after a ? or #, and any "
            "name or password; the key has its own field."
        )
    if parts.scheme and parts.scheme not in ("http", "https"):
        raise InputError(
            "{scheme}:// is not supported. Use http:// or https://.", scheme=parts.scheme
        )
    root = f"{parts.scheme or _guess_scheme(host, port)}://{parts.netloc}"
    return _with_versions(root, parts)


def _with_versions(root: str, parts: SplitResult) -> tuple[str, ...]:
    path = parts.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/models")
    if re.search(r"/v\d+\w*$", path):
        return (f"{root}{path}",)
    return f"{root}{path}/v1", f"{root}{path}"


def _guess_scheme(host: str, port: int | None) -> str:
    """Return the scheme of an address without one: servers of one's own rarely have https."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        is_name_in_dns = "." in host and not host.endswith((".local", ".lan", ".internal"))
        return "https" if is_name_in_dns and port in (None, 443) else "http"
    return "http"
