"""read_scan of addresses, against a server on loopback."""

import functools
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from super_resolution_gans import io
from super_resolution_gans.io import FetchError, ReadError, fetch, route

pytestmark = pytest.mark.usefixtures("temporary")
read_scan = functools.partial(io.read_scan, allow_private_addresses=True)


@pytest.mark.parametrize("name", ["scan.png", "scan", "scan.png?key=secret", "redirect/4"])
def test_a_scan_is_fetched_whatever_its_name(web: Any, name: str) -> None:
    scan = read_scan(f"{web.url}/{name}")
    np.testing.assert_array_equal(scan.to_array()[0], web.values)
    assert scan.source == f"{web.url}/{name.partition('?')[0]}"


def test_the_server_is_told_who_asks_and_nothing_else(web: Any) -> None:
    read_scan(f"{web.url}/scan.png")
    ((_, headers),) = web.requests
    assert headers.pop("User-Agent").startswith("SuperResolution-GANs/")
    assert headers.pop("Accept-Encoding") == "identity"
    assert headers.keys() == {"Host", "Accept", "Connection"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("status/404", r"there is no such page \(HTTP 404\)"),
        ("status/403", r"refuses access \(HTTP 403\)"),
        ("status/500", r"HTTP 500"),
        ("status/204", r"HTTP 204"),
        ("redirect/5", "redirected more than 5 times"),
        ("loop", "redirected more than 5 times"),
        ("to?file:///etc/passwd", "but only http and https can be fetched, not file"),
        ("to?http://[::", r"a broken answer \(Invalid URL in location header"),
        ("truncated", r"a broken answer \(peer closed connection"),
        ("encoded/gzip", "compressed, unasked"),
    ],
)
def test_what_a_server_does_wrong_gets_one_line(web: Any, path: str, words: str) -> None:
    with pytest.raises(FetchError, match=words) as caught:
        read_scan(f"{web.url}/{path}")
    assert str(caught.value).startswith(f"{web.url}/{path.partition('?')[0]}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["large", "endless"])
def test_a_file_over_the_limit_is_not_fetched(web: Any, path: str) -> None:
    with pytest.raises(FetchError, match="larger than the limit of 99999 bytes"):
        read_scan(f"{web.url}/{path}", max_download=99_999)


@pytest.mark.parametrize("path", ["drip", "slow-headers"])
def test_a_slow_server_is_given_up_and_its_connection_closed(web: Any, path: str) -> None:
    seconds = 0.4
    with pytest.raises(FetchError, match=r"longer than 0\.4 seconds|took too long"):
        read_scan(f"{web.url}/{path}", max_seconds=seconds)
    assert not [t for t in threads() if t.startswith("srgan-fetch")]


def test_a_body_that_drips_is_given_up_before_all_time_is_over(
    web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PATIENCE_SECONDS", 0.2)
    with pytest.raises(FetchError, match="comes at less than 1024 bytes a second"):
        read_scan(f"{web.url}/drip", max_seconds=100)


def threads() -> list[str]:
    import threading

    return [thread.name for thread in threading.enumerate()]


def test_a_page_instead_of_an_image_is_no_scan(web: Any) -> None:
    with pytest.raises(ReadError, match="format not supported: HTML"):
        read_scan(f"{web.url}/page")
    with pytest.raises(ReadError, match="truncated PNG"):
        read_scan(f"{web.url}/cut")


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


def test_passwords_are_not_repeated(web: Any) -> None:
    address = web.url.replace("//", "//me:secret@") + "/status/404?key=secret"
    with pytest.raises(FetchError) as caught:
        read_scan(address)
    assert "secret" not in str(caught.value)
    assert "secret" not in caught.value.source


def test_a_password_goes_to_the_host_it_was_given_for_only(web: Any) -> None:
    """Another port is another host; what a redirect brings along is not used at all."""
    own = web.url.replace("//", "//me:secret@")
    other = f"http://you:wrong@localhost:{web.port}/scan.png"
    read_scan(f"{own}/to?{other}")
    read_scan(f"{own}/redirect/0")
    sent = [(path, headers.get("Authorization")) for path, headers in web.requests]
    mine = "Basic bWU6c2VjcmV0"
    assert sent == [
        (f"/to?{other}", mine),
        ("/scan.png", None),
        ("/redirect/0", mine),
        ("/scan.png", mine),
    ]


def test_a_redirect_never_leaves_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://example.org/a.png"})

    client = functools.partial(httpx.Client, transport=httpx.MockTransport(answer))
    monkeypatch.setattr(httpx, "Client", client)
    with pytest.raises(FetchError, match="unprotected http"):
        read_scan("https://example.org/a.png")
    assert asked == ["https://example.org/a.png"]


def test_a_proxy_is_used_only_where_the_check_of_addresses_is_off(
    web: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("http_proxy", web.url)
    with pytest.raises(FetchError, match="cannot be reached") as caught:
        io.read_scan("http://no.such.host.invalid/scan.png")
    assert "a proxy, which looks up names itself, is used with" in str(caught.value)
    assert web.requests == []
    with pytest.raises(FetchError, match="HTTP"):
        read_scan("http://no.such.host.invalid/status/404")
    assert [headers["Host"] for _, headers in web.requests] == ["no.such.host.invalid"]


def test_a_scan_above_the_limit_is_not_read_from_an_address(web: Any) -> None:
    with pytest.raises(ReadError, match="limit of 599"):
        read_scan(f"{web.url}/scan.png", max_pixels=599)


def test_a_route_is_by_name_where_any_address_is_allowed() -> None:
    (way,) = route.routes(route.parse("https://me:secret@Host.example/a"), allow_private=True)
    assert (str(way.url), way.headers, way.extensions) == ("https://host.example/a", {}, {})


def test_nothing_stays_when_the_scan_is_read(web: Any, temporary: Path) -> None:
    read_scan(f"{web.url}/scan.png")
    assert list(temporary.iterdir()) == []
