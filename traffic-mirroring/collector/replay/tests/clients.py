#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""HTTP clients on keep-alive connections: clients.py HOST PORT REQUESTS CONNECTIONS

Methods, sizes and shapes are mixed: with and without bodies, lengths and chunks, Expect, pairs in a pipeline. Every
request is unlike the others. Some bodies hold what looks like a request, at places where a segment may begin.
Prints how many bytes were sent; they are the same in each run.
"""
import asyncio
import random
import sys

EVIL = b"GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n"


def request(rng, name):
    """The bytes of a request, its method, and how many of them go before "100 Continue"."""
    method = rng.choice(["GET"] * 5 + ["HEAD", "DELETE", "OPTIONS"] + ["POST"] * 3 + ["PUT"] * 2 + ["PATCH"])
    head = f"{method} /{name}?q={'x' * rng.randrange(100)} HTTP/1.1\r\nHost: origin\r\nX-Pad: {'p' * rng.randrange(300)}\r\n"
    if method in ("GET", "HEAD", "DELETE", "OPTIONS"):
        return (head + "\r\n").encode(), method, None
    size = rng.choice([0, 1, rng.randrange(200), rng.randrange(2000), rng.randrange(2000), rng.randrange(40000)])
    body = (f"{name} ".encode() + EVIL + b"b" * size)[: max(size, 8)]
    if rng.random() < 0.1:
        body = EVIL * (1 + size // len(EVIL))
    shape = rng.random()
    if shape < 0.2:
        head += "Transfer-Encoding: chunked\r\n\r\n"
        cut = rng.randrange(1, len(body))
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:cut], body[cut:]) if part)
        return head.encode() + chunks + b"0\r\n\r\n", method, None
    head += f"Content-Length: {len(body)}\r\n"
    if shape < 0.3:
        head += "Expect: 100-continue\r\n"
    head += "\r\n"
    return head.encode() + body, method, len(head) if shape < 0.3 else None


async def answer(reader, method):
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 100"):
            break
    if not head.startswith(b"HTTP/1.1 200"):
        sys.exit(f"answer to {method}: {head!r}")
    if method != "HEAD" and b"chunked" in head:
        await reader.readuntil(b"0\r\n\r\n")
    return head


async def client(host, port, number, requests):
    sent = 0
    rng = random.Random(number)
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
    left = requests
    while left:
        pair = [request(rng, f"{number}-{left - i}") for i in range(min(left, 2 if rng.random() < 0.05 else 1))]
        if len(pair) == 2 and pair[0][2] is None and pair[1][2] is None:
            writer.write(pair[0][0] + pair[1][0])
        else:
            del pair[1:]
            data, _, head = pair[0]
            if head:
                writer.write(data[:head])
                await reader.readuntil(b"100 Continue\r\n\r\n")
                writer.write(data[head:])
            else:
                writer.write(data)
        for data, method, _ in pair:
            await answer(reader, method)
            sent += len(data)
        left -= len(pair)
    writer.close()
    await writer.wait_closed()
    return sent


async def main():
    host, port, requests, connections = sys.argv[1], *map(int, sys.argv[2:])
    sent = await asyncio.gather(*(client(host, port, n, requests // connections) for n in range(connections)))
    print(sum(sent))


asyncio.run(main())
