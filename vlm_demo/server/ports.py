"""Finds out whether a port can be listened on, before anything slow has begun."""

from __future__ import annotations

import errno
import socket

from vlm_demo.errors import SettingsError


def check_port(host: str, port: int) -> None:
    """See that the page can listen at an address.

    Raises:
        SettingsError: another program listens there, or this one may not.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except socket.gaierror as error:
        raise SettingsError(
            "The page cannot be served: there is no address {host} on this computer. "
            "Choose another one with --host.",
            host=repr(host),
        ) from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                "The page cannot be served: port {port} is in use. Choose another one with "
                "--port, or stop the program that uses it.",
                port=port,
            ) from error
        raise SettingsError(
            "The page cannot be served at {host}, port {port}: {reason}. Choose others "
            "with --host and --port.",
            host=host,
            port=port,
            reason=error.strerror,
        ) from error
