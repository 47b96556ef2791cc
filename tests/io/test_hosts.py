"""Which addresses are public."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from super_resolution_gans.io.hosts import look_up, why_not_public


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.0.0.0", "an unspecified"), ("0.1.2.3", "an unspecified"), ("127.0.0.1", "a loopback"),
        ("127.255.255.255", "a loopback"), ("10.0.0.1", "a private"), ("172.16.0.1", "a private"),
        ("172.31.255.255", "a private"), ("192.168.1.1", "a private"),
        ("169.254.169.254", "a link-local"), ("100.64.0.1", "a carrier's internal"),
        ("100.100.100.200", "a carrier's internal"), ("168.63.129.16", "a cloud's internal"),
        ("192.0.0.192", "a reserved"), ("198.18.0.1", "a benchmarking"),
        ("192.0.2.1", "a documentation"), ("198.51.100.7", "a documentation"),
        ("203.0.113.9", "a documentation"), ("192.88.99.1", "a tunnel's"),
        ("224.0.0.1", "a multicast"), ("239.255.255.250", "a multicast"),
        ("240.0.0.1", "a reserved"), ("255.255.255.255", "a reserved"),
        ("::", "an unspecified"), ("::1", "a loopback"), ("::127.0.0.1", "a reserved"),
        ("::ffff:127.0.0.1", "a loopback"), ("::ffff:10.1.2.3", "a private"),
        ("64:ff9b::a9fe:a9fe", "a link-local"), ("64:ff9b:1::808:808", "a private"),
        ("2002:7f00:1::", "a tunnel's"), ("2001:0:7f00:1::1", "a tunnel's"),
        ("fc00::1", "a private"), ("fd00:ec2::254", "a private"), ("fec0::1", "a private"),
        ("fe80::1", "a link-local"), ("fe80::1%lo", "a link-local"), ("ff02::1", "a multicast"),
        ("2001:db8::1", "a documentation"), ("3fff::1", "a documentation"),
        ("2001:20::1", "a reserved"), ("5f00::1", "a reserved"), ("100::1", "a reserved"),
    ],
)  # fmt: skip
def test_special_addresses_are_told_apart(address: str, kind: str) -> None:
    assert why_not_public(ip_address(address)) == kind


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1", "8.8.8.8", "93.184.215.14", "100.63.255.255", "100.128.0.0", "172.32.0.0",
        "169.253.255.255", "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888",
        "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
    ],
)  # fmt: skip
def test_public_addresses_are_public(address: str) -> None:
    assert why_not_public(ip_address(address)) is None


@given(st.ip_addresses(v=4))
def test_what_is_public_is_so_for_python_too(address: IPv4Address) -> None:
    if why_not_public(address) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=6))
def test_what_is_public_is_so_for_python_too_in_ipv6(address: IPv6Address) -> None:
    if why_not_public(address) is None and address.ipv4_mapped is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_a_translated_address_is_judged_by_the_inner_one(inner: IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        outer = IPv6Address(int(IPv6Address(prefix)) | int(inner))
        assert why_not_public(outer) == why_not_public(inner)


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1"])
def test_the_system_reads_numbers(spelling: str) -> None:
    try:
        socket.inet_aton(spelling)
    except OSError:
        pytest.skip("not a number for this system")
    assert look_up(spelling, 80) == [IPv4Address("127.0.0.1")]


def test_every_address_is_kept_once_in_the_order_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (a, 80)) for a in ("8.8.8.8", "::1", "8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert [str(a) for a in look_up("host", 80)] == ["8.8.8.8", "::1", "10.0.0.1"]
