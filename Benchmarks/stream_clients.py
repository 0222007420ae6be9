"""What Python's WebSocket clients reach with the venue's stream.

usage: stream_clients.py picows|websockets URL MESSAGES [CA]

Counts messages and adds up the ids of bestBidAsk messages, until MESSAGES came.
"""

import asyncio
import ssl
import struct
import sys

HEADERS = {"X-MBX-APIKEY": "any"}
identity = struct.Struct("<q").unpack_from


async def with_picows(url, wanted, context):
    from picows import WSListener, WSMsgType, ws_connect

    class Listener(WSListener):
        count = total = 0

        def on_ws_frame(self, transport, frame):
            if frame.msg_type == WSMsgType.BINARY:
                self.total += identity(frame.get_payload_as_memoryview(), 16)[0]
                self.count += 1
                if self.count >= wanted:
                    transport.disconnect()

    transport, listener = await ws_connect(Listener, url, ssl_context=context, extra_headers=HEADERS)
    await transport.wait_disconnected()
    return listener.count


async def with_websockets(url, wanted, context):
    from websockets.asyncio.client import connect

    count = total = 0
    async with connect(url, ssl=context, additional_headers=HEADERS, compression=None,
                       max_queue=None) as socket:
        while count < wanted:
            total += identity(await socket.recv(), 16)[0]
            count += 1
        socket.transport.abort()
    return count


def main():
    name, url, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
    context = ssl.create_default_context(cafile=sys.argv[4]) if len(sys.argv) > 4 else None
    client = {"picows": with_picows, "websockets": with_websockets}[name]
    print(asyncio.run(client(url, wanted, context)), "messages")


main()
