#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Traffic of every kind between a client and a mirrored host.

    ring_traffic.py serve           at the host: answers at TCP and UDP port 7000, until it is ended
    ring_traffic.py talk ADDRESS,… [SIZE…]  at the client: streams in both directions; with sizes also GSO packets of
                                            datagrams, and datagrams of these sizes (or FIRST-LAST/STEP), which come back
    ring_traffic.py tun DEV         makes this device, for bare IP packets, and takes what leaves by it, until it is ended
    ring_traffic.py frames DEV MAC LOCAL4 PEER4 LOCAL6 PEER6    frames as no ordinary program sends them, to the peer MAC
"""
import fcntl
import os
import select
import socket
import struct
import sys
import threading

from packet import *

PORT = 7000
UDP_SEGMENT = 103
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
TRAIN = b"train"  # a datagram that asks for datagrams in one GSO packet
TRAIN_SIZES = (1000, 40_300), (1448, 1448 * 20), (100, 6_301)
WINDOW = int(os.environ.get("WINDOW", 1 << 17))  # a stream fills no queue of a veth
STREAM_UP, STREAM_DOWN = 100_000, max(300_000, 2 * WINDOW)
SO_RCVBUFFORCE = 33  # also beyond the system's limit


BLOCK = bytes((i * 7 + (i >> 8) * 13) & 0xFF for i in range(1 << 16))


def pattern(size, start=0):
    """Bytes that are different wherever one looks: a copy with the wrong part of a packet is not taken for the right one."""
    return (BLOCK * ((start + size >> 16) + 1))[start:start + size]


def read_all(connection, size):
    while size:
        size -= len(connection.recv(min(size, 1 << 16))) or sys.exit("the stream ended early")


def serve_stream(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            up, down = struct.unpack("!II", connection.recv(8, socket.MSG_WAITALL))
            read_all(connection, up)
            connection.sendall(pattern(down, 5))


def send_trains(udp_socket, peer):
    for segment, size in TRAIN_SIZES:
        control = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", segment))]
        udp_socket.sendmsg([pattern(size, 9)], control, 0, peer)


def serve():
    listener = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, WINDOW)
    threading.Thread(target=serve_stream, args=[listener], daemon=True).start()
    # one per family: trains need the checksum of the outer family
    udp_sockets = []
    for family, any_address in (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"):
        s = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.bind((any_address, PORT))
        udp_sockets.append(s)
    print("ready", flush=True)
    while True:
        for s in select.select(udp_sockets, [], [])[0]:
            data, peer = s.recvfrom(1 << 16)
            if data == TRAIN:
                send_trains(s, peer)
            else:
                s.sendto(data, peer)


def stream(family, host, up, down):
    with socket.socket(family) as connection:
        connection.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, WINDOW)
        connection.connect((host, PORT))
        connection.sendall(struct.pack("!II", up, down) + pattern(up))
        read_all(connection, down)


def datagrams(family, host, sizes):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((host, PORT))
        for size in sizes:
            s.send(pattern(size))
            s.recv(1 << 16)


def trains(family, host):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.connect((host, PORT))
        s.send(TRAIN)
        left = sum(size for _, size in TRAIN_SIZES)
        while left > 0:
            left -= len(s.recv(1 << 16))


def sizes(words):
    for word in words:
        span, _, step = word.partition("/")
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1, int(step or 1))


def talk(hosts, *words):
    for host in hosts.split(","):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        stream(family, host, STREAM_UP, STREAM_DOWN)
        if words:
            trains(family, host)
            datagrams(family, host, sizes(words))


def odd_frames(src, dst, src4, dst4, src6, dst6):
    """Extension headers, IP options, fragments, tags, no IP at all."""
    udp4 = udp(src4, dst4, 7001, 7001, pattern(200))
    udp6 = udp(src6, dst6, 7001, 7001, pattern(200))
    options = bytes([0, 1, 4, 0, 0, 0])  # behind next header and length: PadN
    hop_by_hop, to_destination = 0, 60
    plain4 = ipv4(src4, dst4, UDP, udp4, ident=77)
    plain6 = ipv6(src6, dst6, UDP, udp6)
    arp = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1) + src + address(src4) + bytes(6) + address(dst4)

    yield IPV4, ipv4(src4, dst4, UDP, udp4, options=bytes([1] * 8))
    yield IPV4, ipv4(src4, dst4, UDP, udp4[:6] + bytes(2) + udp4[8:])  # no checksum
    yield IPV4, ipv4(src4, dst4, 50, pattern(64))
    yield IPV4, ipv4(src4, dst4, ICMP, with_icmp_checksum(b"\x03\x03" + bytes(6) + plain4[:28]))
    yield IPV6, ipv6(src6, dst6, hop_by_hop, bytes([UDP, 0]) + options + udp6)
    yield IPV6, ipv6(src6, dst6, hop_by_hop,
                     bytes([to_destination, 0]) + options + bytes([UDP, 1]) + options + bytes([1, 6]) + bytes(6) + udp6)
    yield IPV6, ipv6(src6, dst6, 43, bytes([UDP, 0, 4, 0]) + bytes(4) + udp6)
    yield IPV6, ipv6(src6, dst6, hop_by_hop, bytes([59, 0]) + options)
    for more, at in (1, 0), (1, 80), (0, 160):
        last = None if not more else at + 80
        yield IPV4, ipv4(src4, dst4, UDP, udp4[at:last], ident=4711, fragment=more << 13 | at // 8)
        head = struct.pack("!BBHI", UDP, 0, at | more, 4711)
        yield IPV6, ipv6(src6, dst6, hop_by_hop, bytes([FRAGMENT, 0]) + options + head + udp6[at:last])
        yield IPV4, ipv4(src4, dst4, UDP, udp4[at:last], ident=4712, fragment=more << 13 | at // 8), (VLAN, 9)
    for tags in [(VLAN, 5)], [(VLAN, 0xE000)], [(SERVICE_VLAN, 6)], [(SERVICE_VLAN, 6), (VLAN, 7)]:
        yield IPV4, plain4, *tags
        yield IPV6, plain6, *tags
        yield ARP, arp, *tags
    yield ARP, arp
    yield 0x88CC, pattern(50)  # LLDP
    # the largest that the device takes, with one tag and with two
    yield IPV4, ipv4(src4, dst4, UDP, udp(src4, dst4, 7001, 7001, pattern(1472))), (VLAN, 5)
    yield IPV4, ipv4(src4, dst4, UDP, udp(src4, dst4, 7001, 7001, pattern(1464))), (SERVICE_VLAN, 6), (VLAN, 7)


def with_icmp_checksum(message):
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def tun(dev):
    with open("/dev/net/tun", "rb+", buffering=0) as device:
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", dev.encode(), IFF_TUN | IFF_NO_PI))
        while True:
            device.read(1 << 16)


def frames(dev, mac, *ends):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((dev, 0))
        own, peer = s.getsockname()[4], bytes.fromhex(mac.replace(":", ""))
        for ethertype, payload, *tags in odd_frames(own, peer, *ends):
            s.send(ethernet(peer, own, ethertype, payload, tags))


if __name__ == "__main__":
    {"serve": serve, "talk": talk, "tun": tun, "frames": frames}[sys.argv[1]](*sys.argv[2:])
