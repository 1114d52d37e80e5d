#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Compares copies with the packets they are copies of.

    ring_compare.py FORMAT WIRE.pcap COPIES.pcap [SNAPLEN [PORTS]]

WIRE: what was on the production wire, every packet of which is mirrored; with PORTS, those of flows with such a port (a
file with numbers; SNAPLEN 0: whole packets). COPIES: what was sent to the collector. tshark finds the inner packets in
them: FORMAT is the tunnel's name for it, or vlan, or dev. Each flow's packets have to be the same bytes (as far as
SNAPLEN) in the same order, and checksums to be right.

Prints what the sender's counters have to explain, and fails if anything else is different, missing or too much:
    N packets, N copies, N not IP, N without a checksum
"""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from packet import *

TSHARK = ["tshark", "-n", "-X", "lua_script:gue.lua"]
NOBODY = 65534
for option in "ip.defragment:FALSE", "ipv6.defragment:FALSE", "ip.check_checksum:TRUE", "udp.check_checksum:TRUE", \
        "tcp.check_checksum:TRUE":
    TSHARK += ["-o", option]
PROTOCOL = re.compile(r'^  <proto name="(.*?)" .*size="(\d+)" pos="(\d+)">$', re.MULTILINE)
# Neighbour discovery and group reports are the kernel's own, sent at times of their own: before mirroring starts, too.
OWN_ICMPV6 = {*range(133, 137), 143}
CHECKSUM_AT = {TCP: 16, UDP: 6, ICMP: 2, ICMPV6: 2}
ZERO = "headers+zero"
OPTION_CLASS, OPTION_LENGTH = 0xFFF1, 2  # of Geneve, our own

# length: that of the packet on the wire; None where the copy does not tell it.
Packet = collections.namedtuple("Packet", "bytes length")


def tshark(path, *arguments):
    """As nobody, and in a folder that nobody may read: for root, tshark 4.4 loads no scripts."""
    with tempfile.TemporaryDirectory() as folder, open(path, "rb") as packets:
        shutil.copy(pathlib.Path(__file__).with_name("gue.lua"), folder)
        os.chmod(folder, 0o755)
        result = subprocess.run([*TSHARK, "-r", "-", *arguments], stdin=packets, capture_output=True, check=False, cwd=folder,
                                env={**os.environ, "HOME": folder}, user=NOBODY, group=NOBODY, extra_groups=[])
    if result.returncode:
        sys.exit(result.stderr.decode())
    return result.stdout


def dissect(path):
    """Of each packet the protocols that tshark sees, and where their headers start and end; and its complaints."""
    # null is a protocol that no packet has: of no other one tshark prints the fields
    pdml, _, complaints = tshark(path, "-T", "pdml", "-j", "null", "-z", "expert,warn").decode().partition("</pdml>")
    return [[(name, int(at), int(at) + int(size)) for name, size, at in PROTOCOL.findall(packet)]
            for packet in pdml.split("<packet>")[1:]], complaints


def told_length(geneve):
    at = 8
    while at < len(geneve):
        option_class, kind, words = struct.unpack_from("!HBB", geneve, at)
        if (option_class, kind) == (OPTION_CLASS, OPTION_LENGTH):
            return int.from_bytes(geneve[at + 4:at + 8], "big")
        at += 4 + 4 * words
    return None


def inner(tunnel, frame, protocols):
    """The copy in the packet."""
    names = [name for name, _, _ in protocols]
    if tunnel == "dev":
        return Packet(frame, None)
    if tunnel == "vlan":  # our tag is the outermost
        if names[1:3] != ["eth", "vlan"]:
            sys.exit(f"not tagged: {names}")
        return Packet(frame[:12] + frame[16:], None)
    if tunnel not in names:
        sys.exit(f"tshark sees no {tunnel}: {names}")
    at = names.index(tunnel)
    _, start, end = protocols[at]
    if at + 1 < len(protocols):  # some headers do not end where tshark's item does
        end = protocols[at + 1][1]
    return Packet(frame[end:], told_length(frame[start:end]) if tunnel == "geneve" else None)


def is_own(packet, ip):
    if ip is None or packet[ip] >> 4 != 6:
        return False
    _, _, proto, _, at = datagram(packet[ip:])
    return proto == ICMPV6 and len(packet) > ip + at and packet[ip + at] in OWN_ICMPV6


def key(packet, ip):
    """What tells flows apart; of what is not IP, the sender. Headers may be trimmed."""
    return flow(packet[ip:] + bytes(100)) if ip is not None else packet[6:12]


def ports(name):
    """Of TCP and UDP, and of ICMP errors about them; of others none."""
    return set(struct.unpack("!HH", bytes.fromhex(name[-1]))) if isinstance(name, tuple) and name[-1] else set()


def headers(frame, ip):
    """Their size, up to layer 4; of what is not IP, as if they were 64 bytes."""
    if ip is None:
        return 64
    _, _, proto, fragment, at = datagram(frame[ip:])
    l4 = ip + at
    if fragment is not None:
        field, later = (frame[ip + 6:ip + 8], 0x1FFF) if frame[ip] >> 4 == 4 else (frame[l4 - 6:l4 - 4], 0xFFF8)
        if int.from_bytes(field, "big") & later:
            return l4
    return l4 + {TCP: (frame + bytes(20))[l4 + 12] // 16 * 4, UDP: 8, ICMP: 8, ICMPV6: 8}.get(proto, 0)


def trimmed(frame, ip, snaplen):
    """What is left of it: SNAPLEN is a number, or headers, headers+N or headers+zero."""
    if snaplen == ZERO:
        return frame[:headers(frame, ip)].ljust(len(frame), b"\0")
    if snaplen.startswith("headers"):
        return frame[:headers(frame, ip) + int(snaplen.partition("+")[2] or 0)]
    return frame[:int(snaplen) or None]


def read_wire(path, bare, snaplen, wanted):
    """The copies that there should be, by flow; and the number of packets that are not IP."""
    flows, not_ip = collections.defaultdict(list), 0
    for frame in pcap(path)[1]:
        ip = ip_offset(frame)
        left = trimmed(frame, ip, snaplen)
        name = key(left, ip)
        if is_own(frame, ip) or (wanted is not None and not wanted & ports(name)):
            continue
        if bare and ip is None:
            not_ip += 1
        else:
            flows[name].append(Packet(left[ip if bare else 0:], len(frame)))
    return flows, not_ip


def read_copies(path, tunnel, bare):
    """The copies, by flow; and what tshark says about wrong checksums."""
    flows = collections.defaultdict(list)
    dissected, complaints = dissect(path)
    for frame, protocols in zip(pcap(path)[1], dissected, strict=True):
        names = [name for name, _, _ in protocols]
        if tunnel not in ("vlan", "dev", *names) and names[-1] == "udp":
            continue  # an empty datagram: the sender asks whether somebody listens again, there or where copies went before
        copy = inner(tunnel, frame, protocols)
        ip = 0 if bare else ip_offset(copy.bytes)
        if not is_own(copy.bytes, ip):
            flows[key(copy.bytes, ip)].append(copy)
    return flows, "\n".join(line for line in complaints.splitlines() if "Bad checksum" in line)


def without_checksum(packet, bare):
    ip = 0 if bare else ip_offset(packet)
    _, _, proto, _, at = datagram(packet[ip:])
    at += ip + CHECKSUM_AT[proto]
    return packet[:at] + packet[at + 2:]


def from_zero(packet, copy, bare):
    """The copy is a segment of what GRO made of packets with the IDs 0, 1, 2 …: all of them may have been 0 (RFC 6864)."""
    ip = 0 if bare else ip_offset(packet)
    if ip is None or packet[ip] >> 4 != 4 or copy[ip + 4:ip + 6] != bytes(2) or packet[ip + 4]:
        return False
    without_id = [p[:ip + 4] + p[ip + 6:ip + 10] + p[ip + 12:] for p in (packet, copy)]
    return without_id[0] == without_id[1]


def compare(wire, copies, bare, whole):
    """The number of copies that differ in their checksum, because a part of the packet was not captured."""
    unknown = 0
    for name in {*wire, *copies}:
        want, have = wire[name], copies[name]
        if len(want) != len(have):
            sys.exit(f"{name}: {len(want)} packets, {len(have)} copies")
        for number, (packet, copy) in enumerate(zip(want, have)):
            if copy.length not in (None, packet.length):
                sys.exit(f"{name}, packet {number + 1}: is {packet.length} bytes long, and {copy.length} by its copy")
            if packet.bytes == copy.bytes or from_zero(packet.bytes, copy.bytes, bare):
                continue
            if whole or without_checksum(packet.bytes, bare) != without_checksum(copy.bytes, bare):
                sys.exit(f"{name}, packet {number + 1} of {len(want)}:\n{packet.bytes.hex()}\n{copy.bytes.hex()}")
            unknown += 1
    return unknown


def main(tunnel, wire_path, copies_path, snaplen="0", wanted=None):
    bare = tunnel == "gue" or pcap(copies_path)[0] == LINK_RAW
    whole = snaplen == "0"
    wanted = wanted and set(map(int, pathlib.Path(wanted).read_text().split()))
    wire, not_ip = read_wire(wire_path, bare, snaplen, wanted)
    copies, bad = read_copies(copies_path, tunnel, bare)
    unknown = compare(wire, copies, bare, whole)
    if snaplen == ZERO:  # all are other ones than on the wire, and tshark says whether they are right
        unknown = 0
    if bad and (whole or snaplen == ZERO):  # tshark takes truncated packets for whole ones
        sys.exit(f"tshark finds wrong checksums:\n{bad}")
    total = sum(map(len, copies.values()))
    print(f"{total + not_ip} packets, {total} copies, {not_ip} not IP, {unknown} without a checksum")


if __name__ == "__main__":
    main(*sys.argv[1:])
