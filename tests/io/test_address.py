"""Addresses, and what of them is shown."""

from pathlib import Path

import pytest

from super_resolution_gans.io import is_address, shown


@pytest.mark.parametrize("source", ["http://a", "HTTPS://a/b", "ftp://a", "s3://b/c"])
def test_what_has_a_scheme_is_an_address(source: str) -> None:
    assert is_address(source)


@pytest.mark.parametrize("source", ["a.png", "http:/a", "/http://a", "C:\\a.png", "", Path("a")])
def test_everything_else_is_a_path_and_shown_as_it_is(source: str | Path) -> None:
    assert not is_address(source)
    assert shown(source) == str(source) if source else shown(source) == ""


@pytest.mark.parametrize(
    "address",
    [
        "https://host/a.png?token=secret",
        "https://host/a.png#secret",
        "https://user:secret@host/a.png",
        "https://user:se@cret@host/a.png?x=y#z",
        "https://secret@host/a.png",
    ],
)
def test_secrets_are_not_shown(address: str) -> None:
    assert shown(address) == "https://host/a.png"


def test_a_malformed_address_can_be_shown() -> None:
    assert shown("http://[::1/a.png?x") == "http://[::1/a.png"
