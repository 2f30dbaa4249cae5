"""Asks the kernel whether an address is this machine's own."""

import socket
import struct
from ipaddress import IPv4Address, IPv6Address

_HEADER = struct.Struct("=IHHII")  # linux/netlink.h: nlmsghdr
_ROUTE = struct.Struct("=8BI")  # linux/rtnetlink.h: rtmsg
_ATTRIBUTE = struct.Struct("=HH")  # rtattr
_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_NLM_F_REQUEST = 1
_RTA_DST = 1
_RTN_LOCAL = 2
_TYPE = 7  # the place of rtm_type in rtmsg


def is_own(address: IPv4Address | IPv6Address) -> bool:
    """Whether packets to an address stay on this machine, by its routing table as it is now.

    Raises OSError where the kernel cannot be asked.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    destination = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(address.packed), _RTA_DST) + address.packed
    route = _ROUTE.pack(family, address.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
    length = _HEADER.size + len(route) + len(destination)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(_HEADER.pack(length, _RTM_GETROUTE, _NLM_F_REQUEST, 1, 0) + route + destination)
        answer = kernel.recv(65536)
    _, kind, *_ = _HEADER.unpack_from(answer)
    # Anything else says that there is no route.
    return kind == _RTM_NEWROUTE and answer[_HEADER.size + _TYPE] == _RTN_LOCAL
