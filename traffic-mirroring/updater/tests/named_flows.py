#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Writes a capture of the beginnings of one connection for each NAME: named_flows.py NAME…

By HTTP if the name begins with "http:", by TLS else. A connection is four packets from the client, the third of which has
the name, and two from the server.
"""
import ssl
import struct
import sys

CLIENT, SERVER = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 9])
SYN, ACK = 2, 16


def first_bytes(name):
    if name.startswith("http:"):
        return f"GET / HTTP/1.1\r\nHost: {name[5:]}\r\n\r\n".encode()
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(received, sent, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


def packet(src, dst, sport, dport, seq, flags, payload=b""):
    ip = struct.pack(">BBHIBBH4s4s", 0x45, 0, 40 + len(payload), 0, 64, 6, 0, src, dst)
    tcp = struct.pack(">HHIIBBHI", sport, dport, seq, 0, 0x50, flags, 0xffff, 0)
    frame = bytes(12) + b"\x08\x00" + ip + tcp + payload
    return struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame


def connection(port, name):
    hello = first_bytes(name)
    up = (CLIENT, SERVER, port, 443)
    down = (SERVER, CLIENT, 443, port)
    return [packet(*up, 1, SYN), packet(*down, 1, SYN | ACK), packet(*up, 2, ACK), packet(*up, 2, ACK, hello),
            packet(*down, 2, ACK, bytes(1000)), packet(*up, 2 + len(hello), ACK, bytes(1000))]


connections = [connection(40000 + i, name) for i, name in enumerate(sys.argv[1:])]
sys.stdout.buffer.write(struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
for packets in zip(*connections):  # side by side
    sys.stdout.buffer.write(b"".join(packets))
