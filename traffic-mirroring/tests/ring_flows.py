#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Many flows, and where their copies went. Flow N is between the address of 10.0.0.0/8 with that number and a server.

    ring_flows.py send DEV MAC out|back COUNT   what the clients of flows 0 to COUNT - 1 send, or what comes back to them,
                                                in frames to MAC: a datagram; in every tenth flow a datagram in
                                                fragments and an ICMP error, too
    ring_flows.py where COPIES.pcap COUNT       prints {"flow": "collector", …} of GUE copies of both directions; fails if
                                                a copy is missing or twice there, or a flow's are not all at one collector
    ring_flows.py offer DEV MAC SECONDS         what clients send, paced: 400 new flows per second, each of 25 datagrams of
                                                1,000 bytes within half a second
    ring_flows.py whole COPIES.pcap FIRST       prints how many flows from FIRST on have all their copies, and how many some
    ring_flows.py order COPIES.pcap             fails unless copies of echo requests, at most 65,536, are in their order
"""
import collections
import ipaddress
import json
import socket
import struct
import sys
import time

from packet import *

ROUTER = "203.0.113.1"
OUTER = 14 + 20 + 8 + 4  # Ethernet, IPv4, UDP, GUE
BOTH_ENDS = 2
RATE, LENGTH, BETWEEN = 400, 25, 8  # flows per second, datagrams of each, flows that start between two datagrams of one


def ends(number):
    client = str(ipaddress.IPv4Address((10 << 24) + number))
    return (client, 1024 + number * 7919 % 60000), (f"172.16.0.{1 + number % 200}", (53, 80, 443)[number % 3])


def packets(number, back):
    (src, src_port), (dst, dst_port) = reversed(ends(number)) if back else ends(number)
    yield ipv4(src, dst, UDP, udp(src, dst, src_port, dst_port, b"one datagram"))
    if number % 10:
        return
    whole = udp(src, dst, src_port, dst_port, bytes(100))
    yield ipv4(src, dst, UDP, whole[:64], ident=number + 1, fragment=0x2000)
    yield ipv4(src, dst, UDP, whole[64:], ident=number + 1, fragment=8)
    # about a packet of the other direction
    quoted = ipv4(dst, src, UDP, udp(dst, src, dst_port, src_port, b""))
    message = b"\x03\x01" + bytes(6) + quoted
    yield ipv4(ROUTER, dst, ICMP, message[:2] + struct.pack("!H", checksum(message)) + message[4:])


def send(dev, mac, direction, count):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((dev, 0))
        own, peer = s.getsockname()[4], bytes.fromhex(mac.replace(":", ""))
        for number in range(int(count)):
            for packet in packets(number, direction == "back"):
                s.send(ethernet(peer, own, IPV4, packet))


def number_of(ip):
    """The flow that a packet belongs to."""
    if ip[9] == ICMP:
        ip = ip[28:]
    client = next(address for address in (ip[12:16], ip[16:20]) if address[0] == 10)
    return int.from_bytes(client[1:], "big")


def where(path, count):
    collectors, copies = {}, collections.Counter()
    for frame in pcap(path)[1]:
        number, collector = number_of(frame[OUTER:]), socket.inet_ntoa(frame[30:34])
        if collectors.setdefault(number, collector) != collector:
            sys.exit(f"flow {number} is at {collector} and at {collectors[number]}: {frame.hex()}")
        copies[number] += 1
    for number in range(int(count)):
        want = BOTH_ENDS * len([*packets(number, False)])
        if copies[number] != want:
            sys.exit(f"flow {number}: {copies[number]} copies of {want} packets")
    json.dump(collectors, sys.stdout)


def offer(dev, mac, seconds):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((dev, 0))
        own, peer = s.getsockname()[4], bytes.fromhex(mac.replace(":", ""))
        start, frames = time.monotonic(), {}
        for tick in range(int(seconds) * RATE):
            (src, src_port), (dst, dst_port) = ends(tick)
            frames[tick] = ethernet(peer, own, IPV4, ipv4(src, dst, UDP, udp(src, dst, src_port, dst_port, bytes(1000))))
            for number in range(tick, max(-1, tick - LENGTH * BETWEEN), -BETWEEN):
                s.send(frames[number])
            frames.pop(tick - LENGTH * BETWEEN, None)
            time.sleep(max(0, start + tick / RATE - time.monotonic()))


def whole(path, first):
    copies = collections.Counter(number_of(frame[OUTER:]) for frame in pcap(path, whole=False)[1])
    # the last ones did not end
    numbers = [number for number in copies if int(first) <= number < max(copies) - LENGTH * BETWEEN]
    print(sum(copies[number] == LENGTH for number in numbers), len(numbers))


def order(path):
    # the sender probes a next hop with an empty datagram
    copies = [frame[OUTER:] for frame in pcap(path, whole=False)[1] if len(frame) > OUTER]
    sequence = [int.from_bytes(copy[26:28], "big") for copy in copies]
    if sequence != sorted(sequence):
        sys.exit(f"{sum(a > b for a, b in zip(sequence, sequence[1:]))} of {len(sequence)} copies are out of order")


if __name__ == "__main__":
    {"send": send, "where": where, "offer": offer, "whole": whole, "order": order}[sys.argv[1]](*sys.argv[2:])
