"""A forward proxy on loopback: tunnels CONNECT and passes absolute http requests on; prints its port,
then a line for each request."""

import select
import socket
import sys
import threading
from urllib.parse import urlsplit


def copy(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            (other if ready is one else one).sendall(data)


def serve(client: socket.socket) -> None:
    with client:
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                return
            head += data
        line, rest = head.split(b"\r\n", 1)
        method, target, version = line.decode().split(" ")
        print(method, target, flush=True)
        if method == "CONNECT":
            host, port = target.rsplit(":", 1)
            with socket.create_connection((host.strip("[]"), int(port))) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                copy(client, server)
        else:
            url = urlsplit(target)
            with socket.create_connection((url.hostname, url.port or 80)) as server:
                path = (url.path or "/") + ("?" + url.query if url.query else "")
                # One request a connection: the next one would come with an absolute target again.
                server.sendall(f"{method} {path} {version}\r\nConnection: close\r\n".encode() + rest)
                copy(client, server)


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
