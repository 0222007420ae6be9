"""A venue that does one thing after another, for what the simulator does not do by itself.

usage: scripted_venue.py SCRIPT        prints its port

A script is one of the functions named play_*; each connection gets its number, from 1 on. Nothing
but the standard library is needed.
"""

import base64
import hashlib
import select
import socket
import struct
import sys
import threading
import time

SYMBOL = b"\x07BTCUSDT"


def trades(ids):
    now = int(time.time() * 1e6)
    body = struct.pack("<HHHHqqbbHI", 18, 10000, 1, 0, now, now, -8, -8, 25, len(ids))
    return message(body + b"".join(struct.pack("<qqqB", i, 100, 5, 1) for i in ids) + SYMBOL)


def diff(first, last):
    body = struct.pack("<HHHHqqqbb", 26, 10003, 1, 0, int(time.time() * 1e6), first, last, -8, -8)
    return message(body + struct.pack("<HHqqHH", 16, 1, 100, 5, 16, 0) + SYMBOL)


def message(payload, opcode=2):
    length = len(payload)
    if length < 126:
        return bytes([0x80 | opcode, length]) + payload
    return bytes([0x80 | opcode, 126]) + struct.pack(">H", length) + payload


def shake(connection, status=None):
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    if status:
        connection.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)
        connection.close()
        return
    lines = head.split(b"\r\n")
    key = [line.split(b": ")[1] for line in lines if line.lower().startswith(b"sec-websocket-key")]
    proof = hashlib.sha1(key[0] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(proof) + b"\r\n\r\n")


def wait_for_end(connection):
    """Until the tap closes, or goes."""
    while connection.recv(4096):
        pass


def play_goodbye_with_unread_pong(connection, number):
    """Closes with our pong unread, so that the kernel sends a reset behind the close frame."""
    shake(connection)
    connection.sendall(trades([number * 2 - 1, number * 2]))
    if number > 3:
        return wait_for_end(connection)
    connection.sendall(message(b"p", 9))
    select.select([connection], [], [])
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.sendall(message(struct.pack(">H", 1001) + b"bye", 8))
    connection.close()


def play_refusal_after_service(connection, number):
    """Serves, cuts, and refuses from then on."""
    if number > 1:
        return shake(connection, int(sys.argv[2]))
    shake(connection)
    connection.sendall(trades(range(1, 101)))
    connection.close()


def play_unknown_template(connection, number):
    shake(connection)
    connection.sendall(trades([1, 2]) + message(struct.pack("<HHHH", 0, 10099, 1, 0)) * 3)
    connection.sendall(trades([3, 4]))
    wait_for_end(connection)


def play_ids_from_one_again(connection, number):
    """A testnet that was wiped: ids begin anew on the second connection."""
    shake(connection)
    start = 1_000_000 if number == 1 else 1
    for index in range(40 if number == 1 else 100_000):
        connection.sendall(trades([start + index]))
        time.sleep(0.02)
    connection.close()


both = threading.Barrier(2)


def play_hole(connection, number):
    """Two ids that neither connection brings."""
    shake(connection)
    # The tap knows that both are open when it has answered on both.
    connection.sendall(message(b"p", 9))
    connection.recv(4096)
    both.wait()
    if number == 1:
        connection.sendall(trades([1]) + trades([4, 5, 6, 7]))
    wait_for_end(connection)


lagging = threading.Event()
ahead = threading.Event()


def play_lagging_copies(connection, number):
    """The second connection is ahead of the first by a few changes."""
    shake(connection)
    if number == 1:
        # Both must be open before anything comes.
        lagging.wait()
        connection.sendall(b"".join(diff(i, i) for i in range(1, 6)))
        time.sleep(0.1)
        ahead.set()
        time.sleep(0.2)
        connection.sendall(b"".join(diff(i, i) for i in range(6, 12)))
    else:
        lagging.set()
        ahead.wait()
        connection.sendall(b"".join(diff(i, i) for i in range(8, 12)))
    wait_for_end(connection)


def play_status(connection, number):
    """Refuses each handshake with the status of the argument."""
    shake(connection, int(sys.argv[2]))


def play_error_flood(connection, number):
    """Tells of an error in twenty thousand texts, between two trades."""
    shake(connection)
    connection.sendall(trades([1]))
    for index in range(20_000):
        text = b'{"error":{"code":2,"msg":"Invalid request: %d"},"id":%d}' % (index, index)
        connection.sendall(message(text, 1))
    for index in range(1000):
        connection.sendall(message(b'{"e":"serverShutdown","E":1770123456789}', 1))
    connection.sendall(trades([2]))
    wait_for_end(connection)


def play_trickle(connection, number):
    """After a trade, a message that never ends: a byte of it now and then."""
    shake(connection)
    connection.sendall(trades([number]))
    connection.sendall(bytes([0x82, 126, 0xFF, 0xFF]))
    while True:
        connection.sendall(b"x")
        time.sleep(0.1)


cut = threading.Barrier(2)


def play_both_lost(connection, number):
    """Two connections that are lost together; only one brings what comes later."""
    shake(connection)
    connection.sendall(message(b"p", 9))
    connection.recv(4096)
    both.wait()
    if number <= 2:
        connection.sendall(trades([1, 2]))
        time.sleep(0.3)
        cut.wait()
        return connection.close()
    if number == 3:
        connection.sendall(trades([10, 11]))
    wait_for_end(connection)


def serve(script):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(50)
    print(listener.getsockname()[1], flush=True)
    number = 0

    def play(connection, number):
        try:
            script(connection, number)
        except OSError:
            pass

    while True:
        connection, _ = listener.accept()
        number += 1
        threading.Thread(target=play, args=(connection, number), daemon=True).start()


serve(globals()["play_" + sys.argv[1]])
