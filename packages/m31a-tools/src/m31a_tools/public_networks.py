"""Which addresses are hosts on the internet.

The networks are those of IANA's registries of special-purpose addresses, with some addresses by
which clouds serve credentials to their own machines.
"""

import ipaddress


def _networks(*texts: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_NOT_PUBLIC_4 = _networks(
    "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for the machine itself
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # carriers' own; 100.100.100.200 is Alibaba's metadata
    "127.0.0.0/8",  # loopback
    "168.63.129.16/32",  # Azure's server for its machines
    "169.254.0.0/16",  # link-local, and metadata of most clouds
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is Oracle's metadata
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # multicast relays
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",  # private
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarking
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
)
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
"""Nothing else is given out, so mapped, translated, local and multicast addresses fall away."""
_NOT_PUBLIC_6 = _networks(
    "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID and others
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: holds an IPv4 address
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
)


def is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether packets to this address go to a host on the internet, and to no other place."""
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _NOT_PUBLIC_4)
    if ip.scope_id is not None or ip not in _GLOBAL_6:
        return False
    # ISATAP: the last four bytes are an IPv4 address that packets are sent to.
    if (int(ip) >> 32) & 0xFDFFFFFF == 0x00005EFE:
        return False
    return not any(ip in network for network in _NOT_PUBLIC_6)
