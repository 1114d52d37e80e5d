#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Connections to servers by name, for the lab of `domain`.

    domain_traffic.py serve               at the host: answers each datagram at UDP port 443, until it is ended
    domain_traffic.py talk COUNT ADDRESS,…  at the client: COUNT connections to ports 443 (TLS) and 80 (HTTP), and QUIC flights

talk prints a line for each flow: its name, and the client's port.
"""
import base64
import concurrent.futures
import itertools
import pathlib
import socket
import ssl
import sys

SIZE = 40_000  # of the answers
WORKERS = 16
TLS_NAMES = "alpha.wanted.test", "exact.test", "secret.wanted.test", "other.test"
HTTP_NAMES = "Plain.Wanted.Test", "other.test"
# Protocols that make a ClientHello longer than two segments; the server takes the last one.
PADDING = [f"x{n:02}{'-' * 250}" for n in range(14)] + ["http/1.1"]
# First flights of clients, recorded from aioquic: a line has the name, and the datagrams in base64.
QUIC_FLIGHTS = pathlib.Path(__file__).with_name("domain_quic.txt")


def context(padded):
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    made.maximum_version = ssl.TLSVersion.TLSv1_3 if padded else ssl.TLSVersion.TLSv1_2
    if padded:
        made.set_alpn_protocols(PADDING)
    return made


# Each flow has a port of its own, whatever its protocol and address.
CLIENT_PORTS = itertools.count(20_000)
CONTEXTS = {padded: context(padded) for padded in (False, True)}
SESSIONS = {}  # of TLS 1.2, by name: every other connection resumes one


def request(connection, name):
    connection.sendall(f"GET /file HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    answer = b""
    while part := connection.recv(1 << 16):
        answer += part
    if len(answer) < SIZE:
        raise OSError(f"{name}: {len(answer)} bytes came")


def any_address(address):
    return "::" if ":" in address else "0.0.0.0"


def connect(address, port):
    client_port = next(CLIENT_PORTS)
    return socket.create_connection((address, port), 30, (any_address(address), client_port)), client_port


def http(address, name):
    connection, port = connect(address, 80)
    with connection:
        request(connection, name)
    return name.lower(), port


def tls(address, name, padded):
    connection, port = connect(address, 443)
    session = None if padded else SESSIONS.pop(name, None)
    with CONTEXTS[padded].wrap_socket(connection, server_hostname=name, session=session) as wrapped:
        request(wrapped, name)
        if not padded:
            SESSIONS[name] = wrapped.session
        return name, port


def quic(address, line):
    name, *datagrams = line.split()
    client_port = next(CLIENT_PORTS)
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as flow:
        flow.bind((any_address(address), client_port))
        flow.connect((address, 443))
        flow.settimeout(1)
        for datagram in datagrams:
            flow.send(base64.b64decode(datagram))
        for _ in range(3):  # what follows has no name in it; some is lost
            try:
                flow.recv(1 << 16)
            except TimeoutError:
                pass
            flow.send(b"\x40" + bytes(1000))
        return name, client_port


def talk(count, addresses):
    kinds = [(tls, name, padded) for name in TLS_NAMES for padded in (False, True)] + [(http, name) for name in HTTP_NAMES]
    jobs = [(kind, address, *rest) for address in addresses for kind, *rest in kinds]
    work = list(itertools.islice(itertools.cycle(jobs), count))
    work += [(quic, address, line) for address in addresses for line in QUIC_FLIGHTS.read_text().splitlines()]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(*job) for job in work]:
            print(*done.result())


def serve():
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", 443))
    print("ready", flush=True)
    while True:
        _, peer = server.recvfrom(1 << 16)
        server.sendto(b"\x40" + bytes(1200), peer)


def main(command, *arguments):
    if command == "serve":
        serve()
    else:
        talk(int(arguments[0]), arguments[1].split(","))


if __name__ == "__main__":
    main(*sys.argv[1:])
