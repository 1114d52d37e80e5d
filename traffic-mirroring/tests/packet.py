# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Packets as bytes: what the tools of the ring's labs build, read from captures and tell apart."""
import socket
import struct

IPV4, IPV6, ARP, VLAN, SERVICE_VLAN = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
ICMP, TCP, UDP, ICMPV6, FRAGMENT = 1, 6, 17, 58, 44
EXTENSIONS = {0, 43, 44, 60}  # hop-by-hop, routing, fragment, destination options
ICMP_ERRORS = {3, 4, 5, 11, 12}
LINK_ETHERNET, LINK_RAW = 1, 101


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ethernet(dst, src, ethertype, payload, tags=()):
    """tags: (EtherType, ID), the outermost first."""
    middle = b"".join(struct.pack("!HH", kind, tag) for kind, tag in tags)
    return dst + src + middle + struct.pack("!H", ethertype) + payload


def ipv4(src, dst, proto, payload, ident=0, fragment=0, options=b""):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident, fragment, 64, proto, 0)
    head += address(src) + address(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, proto, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + address(src) + address(dst) + payload


def with_checksum(src, dst, proto, segment, at):
    """segment with the checksum at that offset filled in."""
    pseudo = address(src) + address(dst) + struct.pack("!II", len(segment), proto)
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment) or 0xFFFF) + segment[at + 2:]


def udp(src, dst, src_port, dst_port, payload):
    head = struct.pack("!HHHH", src_port, dst_port, 8 + len(payload), 0)
    return with_checksum(src, dst, UDP, head + payload, 6)


def pcap(path, whole=True):
    """The capture's link type, and the packets in it. whole: none may have been cut."""
    with open(path, "rb") as file:
        data = file.read()
    magic, link = struct.unpack_from("<I16xI", data)
    if magic not in (0xA1B2C3D4, 0xA1B23C4D):  # microseconds, nanoseconds
        raise ValueError(f"{path}: no little-endian pcap file")
    packets, at = [], 24
    while at + 16 <= len(data):
        captured, length = struct.unpack_from("<8xII", data, at)
        if whole and captured != length:
            raise ValueError(f"{path}: packet {len(packets) + 1} was cut when it was captured")
        at += 16
        packets.append(data[at:at + captured])
        at += captured
    return link, packets


def ip_offset(frame):
    """Where the IP header of an Ethernet frame starts; None: it is not IP."""
    at = 12
    for _ in range(4):
        kind = int.from_bytes(frame[at:at + 2], "big")
        if kind not in (VLAN, SERVICE_VLAN):
            return at + 2 if kind in (IPV4, IPV6) else None
        at += 4
    return None


def datagram(ip):
    """Of an IP packet: addresses, protocol, fragment (None, or its identification), and where layer 4 starts."""
    if ip[0] >> 4 == 4:
        proto, at = ip[9], (ip[0] & 15) * 4
        ident, offset = struct.unpack_from("!HH", ip, 4)
        return ip[12:16], ip[16:20], proto, ident if offset & 0x3FFF else None, at
    src, dst, proto, at, ident = ip[8:24], ip[24:40], ip[6], 40, None
    while proto in EXTENSIONS and at + 8 <= len(ip):
        size = 8 if proto == FRAGMENT else (ip[at + 1] + 1) * 8
        if proto == FRAGMENT:
            ident = int.from_bytes(ip[at + 4:at + 8], "big")
        proto, at = ip[at], at + size
        if ident is not None:
            break
    return src, dst, proto, ident, at


def flow(ip):
    """What packets of one direction of a flow have in common, or fragments of one datagram. An ICMP error is of the flow it is
    about."""
    src, dst, proto, fragment, at = datagram(ip)
    if fragment is None and (proto == ICMP and ip[at] in ICMP_ERRORS or proto == ICMPV6 and ip[at] < 128):
        return "about", src.hex(), *flow(ip[at + 8:])
    ports = ip[at:at + 4] if fragment is None and proto in (TCP, UDP) else b""
    return socket.inet_ntop(socket.AF_INET if len(src) == 4 else socket.AF_INET6, src), \
        socket.inet_ntop(socket.AF_INET if len(dst) == 4 else socket.AF_INET6, dst), proto, fragment, ports.hex()
