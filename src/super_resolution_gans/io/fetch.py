"""An http(s) address -> a temporary file, within limits on size, time and redirects."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from super_resolution_gans.io.address import shown
from super_resolution_gans.io.errors import FetchError
from super_resolution_gans.version import __version__

if TYPE_CHECKING:
    import httpx

_MOST_REDIRECTS = 5
_SILENCE_SECONDS = 20.0
_STATUS = {
    401: "the server asks for a login",
    403: "the server refuses access",
    404: "there is no such page",
    410: "the page is gone",
    429: "the server is asked too often",
}


@contextmanager
def fetched(url: str, *, max_bytes: int, seconds: float) -> Iterator[Path]:
    """The content of an address as a temporary file, removed afterwards.

    At most five redirects are followed, to http and https only and never from https back to http.

    Args:
        url: starts with http:// or https://.
        max_bytes: of the content, by its announced length and as it arrives.
        seconds: for everything, from the name look-up to the last byte.

    Raises:
        FetchError: if the address is refused, cannot be reached, answers with an error, or a limit
            is met.
    """
    with tempfile.TemporaryDirectory(prefix="srgan-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "content"
        job = _Job(url, path, max_bytes, time.monotonic() + seconds)
        # In a thread, because neither the look-up of a name nor a server that sends its headers
        # letter by letter can be interrupted; an abandoned thread ends with the program.
        worker = threading.Thread(target=job.run, daemon=True)
        worker.start()
        worker.join(seconds)
        job.given_up = True
        if job.error is None and not job.done:
            job.error = FetchError(shown(url), f"took longer than {seconds:g} seconds")
        if job.error is not None:
            raise job.error
        yield path


class _Job:
    """One fetch, run in a thread."""

    def __init__(self, url: str, path: Path, max_bytes: int, deadline: float) -> None:
        self.url, self.name, self.path = url, shown(url), path
        self.max_bytes, self.deadline = max_bytes, deadline
        self.error: FetchError | None = None
        self.done = self.given_up = False

    def run(self) -> None:
        import httpx

        try:
            with self.path.open("wb") as file:
                self._fetch(file)
            self.done = True
        except FetchError as error:
            self.error = error
        except httpx.TimeoutException:
            self.error = FetchError(self.name, "the server does not answer")
        except httpx.RemoteProtocolError as error:
            self.error = FetchError(self.name, f"the transfer broke off ({error})")
        except httpx.ConnectError as error:
            self.error = FetchError(self.name, f"cannot be reached ({error})")
        except Exception as error:  # nothing may be lost in a thread
            self.error = FetchError(self.name, f"cannot be fetched ({error})")

    def _fetch(self, file: BinaryIO) -> None:
        import httpx

        silence = max(0.1, min(_SILENCE_SECONDS, self.deadline - time.monotonic()))
        headers = {
            "User-Agent": f"SuperResolution-GANs/{__version__} (reads one image)",
            "Accept": "image/*, application/octet-stream;q=0.9, */*;q=0.5",
            "Accept-Encoding": "identity",  # a compressed answer could be a bomb
        }
        url = httpx.URL(self.url)
        with httpx.Client(timeout=silence, headers=headers, follow_redirects=False) as client:
            for _ in range(_MOST_REDIRECTS + 1):
                self._check_address(url)
                with client.stream("GET", url) as answer:
                    if not answer.has_redirect_location:
                        self._receive(answer, file)
                        return
                    target = url.join(answer.headers["location"])
                if url.scheme == "https" and target.scheme == "http":
                    raise FetchError(self.name, "is redirected from https to unprotected http")
                url = target
        raise FetchError(self.name, f"is redirected more than {_MOST_REDIRECTS} times")

    def _check_address(self, url: "httpx.URL") -> None:
        if url.scheme not in ("http", "https"):
            raise FetchError(self.name, f"only http and https can be fetched, not {url.scheme}")
        if not url.host:
            raise FetchError(self.name, "an address without a host")

    def _receive(self, answer: "httpx.Response", file: BinaryIO) -> None:
        status = answer.status_code
        if status != 200:
            meaning = _STATUS.get(status, answer.reason_phrase or "an unexpected answer")
            raise FetchError(self.name, f"{meaning} (HTTP {status})")
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise FetchError(self.name, "the server sends it compressed, unasked")
        announced = answer.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self.max_bytes:
            raise self._too_large()
        received = 0
        for piece in answer.iter_raw(1 << 16):
            received += len(piece)
            if received > self.max_bytes:
                raise self._too_large()
            if self.given_up or time.monotonic() > self.deadline:
                raise FetchError(self.name, "took too long")
            file.write(piece)

    def _too_large(self) -> FetchError:
        return FetchError(self.name, f"larger than the limit of {self.max_bytes} bytes")
