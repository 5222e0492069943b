"""Fetches a picture from an address that a visitor gave, and nothing else from this network.

A server that fetches what it is told to can be made to reach what only it can reach (server-side
request forgery): services on this computer, neighbours, the metadata of a cloud. So the name is
resolved here, every address behind it has to be a public one, and the connection goes to exactly
the address that was checked. Each redirect is checked anew. See
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from vlm_demo.errors import ImageError
from vlm_demo.translatable_text import message

MAX_REDIRECTS = 4
"""Largest number of redirects that are followed."""

TIMEOUT_S = 15.0
"""Longest time for the whole picture, in seconds."""

CHUNK = 65_536
"""Number of bytes that are read at a time."""

PORTS = (80, 443)
"""Ports that pictures are fetched from."""

MAX_ADDRESS = 2_000
"""Longest address, in characters."""

_UNREACHABLE = message(
    "This address cannot be reached. Check it, or save the image and add the file."
)

Resolve = Callable[[str, int], list[str]]
"""Returns the addresses behind the name of a host."""


def fetch_picture(address: str, target: Path, *, max_bytes: int) -> None:
    """Fetch a picture into a file; whether it is one is for others to find out.

    Args:
        address: http or https.
        target: the file.
        max_bytes: largest number of bytes.

    Raises:
        ImageError: the address is not allowed, cannot be reached, or holds too much.
    """
    deadline = time.monotonic() + TIMEOUT_S
    for _ in range(MAX_REDIRECTS + 1):
        redirect = _fetch_once(address, target, max_bytes, deadline)
        if redirect is None:
            return
        address = urljoin(address, redirect)
    raise ImageError("This address redirects too often. Enter the address of the image itself.")


def resolve_public(host: str, port: int, resolve: Resolve | None = None) -> str:
    """Return an address behind a name, all of whose addresses are public ones.

    Raises:
        ImageError: it has none, or one of them is not public.
    """
    try:
        found = (resolve or _resolve)(host, port)
    except (OSError, UnicodeError) as error:
        raise ImageError(_UNREACHABLE) from error
    if not found:
        raise ImageError(_UNREACHABLE)
    if not all(is_public(one) for one in found):
        raise ImageError("Images are downloaded only from the public internet.")
    return found[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    for inner in _list_embedded(parsed):
        if not inner.is_global or inner.is_multicast or inner.is_reserved:
            return False
    return True


def _list_embedded(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return an address, and the IPv4 addresses that an IPv6 address stands for."""
    found: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            found = [address.ipv4_mapped]
        if address.sixtofour:
            found.append(address.sixtofour)
        if address.teredo:
            found += address.teredo
        if address in ipaddress.ip_network("64:ff9b::/96"):  # NAT64, RFC 6052
            found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _resolve(host: str, port: int) -> list[str]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _fetch_once(address: str, target: Path, max_bytes: int, deadline: float) -> str | None:
    """Fetch an address; return where it leads instead, if it does."""
    host, port, path, is_secure = _split(address)
    checked = resolve_public(host, port)
    connection = _Connection(host, port, checked, is_secure=is_secure)
    try:
        with closing(connection):
            connection.request("GET", path, headers={"Accept": "image/*", "User-Agent": "vlm-demo"})
            response = connection.getresponse()
            if response.status in (301, 302, 303, 307, 308):
                return response.headers.get("location", "")
            if response.status != 200:
                raise ImageError(
                    "This address answers with error {status}.", status=response.status
                )
            _save(response, target, max_bytes, deadline)
            return None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ImageError(_UNREACHABLE) from error


def _split(address: str) -> tuple[str, int, str, bool]:
    """Return host, port, path and whether it is https.

    Raises:
        ImageError: it is no address of a picture on the web.
    """
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError as error:
        raise ImageError("This is not the address of an image.") from error
    is_secure = parts.scheme == "https"
    if parts.scheme not in ("http", "https") or not parts.hostname or len(address) > MAX_ADDRESS:
        raise ImageError("This is not the address of an image: it begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise ImageError("Addresses with a name and a password are not opened.")
    port = port or (443 if is_secure else 80)
    if port not in PORTS:
        raise ImageError("Images are downloaded only from the standard ports of the web.")
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    if not path.isascii() or any(letter.isspace() or letter < " " for letter in path):
        raise ImageError("This is not the address of an image.")
    return parts.hostname, port, path, is_secure


class _Connection(http.client.HTTPConnection):
    """A connection to the address that was checked; the certificate is still that of the name."""

    def __init__(self, host: str, port: int, checked: str, *, is_secure: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S)
        self._checked = checked
        self._is_secure = is_secure

    def connect(self) -> None:
        """Open the connection."""
        self.sock = socket.create_connection((self._checked, self.port), self.timeout)
        if self._is_secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def _save(
    response: http.client.HTTPResponse, target: Path, max_bytes: int, deadline: float
) -> None:
    """Write what comes to a file.

    Raises:
        ImageError: it is too much, or takes too long.
    """
    size = 0
    with target.open("wb") as file:
        while chunk := response.read1(CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise ImageError(
                    "This image is too large; the limit is {max_bytes} MB.",
                    max_bytes=f"{max_bytes / 1e6:.0f}",
                )
            if time.monotonic() > deadline:
                raise ImageError("This address answers too slowly.")
            file.write(chunk)
