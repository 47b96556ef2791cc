"""Where the name of a host leads, and whether that is on the public internet."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

# The special-purpose address registries of IANA (RFC 6890 and its successors). ipaddress.is_global
# knows an older edition of them in some versions of Python.
_SPECIAL = tuple(
    (ip_network(network), kind)
    for kind, networks in (
        ("an unspecified", "0.0.0.0/8 ::/128"),
        ("a loopback", "127.0.0.0/8 ::1/128"),
        ("a private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10 64:ff9b:1::/48"),
        ("a link-local", "169.254.0.0/16 fe80::/10"),
        ("a carrier's internal", "100.64.0.0/10"),
        ("a cloud's internal", "168.63.129.16/32"),  # public by its number, answers inside Azure
        ("a multicast", "224.0.0.0/4 ff00::/8"),
        ("a documentation", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"),
        ("a benchmarking", "198.18.0.0/15"),
        ("a tunnel's", "192.88.99.0/24 2001::/32 2002::/16"),  # Teredo and 6to4 wrap any IPv4
        ("a reserved", "192.0.0.0/24 240.0.0.0/4 2001::/23"),
    )
    for network in networks.split()
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def look_up(host: str, port: int) -> list[Address]:
    """All addresses of a host, in the order of the system's preference.

    Numbers count as names here: the system decides what 127.1 or 0x7f000001 means, as it would when
    connecting.

    Raises:
        OSError: if there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


def why_not_public(address: Address) -> str | None:
    """What kind of address it is, as in "a loopback"; None if it is public.

    An IPv6 address that stands for an IPv4 address (mapped, NAT64) is judged as that one.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return why_not_public(address.ipv4_mapped)
        if address in _NAT64:
            return why_not_public(IPv4Address(int(address) & 0xFFFFFFFF))
    for network, kind in _SPECIAL:
        if address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "a reserved"
    return None
