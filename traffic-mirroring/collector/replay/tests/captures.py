#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Writes a capture of clients of an HTTP server, with times of its own: captures.py CASE SERVER PORT >FILE.pcap

together   six requests on one connection, 0.2 s apart
bulk       6,000,000 bytes on one connection, at once
late       the first half of a request after its second one: on one connection 0.9 s, on another one 1.5 s
"""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "tests"))
from packet import *

CLIENT, BEGIN = "192.0.2.1", 1_700_000_000
FIN, SYN, ACK = 0x01, 0x02, 0x10
REQUEST = b"GET /%d HTTP/1.1\r\nHost: origin\r\n\r\n"


def segment(server, client_port, seq, flags, payload=b""):
    head = struct.pack("!HHIIBBHHH", client_port, server[1], seq, 1, 5 << 4, flags, 65535, 0, 0)
    return ipv4(CLIENT, server[0], TCP, with_checksum(CLIENT, server[0], TCP, head + payload, 16))


def together(server):
    yield 0, segment(server, 1000, 0, SYN)
    seq = 1
    for number in range(6):
        request = REQUEST % number
        yield 0.2 * number, segment(server, 1000, seq, ACK, request)
        seq += len(request)


def bulk(server):
    yield 0, segment(server, 1000, 0, SYN)
    for number in range(6000):
        yield 0, segment(server, 1000, 1 + 1000 * number, ACK, bytes(1000))
    yield 0, segment(server, 1000, 6000001, FIN | ACK)


def late(server):
    for port, delay in (1000, 0.9), (1001, 1.5):
        first, second = (REQUEST % port)[:20], (REQUEST % port)[20:]
        yield 10 * port, segment(server, port, 0, SYN)
        yield 10 * port, segment(server, port, 21, ACK, second)
        yield 10 * port + delay, segment(server, port, 1, ACK, first)


def main(case, server, port):
    write = sys.stdout.buffer.write
    write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINK_RAW))
    for time, packet in {"together": together, "bulk": bulk, "late": late}[case]((server, int(port))):
        write(struct.pack("<IIII", BEGIN + int(time), round(time % 1 * 1e6), len(packet), len(packet)) + packet)


if __name__ == "__main__":
    main(*sys.argv[1:])
