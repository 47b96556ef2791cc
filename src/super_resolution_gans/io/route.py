"""From a URL to the machine that is asked for it: checked once, and then connected to."""

import re
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from super_resolution_gans.io.hosts import look_up, why_not_public

if TYPE_CHECKING:
    import httpx

_HOST = re.compile(r"(?!.{254})([a-z0-9_.-]+|[0-9a-f:.]*:[0-9a-f:.]*)")


class RouteError(Exception):
    """There is no way to this URL; the message is a reason without a name."""


@dataclass(frozen=True)
class Route:
    """How to ask for a URL.

    Attributes:
        url: with an IP address for a host, so that nothing is looked up again; without a user.
        headers, extensions: that name the host to the server and to TLS, which verifies the
            certificate by it.
    """

    url: "httpx.URL"
    headers: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)


def parse(address: str, *, start: "httpx.URL | None" = None) -> "httpx.URL":
    """An http(s) URL with a host; one that may be relative, if there is a ``start``.

    Raises:
        RouteError: if it is anything else.
    """
    import httpx

    try:
        url = start.join(address) if start else httpx.URL(address)
    except Exception:  # InvalidURL, and what the library for names raises; both may quote a secret
        raise RouteError("not a valid address") from None
    if url.scheme not in ("http", "https"):
        raise RouteError(f"only http and https can be fetched, not {url.scheme or 'this'}")
    if not url.raw_host:
        raise RouteError("there is no host in the address")
    if not _HOST.fullmatch(_host(url)):
        raise RouteError("not a valid name of a host")
    return url


def routes(url: "httpx.URL", *, allow_private: bool) -> list[Route]:
    """The ways to a URL, to be tried in order: one for each address of its host.

    With ``allow_private`` the one way is the name itself, which may lead through a proxy.

    Raises:
        RouteError: if the host is unknown, or any of its addresses is not a public one.
    """
    bare = url.copy_with(userinfo=b"")
    if allow_private:
        return [Route(bare)]
    host = _host(url)
    try:
        addresses = look_up(host, url.port or (443 if url.scheme == "https" else 80))
    except (OSError, ValueError) as error:  # ValueError: a label that is too long, a scope
        reason = getattr(error, "strerror", None) or str(error)
        raise RouteError(f"cannot be reached ({reason}){_about_proxies()}") from None
    for address in addresses:
        if kind := why_not_public(address):
            where = "is" if str(address) == host else f"leads to {address},"
            raise RouteError(
                f"{host} {where} {kind} address and not a public one (allow_private_addresses, or "
                "--allow-private-addresses of srgan upscale, allows it)"
            )
    named = {"Host": url.netloc.decode("ascii")}, {"sni_hostname": host.rstrip(".")}
    return [Route(bare.copy_with(host=str(address)), *named) for address in addresses]


def unreachable(error: Exception, *, allow_private: bool) -> RouteError:
    """What to say when none of the routes could be taken."""
    return RouteError(f"cannot be reached ({error}){'' if allow_private else _about_proxies()}")


def _host(url: "httpx.URL") -> str:
    return url.raw_host.decode("ascii")


def _about_proxies() -> str:
    if not urllib.request.getproxies().keys() & {"http", "https", "all"}:
        return ""
    return "; a proxy, which looks up names itself, is used with --allow-private-addresses only"
