"""A server on loopback where each path misbehaves in its own way."""

import gzip
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_VALUES = np.random.default_rng(0).integers(0, 255, (20, 30), np.uint8)


@dataclass
class Web:
    """The server: its port and address, the pixels of its scan, what it was asked."""

    port: int
    values: NDArray[np.uint8]
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    ending: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(_VALUES).save(stream, "PNG")
    return stream.getvalue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.web.requests.append((self.path, dict(self.headers)))
        self.close_connection = True
        with suppress(ConnectionError):
            self._answer(self.path.partition("?")[0])

    def _send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, start: bytes) -> None:
        self.wfile.write(start)
        while not self.web.ending.wait(0.05):
            self.wfile.write(b"x")

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
            case "to":  # anywhere
                self._send(302, {"Location": self.path.partition("?")[2]})
            case "loop":
                self._send(301, {"Location": "/loop"})
            case "page":
                self._send(200, {"Content-Type": "image/png"}, b"<!DOCTYPE html>\nno image")
            case "truncated":
                self._send(200, {"Content-Length": str(len(body))}, body[:-50])
            case "chunks":
                self._send(200, {"Transfer-Encoding": "chunked"}, b"4\r\nabcd\r\n9\r\nab")
            case "cut":
                self._send(200, {}, body[:-50])
            case "encoded":
                bomb = gzip.compress(bytes(10 << 20))
                self._send(200, {"Content-Encoding": rest}, bomb)
            case "transfer":
                self._send(200, {"Transfer-Encoding": rest}, gzip.compress(bytes(10 << 20)))
            case "bomb.gz":
                self._send(200, {}, gzip.compress(bytes(10 << 20)))
            case "large":
                self._send(200, {"Content-Length": "1000000"}, body)
            case "lengths":
                self.wfile.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"
                )
            case "endless":
                self.send_response(200)
                self.end_headers()
                while not self.web.ending.is_set():
                    self.wfile.write(bytes(1 << 16))
            case "drip":
                self._drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            case "slow-headers":
                self._drip(b"HTTP/1.1 200 OK\r\nX: ")
            case "slow-status":
                self._drip(b"HTTP/1.1 200 O")
            case "huge-header":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX: " + bytes(1 << 20).replace(b"\0", b"x"))
            case "many-headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n" + body)
            case "garbage":
                self.wfile.write(b"\x1b[31mSSH-2.0-nothing\r\n" * 100)
            case "nothing":
                pass
            case "status":
                self._send(int(rest), {}, b"")
            case _:  # asked as a proxy
                self._send(502, {}, b"")


@contextmanager
def serving() -> Iterator[Web]:
    """The server, running in threads of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as http:
        _Handler.web = Web(http.server_address[1], _VALUES)
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield _Handler.web
        _Handler.web.ending.set()
        http.shutdown()
        thread.join()
