"""Which addresses may be asked without encryption."""

from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_NEAR = tuple(
    ip_network(block)
    for block in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        *("::1/128", "fc00::/7"),
    )
)


def is_near(url: str) -> bool:
    """Whether the host is this machine, or an address of a private network. A name other than
    localhost is not: it may be anywhere."""
    try:
        host = urlsplit(url).hostname or ""
        if host == "localhost":
            return True
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return any(address in block for block in _NEAR)
