"""read_scan of addresses, against a server on loopback."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from super_resolution_gans.io import FetchError, ReadError, read_scan

VALUES = np.random.default_rng(0).integers(0, 255, (20, 30), np.uint8)


def _png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(VALUES).save(stream, "PNG")
    return stream.getvalue()


class _Handler(BaseHTTPRequestHandler):
    """Each path misbehaves in its own way."""

    protocol_version = "HTTP/1.1"
    agents: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.agents.append(self.headers["User-Agent"])
        self.close_connection = True
        with suppress(ConnectionError):
            self._answer(self.path.partition("?")[0])

    def _send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, path: str) -> None:
        body = _png()
        name, _, rest = path[1:].partition("/")
        match name:
            case "scan.png" | "scan":
                self._send(200, {}, body)
            case "redirect" if rest == "0":
                self._send(302, {"Location": "/scan.png"})
            case "redirect":
                self._send(302, {"Location": str(int(rest) - 1)})
            case "loop":
                self._send(301, {"Location": "/loop"})
            case "to-file":
                self._send(302, {"Location": "file:///etc/passwd"})
            case "page":
                self._send(200, {"Content-Type": "image/png"}, b"<!DOCTYPE html>\nno image")
            case "truncated":
                self._send(200, {"Content-Length": str(len(body))}, body[:-50])
            case "cut":
                self._send(200, {}, body[:-50])
            case "gzip":
                self._send(200, {"Content-Encoding": "gzip"}, body)
            case "large":
                self._send(200, {"Content-Length": "1000000"}, body)
            case "endless":
                self.send_response(200)
                self.end_headers()
                for _ in range(10_000):
                    self.wfile.write(bytes(1 << 16))
            case "drip":
                self._send(200, {"Content-Length": "100000"})
                for _ in range(100):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            case "slow-headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
                for _ in range(100):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            case _:
                self._send(int(rest), {}, b"")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "*")
    _Handler.agents = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Temporary files go here, and none may be left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield tmp_path
    deadline = time.monotonic() + 5
    while any(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["scan.png", "scan", "scan.png?key=secret", "redirect/4"])
def test_a_scan_is_fetched_whatever_its_name(server: str, name: str) -> None:
    scan = read_scan(f"{server}/{name}")
    np.testing.assert_array_equal(scan.to_array()[0], VALUES)
    assert scan.source == f"{server}/{name.partition('?')[0]}"


def test_the_server_is_told_who_asks(server: str) -> None:
    read_scan(f"{server}/scan.png")
    assert _Handler.agents[0].startswith("SuperResolution-GANs/")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("status/404", r"there is no such page \(HTTP 404\)"),
        ("status/403", r"refuses access \(HTTP 403\)"),
        ("status/500", r"HTTP 500"),
        ("status/204", r"HTTP 204"),
        ("redirect/5", "redirected more than 5 times"),
        ("loop", "redirected more than 5 times"),
        ("to-file", "only http and https can be fetched, not file"),
        ("truncated", "broke off"),
        ("gzip", "compressed, unasked"),
    ],
)
def test_what_a_server_does_wrong_gets_one_line(server: str, path: str, words: str) -> None:
    with pytest.raises(FetchError, match=words) as caught:
        read_scan(f"{server}/{path}")
    assert str(caught.value).startswith(f"{server}/{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["large", "endless"])
def test_a_file_over_the_limit_is_not_fetched(server: str, path: str) -> None:
    with pytest.raises(FetchError, match="larger than the limit of 99999 bytes"):
        read_scan(f"{server}/{path}", max_download=99_999)


@pytest.mark.parametrize("path", ["drip", "slow-headers"])
def test_a_slow_server_is_given_up(server: str, path: str) -> None:
    with pytest.raises(FetchError, match=r"longer than 0\.4 seconds|took too long"):
        read_scan(f"{server}/{path}", max_seconds=0.4)


def test_a_page_instead_of_an_image_is_no_scan(server: str) -> None:
    with pytest.raises(ReadError, match="format not supported: HTML"):
        read_scan(f"{server}/page")
    with pytest.raises(ReadError, match="truncated PNG"):
        read_scan(f"{server}/cut")


@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1/a.png", "file:///etc/passwd", "HTTPX://a", "http://", "http://[::"]
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(FetchError):
        read_scan(address)


def test_a_server_that_is_not_there_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(FetchError, match="cannot be reached"):
        read_scan("http://127.0.0.1:1/a.png", max_seconds=10)


def test_passwords_are_not_repeated(server: str) -> None:
    address = server.replace("//", "//me:secret@") + "/status/404?key=secret"
    with pytest.raises(FetchError) as caught:
        read_scan(address)
    assert "secret" not in str(caught.value)
    assert "secret" not in caught.value.source


def test_a_redirect_never_leaves_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://example.org/a.png"})

    client = partial(httpx.Client, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "Client", client)
    with pytest.raises(FetchError, match="unprotected http"):
        read_scan("https://example.org/a.png")
    assert asked == ["https://example.org/a.png"]


def test_a_scan_too_large_for_memory_is_not_read_from_an_address(server: str) -> None:
    with pytest.raises(ReadError, match="limit of 599"):
        read_scan(f"{server}/scan.png", max_pixels=599)
