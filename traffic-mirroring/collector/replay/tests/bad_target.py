#!/usr/bin/python3
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
"""A server that is of no use: bad_target.py KIND PORT

endless: answers "100 Continue" for ever; silent: takes no connection; slow: reads a byte now and then.
"""
import socket
import sys
import threading
import time


def endless(connection):
    connection.recv(4096)
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def slow(connection):
    while connection.recv(1):
        time.sleep(0.1)


def serve(kind, connection):
    try:
        kind(connection)
    except OSError:
        pass


server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
server.bind(("127.0.0.1", int(sys.argv[2])))
server.listen(1024)
while sys.argv[1] == "silent":
    time.sleep(60)
while True:
    threading.Thread(target=serve, args=[globals()[sys.argv[1]], server.accept()[0]], daemon=True).start()
