"""An http(s) address -> a temporary file, within limits on whom is asked, size, time and rate."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from super_resolution_gans.io import route
from super_resolution_gans.io.address import shown
from super_resolution_gans.io.errors import FetchError
from super_resolution_gans.version import __version__

if TYPE_CHECKING:
    import ssl

    import httpx

_MOST_REDIRECTS = 5
_SILENCE_SECONDS = 20.0
_LEAST_RATE = 1 << 10  # bytes a second, on average, once so many seconds have passed:
_PATIENCE_SECONDS = 10.0
_HEADERS = {
    "User-Agent": f"SuperResolution-GANs/{__version__} (reads one image)",
    "Accept": "image/*, application/octet-stream;q=0.9, */*;q=0.5",
    "Accept-Encoding": "identity",  # a compressed answer could be a bomb
}
_STATUS = {
    401: "the server asks for a login",
    403: "the server refuses access",
    404: "there is no such page",
    410: "the page is gone",
    429: "the server is asked too often",
}


@contextmanager
def fetched(
    url: str, *, max_bytes: int, seconds: float, allow_private: bool = False
) -> Iterator[Path]:
    """The content of an address as a temporary file, removed afterwards.

    The host is looked up once, all its addresses must be public, and one of those that were checked
    is connected to. At most five redirects are followed, each checked in the same way, to http and
    https only and never from https back to http. User and password of the URL go to its own host
    and port only. A compressed answer is refused, and so are headers of more than 100 KiB (the
    limit of h11) and a body that comes at less than 1 KiB/s.

    Args:
        url: starts with http:// or https://.
        max_bytes: of the content, by its announced length and as it arrives.
        seconds: for everything, from the name look-up to the last byte.
        allow_private: ask any address, and use the proxies that the environment names, which look
            up names themselves.

    Raises:
        FetchError: if the address is refused, cannot be reached, answers with an error, or a limit
            is met.
    """
    with tempfile.TemporaryDirectory(prefix="srgan-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "content"
        job = _Job(url, path, max_bytes, time.monotonic() + seconds, allow_private)
        # In a thread, because neither the look-up of a name nor a server that sends its headers
        # letter by letter can be interrupted.
        worker = threading.Thread(target=job.run, name="srgan-fetch", daemon=True)
        worker.start()
        worker.join(seconds)
        if worker.is_alive():
            job.give_up()
            worker.join(1.0)  # only a look-up goes on; it ends with the program
            raise FetchError(shown(url), f"took longer than {seconds:g} seconds")
        if job.problem is not None:
            raise FetchError(shown(url), job.problem)
        yield path


class _RefusedError(Exception):
    """The answer is not taken; the message is a reason without a name."""


class _Job:
    """One fetch, run in a thread."""

    def __init__(
        self, url: str, path: Path, max_bytes: int, deadline: float, allow_private: bool
    ) -> None:
        self._url, self._path = url, path
        self._max_bytes, self._deadline, self._allow_private = max_bytes, deadline, allow_private
        self._connection: Any = None
        self._given_up = False
        self.problem: str | None = None

    def run(self) -> None:
        import httpx

        try:
            with self._path.open("wb") as file:
                self._fetch(file)
        except (_RefusedError, route.RouteError) as error:
            self.problem = str(error)
        except httpx.TimeoutException:
            self.problem = "the server does not answer"
        except httpx.RemoteProtocolError as error:
            self.problem = f"a broken answer ({str(error)[:200]})"
        except Exception as error:  # nothing may be lost in a thread
            self.problem = f"cannot be fetched ({str(error)[:200]})"

    def give_up(self) -> None:
        """End the connection under a thread that is waiting for it."""
        self._given_up = True
        if self._connection is not None:
            with suppress(Exception):  # it may be ending by itself
                self._connection.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def _fetch(self, file: BinaryIO) -> None:
        import httpx

        start = url = route.parse(self._url)
        login = httpx.BasicAuth(url.username, url.password) if url.userinfo else None
        location: str | None = None
        for _ in range(_MOST_REDIRECTS + 1):
            mine = login if _origin(url) == _origin(start) else None
            try:
                location = self._ask(url, mine, file)
                if location is None:
                    return
                target = route.parse(location, start=url)
            except route.RouteError as error:
                if location is None:
                    raise
                raise _RefusedError(f"is redirected, but {error}") from None
            if url.scheme == "https" and target.scheme == "http":
                raise _RefusedError("is redirected from https to unprotected http")
            url = target
        raise _RefusedError(f"is redirected more than {_MOST_REDIRECTS} times")

    def _ask(self, url: "httpx.URL", login: "httpx.BasicAuth | None", file: BinaryIO) -> str | None:
        """Take the content; or say where a redirect leads, without taking it."""
        import httpx

        failure: Exception = route.RouteError("no address")
        for way in route.routes(url, allow_private=self._allow_private):
            silence = max(0.1, min(_SILENCE_SECONDS, self._deadline - time.monotonic()))
            # A new one for each request: connections and cookies of one host are not for another.
            client = httpx.Client(
                verify=_trusted(), trust_env=self._allow_private, timeout=silence, headers=_HEADERS
            )
            extensions = {**way.extensions, "trace": self._note}
            asked = client.stream(
                "GET", way.url, headers=way.headers, auth=login, extensions=extensions
            )
            try:
                with client, asked as answer:
                    if answer.has_redirect_location:
                        return str(answer.headers["location"])
                    self._receive(answer, file)
                    return None
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise route.unreachable(failure, allow_private=self._allow_private)

    def _note(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._connection = info["return_value"]

    def _receive(self, answer: "httpx.Response", file: BinaryIO) -> None:
        status = answer.status_code
        if status != 200:
            raise _RefusedError(f"{_STATUS.get(status, 'an unexpected answer')} (HTTP {status})")
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise _RefusedError("the server sends it compressed, unasked")
        announced = answer.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max_bytes:
            raise self._too_large()
        received, start = 0, time.monotonic()
        for piece in answer.iter_raw():  # as it comes: pieces of a size are waited for
            received += len(piece)
            now = time.monotonic()
            if received > self._max_bytes:
                raise self._too_large()
            if self._given_up or now > self._deadline:
                raise _RefusedError("took too long")
            if now - start > _PATIENCE_SECONDS and received < _LEAST_RATE * (now - start):
                raise _RefusedError(f"comes at less than {_LEAST_RATE} bytes a second")
            file.write(piece)

    def _too_large(self) -> _RefusedError:
        return _RefusedError(f"larger than the limit of {self._max_bytes} bytes")


@cache
def _trusted() -> "ssl.SSLContext":
    """By the authorities that the environment names (SSL_CERT_FILE), whoever is asked."""
    import httpx

    return httpx.create_ssl_context()


def _origin(url: "httpx.URL") -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port
