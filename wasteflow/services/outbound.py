"""One POST to somebody else's server: never to an address inside, no redirect, bounded in time.

The name is looked up once and the connection goes to the address that was checked, so that a name
server cannot answer one thing to the check and another to the connection.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from threading import Timer
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from wasteflow.core.errors import InvalidValue

TIMEOUT_S: Final = 10.0
_WHOLE_CALL: Final = 3
"""A call may last so many time-outs."""
_READ_AT_MOST: Final = 4096
_PORTS: Final = {"http": 80, "https": 443}


class Told(Struct, frozen=True):
    """What came of a call: the HTTP status (0 if none came) and a short reason."""

    status: int
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether the other side took it."""
        return 200 <= self.status < 300


def checked_address(url: str, *, private: bool = False) -> SplitResult:
    """The parts of an address that may be called.

    https alone, unless `private` (a setting for tests and closed networks) allows http and inner
    addresses.  Raises InvalidValue `webhook_url`, `webhook_private`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidValue("webhook_url", value=url[:100]) from error
    schemes = ("https", "http") if private else ("https",)
    good = parts.scheme in schemes and parts.hostname and not parts.username and not parts.fragment
    if not good or not url.isascii() or not url.isprintable() or " " in url or port == 0:
        raise InvalidValue("webhook_url", value=url[:100])
    host = parts.hostname or ""
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        inner = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
        if inner and not private:
            raise InvalidValue("webhook_private", value=host) from None
        address = _short_form(host)
    if not private and address is not None and not is_public(str(address)):
        raise InvalidValue("webhook_private", value=host)
    return parts


def _short_form(host: str) -> ipaddress.IPv4Address | None:
    """The address that a host of digits means to whoever connects (`127.1`, `2130706433`).

    >>> _short_form("0x7f.1"), _short_form("example.com")
    (IPv4Address('127.0.0.1'), None)
    """
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet.

    >>> [is_public(text) for text in ("8.8.8.8", "127.0.0.1", "10.1.2.3", "169.254.169.254")]
    [True, False, False, False]
    >>> [is_public(text) for text in ("::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1")]
    [False, False, False, False]
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if found in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


def resolved(host: str, port: int, *, private: bool) -> str:
    """An address of `host` that may be called; InvalidValue `webhook_private` if any may not."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(item[4][0]) for item in found]
    if not private and not all(is_public(address) for address in addresses):
        raise InvalidValue("webhook_private", value=host)
    return addresses[0]


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    private: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> Told:
    """POST `body`; a redirect counts as a refusal.  Nothing of the network is raised."""
    try:
        parts = checked_address(url, private=private)
        host = parts.hostname or ""
        port = parts.port or _PORTS[parts.scheme]
        address = resolved(host, port, private=private)
        return _send(parts, host, address, port, body, headers, timeout_s)
    except InvalidValue as error:
        return Told(0, error.code)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        return Told(0, f"{type(error).__name__}: {error}"[:300])


def _send(
    parts: SplitResult,
    host: str,
    address: str,
    port: int,
    body: bytes,
    headers: Mapping[str, str],
    timeout_s: float,
) -> Told:
    plain = socket.create_connection((address, port), timeout=timeout_s)
    channel: socket.socket = plain
    # A server that answers a byte at a time must not hold the others' turn for hours.
    end = Timer(_WHOLE_CALL * timeout_s, _hang_up, (plain,))
    end.start()
    try:
        if parts.scheme == "https":
            channel = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        connection.sock = channel
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, dict(headers))
        answer = connection.getresponse()
        answer.read(_READ_AT_MOST)
        return Told(answer.status, "" if 200 <= answer.status < 300 else answer.reason[:300])
    finally:
        end.cancel()
        channel.close()


def _hang_up(plain: socket.socket) -> None:
    """End a call that takes too long; whoever reads from it gets an error."""
    with suppress(OSError):
        plain.shutdown(socket.SHUT_RDWR)
