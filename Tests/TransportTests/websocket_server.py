"""A WebSocket server of Python's `websockets`, and a CONNECT proxy, for the client's tests.

usage: websocket_server.py [CERT KEY]        prints its port and the proxy's

The path says what happens: /echo /close/CODE /send/BYTES /slow /cut /early /status/CODE /silent
/fragments
"""

import asyncio
import http
import os
import ssl
import sys

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response


async def handle(socket):
    words = socket.request.path.split("?")[0].split("/")[1:]
    if words[0] == "close":
        await socket.close(int(words[1]), "as you wish")
    elif words[0] == "send":
        await socket.send(b"x" * int(words[1]))
        await socket.wait_closed()
    elif words[0] == "early":
        for number in range(2000):
            await socket.send(f"message {number} " + "€" * 30)
        await socket.close()
    elif words[0] == "slow":
        # A frame byte by byte: a text of three fragments with a ping between.
        frames = b"\x01\x03\xe2\x82\xac" + b"\x89\x01p" + b"\x00\x02\xe2\x82" + b"\x80\x01\xac"
        for byte in frames:
            socket.transport.write(bytes([byte]))
            await asyncio.sleep(0.002)
        await socket.wait_closed()
    elif words[0] == "cut":
        await socket.send("last words")
        socket.transport.abort()
    elif words[0] == "fragments":
        await socket.send(["aß", "", "c€"])
        await socket.close(1000)
    else:
        async for message in socket:
            await socket.send(message)


async def before(connection, request):
    words = request.path.split("/")[1:]
    if words[0] == "silent":
        await asyncio.sleep(3600)
    if words[0] == "headers":
        body = "".join(f"{name}: {value}\n" for name, value in request.headers.raw_items()).encode()
        fields = [("Content-Length", str(len(body)))]
        return Response(418, "Teapot", Headers(fields), body)
    if words[0] == "status":
        code = int(words[1])
        body = f"because of {code}\r\nand more\n".encode()
        fields = [("Content-Length", str(len(body))), ("Connection", "close")]
        if code == 429:
            fields.append(("Retry-After", "17"))
        if code in (301, 302, 307):
            fields.append(("Location", "/echo"))
        return Response(code, http.HTTPStatus(code).phrase, Headers(fields), body)
    return None


async def copy(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def proxy(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    method, target, _ = head.split(" ", 2)
    if method != "CONNECT":
        writer.write(b"HTTP/1.1 405 CONNECT only\r\nContent-Length: 0\r\n\r\n")
        return writer.close()
    host, port = target.rsplit(":", 1)
    if host == "refused.test":
        writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
        return writer.close()
    # Whatever the name, it is here: so that a test sees that the proxy resolved it.
    other_reader, other_writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
    await asyncio.gather(copy(reader, other_writer), copy(other_reader, writer))


async def main(arguments):
    context = None
    if arguments:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments)
    async with serve(handle, "127.0.0.1", 0, process_request=before, ssl=context, max_size=None,
                     compression="deflate", ping_interval=None) as server:
        front = await asyncio.start_server(proxy, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], front.sockets[0].getsockname()[1], flush=True)
        await asyncio.Event().wait()


try:
    asyncio.run(main(sys.argv[1:]))
except KeyboardInterrupt:
    os._exit(0)
