#!/usr/bin/env python3
"""How fast exchange-sim can send: flood.py EXCHANGE-SIM [MESSAGES] [STREAMS]

Starts it with --flood, takes all bytes of one connection without looking at them, plain and with
TLS, and prints messages a second by the clock and by the simulator's own CPU time.
"""

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

REQUEST = """GET /stream?streams={streams} HTTP/1.1\r
Host: 127.0.0.1\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
X-MBX-APIKEY: any\r
\r
"""


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def drain(port, streams, context):
    """Bytes and seconds of one connection."""
    connection = socket.create_connection(("127.0.0.1", port))
    if context:
        connection = context.wrap_socket(connection, server_hostname="127.0.0.1")
    connection.sendall(REQUEST.format(streams=streams).encode())
    buffer, total, start = bytearray(1 << 20), 0, time.perf_counter()
    while True:
        count = connection.recv_into(buffer)
        total += count
        # The close frame of the flood's end: code 1000, nothing else.
        if count == 0 or bytes(buffer[max(0, count - 4):count]) == b"\x88\x02\x03\xe8":
            return total, time.perf_counter() - start


def main():
    program = sys.argv[1]
    messages = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000
    streams = sys.argv[3] if len(sys.argv) > 3 else "btcusdt@trade"
    with tempfile.TemporaryDirectory() as place:
        simulator = subprocess.Popen(
            [program, "--flood", str(messages), "--tls-dir", place, "--start", "now"],
            stdout=subprocess.PIPE, text=True)
        words = dict(word.split("=", 1) for word in simulator.stdout.readline().split()[1:])
        try:
            for name, context in [("ws", None), ("wss", ssl.create_default_context(cafile=words["ca"]))]:
                before = json.load(urllib.request.urlopen(words["control"] + "/sent"))["messages"]
                cpu = cpu_seconds(simulator.pid)
                total, seconds = drain(int(words[name].rsplit(":", 1)[1]), streams, context)
                cpu = cpu_seconds(simulator.pid) - cpu
                after = json.load(urllib.request.urlopen(words["control"] + "/sent"))["messages"]
                assert after - before == messages, (before, after)
                print(f"{name:4} {messages} messages  {messages / seconds / 1e6:.2f} M/s by the clock  "
                      f"{messages / cpu / 1e6:.2f} M per CPU second  {total / seconds / 1e6:.0f} MB/s")
        finally:
            simulator.kill()


if __name__ == "__main__":
    main()
