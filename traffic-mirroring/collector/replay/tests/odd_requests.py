#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""Requests that servers may refuse, or read in two ways.

odd_requests.py send HOST PORT     Sends each on a connection of its own, a plain one after it, and prints how many.
odd_requests.py serve PORT         An origin: prints each request that it executes, as `METHOD TARGET`.
odd_requests.py record PORT        An HTTP target: prints the first line of each request that it is sent, and answers.

Request N has the path /odd/N, the one after it /after/N, and what hides in a body /evil/N.
"""
import asyncio
import http.server
import sys


def corpus():
    """Each a request without its number, which replaces the @."""
    get, host, end = "GET /odd/@ HTTP/1.1\r\n", "Host: x\r\n", "\r\n"
    post = "POST /odd/@ HTTP/1.1\r\nHost: x\r\n"
    evil = "GET /evil/@ HTTP/1.1\r\nHost: x\r\n\r\n"
    length = f"Content-Length: {len(evil)}\r\n"
    chunked = "Transfer-Encoding: chunked\r\n"
    chunk = f"{len(evil):x}\r\n{evil}\r\n0\r\n\r\n"

    # plain ones
    yield get + host + end
    yield post + length + end + evil
    yield post + chunked + end + chunk
    # methods
    for method in "get Get GETS G@T GET\t HEAD PUT DELETE PATCH OPTIONS TRACE PROPFIND M-SEARCH BREW QUERY PRI".split(" "):
        yield f"{method} /odd/@ HTTP/1.1\r\n" + host + end
    yield "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n" + evil
    yield "CONNECT /odd/@ HTTP/1.1\r\n" + host + end + evil
    # targets
    for target in ("odd/@", "//odd/@", "/odd/@#f", "/odd/@?a=/../b", "/odd/@ b", "/odd/@\tb", "/odd/@\x7f", "/odd/@\xe4", "/odd/@%00",
                   "/odd/@%", "/odd/@\\b", '/odd/@|"<>^`{}', "/../odd/@", "http://x/odd/@", "http://y/odd/@", "HTTP://x/odd/@",
                   "https://x/odd/@", "http://x:80/odd/@", "http://u@x/odd/@", "ftp://x/odd/@", "http:///odd/@", "*", "", "/odd/@\x01",
                   "/odd/@\x00", "/odd/@\x0b"):
        yield f"GET {target} HTTP/1.1\r\n" + host + end
    yield "OPTIONS * HTTP/1.1\r\n" + host + end
    # versions
    for version in ("HTTP/1.0", "HTTP/1.2", "HTTP/1.9", "HTTP/1.10", "HTTP/1.", "HTTP/1", "HTTP/01.1", "HTTP/1.01", "HTTP/2.0", "HTTP/0.9",
                    "HTTP/3", "http/1.1", "HTTP/1.1 ", " HTTP/1.1", "HTTP /1.1", "HTTP/1.1x", "HTTP/-1.1", "HTTPS/1.1", ""):
        yield f"GET /odd/@ {version}\r\n" + host + end
    yield "GET /odd/@\r\n"
    yield "GET /odd/@ HTTP/1.0\r\n" + end
    yield "GET /odd/@ HTTP/1.0\r\nConnection: keep-alive\r\n" + end
    yield "POST /odd/@ HTTP/1.0\r\nConnection: keep-alive\r\n" + length + end + evil
    yield "POST /odd/@ HTTP/1.0\r\nConnection: keep-alive\r\n" + chunked + end + chunk
    # ends of lines
    yield end + get + host + end
    yield end * 3 + get + host + end
    yield "\n" + get + host + end
    yield " " + get + host + end
    yield (get + host + end).replace("\r", "")
    yield (get + host + end).replace("\n", "")
    yield get.replace("\r", "") + host + end
    yield get + host.replace("\r", "") + end
    yield get + host + "\n"
    yield get + host + "A: b\rC: d\r\n" + end
    yield get + host + "A: b\r\r\n" + end
    yield get + host + "A: b\n\r\n" + end
    # Host
    for value in ("", " ", "x y", "x,y", "x/", "x@y", "x?", "x#", "x:", "x:80", "x:99999", "x:y", "[::1]", "[::1", "::1", "x\\y", "x\x00y",
                  "\xe4", "X", "x.", "x..y", "-x", "x%41", "x;y", "'x'", '"x"'):
        yield get + f"Host: {value}\r\n" + end
    yield get + end
    yield get + host * 2 + end
    yield get + host + "Host: y\r\n" + end
    yield get + "Host:\r\nA: b\r\n" + end
    yield get + "Host:\r\n x\r\n" + end
    yield get + "A: b\r\n" + host + end
    yield get + " Host: x\r\n" + end
    yield get + "Host : x\r\n" + end
    # fields
    for field in ("A", "A:", ": b", " A: b", "A : b", "A\t: b", "A b: c", "A(b): c", "\xe4: b", "A\x00: b", "A: b\x00c", "A: b\x01c", "A: b\x7fc",
                  "A: b\x0bc", "A: \xe4", "A:\tb\t", "A: b\r\n c", "A: b\r\n\tc", "A: b\r\n ", "A;b: c", "A_b: c", "A@b: c", "\"A\": b"):
        yield get + host + field + "\r\n" + end
    yield get + host + "X: " + "a" * 4000 + "\r\n" + end
    # lengths
    size = str(len(evil))
    for value in ("0", "00", "+" + size, "-" + size, size + " ", " " + size, size + ".0", size + "," + size, size + ", " + size, size + " " + size,
                  "0x" + f"{len(evil):x}", "1e1", "", " ", "a", size + "a", "0" * 30 + size, "99999999999999999999", "-0", size + ";", '"' + size + '"',
                  "\x0b" + size):
        yield post + f"Content-Length: {value}\r\n" + end + evil
    yield post + length * 2 + end + evil
    yield post + length + "Content-Length: 0\r\n" + end + evil
    yield post + "Content-Length : " + size + "\r\n" + end + evil
    yield post + "Content-Length:\r\n " + size + "\r\n" + end + evil
    yield post + "Content_Length: " + size + "\r\n" + end + evil
    yield post + "content-LENGTH:" + size + "\r\n" + end + evil
    yield post + end + evil
    yield get + host + length + end + evil
    # codings
    for value in ("Chunked", "chunked ", "chunked\t", "chunked,", ",chunked", "chunked, chunked", "gzip, chunked", "chunked, gzip", "identity",
                  "identity, chunked", "xchunked", "chunkedx", "chunked;a=b", '"chunked"', "\x0bchunked", "chunked\x00", "", "gzip", "chunked chunked"):
        yield post + f"Transfer-Encoding: {value}\r\n" + end + chunk
    yield post + chunked * 2 + end + chunk
    yield post + chunked + length + end + chunk
    yield post + length + chunked + end + chunk
    yield post + "Transfer-Encoding : chunked\r\n" + end + chunk
    yield post + "Transfer-Encoding:\r\n chunked\r\n" + end + chunk
    yield post + "Transfer_Encoding: chunked\r\n" + end + chunk
    yield get + host + chunked + end + chunk
    # chunks
    for body in ("0\r\n\r\n", "00\r\n\r\n", "5\r\nabcde\r\n0\r\n\r\n", "5;a=b\r\nabcde\r\n0\r\n\r\n", "5 \r\nabcde\r\n0\r\n\r\n", " 5\r\nabcde\r\n0\r\n\r\n",
                 "5\nabcde\n0\n\n", "5\r\nabcde0\r\n\r\n", "5\r\nabcdef\r\n0\r\n\r\n", "+5\r\nabcde\r\n0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n", "-5\r\nabcde\r\n0\r\n\r\n",
                 "5\r\nabcde\r\n0\r\nHost: y\r\n\r\n", "5\r\nabcde\r\n0\r\nContent-Length: 9\r\n\r\n", "5\r\nabcde\r\n0\r\nA : b\r\n\r\n", "\r\n5\r\nabcde\r\n0\r\n\r\n",
                 "5;\nabcde\r\n0\r\n\r\n", "5;a\r\nabcde\r\n0;b\r\n\r\n", "100000005\r\nabcde\r\n0\r\n\r\n", "5\r\nabcde\r\n0\r\n", "g\r\nabcde\r\n0\r\n\r\n", "5\r\nabcde\r\n\r\n"):
        yield post + chunked + end + body
    # the connection
    for value in ("close", "Close", "close, a", "a,close", "keep-alive", "keep-alive, close", "closed", "\"close\"", "Host", "upgrade"):
        yield get + host + f"Connection: {value}\r\n" + end
    for value in ("websocket", "h2c", "a"):
        yield get + host + f"Connection: Upgrade\r\nUpgrade: {value}\r\n" + end + evil
    yield get + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + end
    yield post + "Expect: 100-continue\r\n" + length + end + evil
    yield post + "Expect: 100-Continue\r\n" + length + end + evil
    yield post + "Expect: a\r\n" + length + end + evil
    yield post + "Expect: 100-continue\r\nExpect: a\r\n" + length + end + evil
    yield "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "\x16\x03\x01\x00\x05hello"
    yield "\x00" * 20 + get + host + end


async def send_one(host, port, number, request, slots):
    async with slots:
        reader, writer = await asyncio.open_connection(host, port)
        after = f"GET /after/{number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        try:
            writer.write(request.replace("@", str(number)).encode("latin-1"))
            await asyncio.sleep(0.1)
            writer.write(after.encode())
            try:
                await asyncio.wait_for(reader.read(), 1)
            except asyncio.TimeoutError:
                # the server has the rest of its time to execute what it has got, and then to close
                writer.write_eof()
                await asyncio.wait_for(reader.read(), 10)
        except (asyncio.TimeoutError, ConnectionError):
            pass
        writer.close()


async def send(host, port):
    requests = list(corpus())
    slots = asyncio.Semaphore(100)
    await asyncio.gather(*(send_one(host, port, n, r, slots) for n, r in enumerate(requests)))
    print(len(requests))


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.execute
        raise AttributeError(name)

    def execute(self):
        """The body has a length or chunks, which BaseHTTPRequestHandler leaves to its users."""
        try:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    self.rfile.read(size + 2)
                while self.rfile.readline() not in (b"\r\n", b"\n", b""):
                    pass
            else:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
        except (ValueError, OverflowError):
            self.close_connection = True
            self.send_error(400)
            return
        sys.stdout.write(f"{self.command} {self.path}\n")  # in one piece: there are many threads
        sys.stdout.flush()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


async def record(reader, writer):
    while data := await reader.read(1 << 20):
        print(data.split(b"\r\n", 1)[0].decode("latin-1"), flush=True)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def recorder(port):
    async with await asyncio.start_server(record, port=port) as server:
        await server.serve_forever()


match sys.argv[1:]:
    case ["send", to, port]:
        asyncio.run(send(to, int(port)))
    case ["serve", port]:
        http.server.ThreadingHTTPServer.request_queue_size = 1024
        http.server.ThreadingHTTPServer(("", int(port)), Origin).serve_forever()
    case ["record", port]:
        asyncio.run(recorder(int(port)))
    case _:
        sys.exit(__doc__)
