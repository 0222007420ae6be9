"""A server that answers every command that clients of Redis send with the same bytes, or not at all.
Prints its port; ends with its standard input."""
import socket
import sys
import threading

ANSWERS = {
    "moved": b"-MOVED 3999 127.0.0.1:6381\r\n",
    "oom": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "wild": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "huge": b"*2147483647\r\n",
    "negative": b"$-77\r\n",
    "deep": b"*1\r\n" * 64,
    "chatty": b"+OK\r\n+OK\r\n+OK\r\n",
    "escape": b"-ERR \x1b[31mred\x07\r\n",
    "words": b"+OK\r\n",
    "silent": b"",
}


def serve(connection: socket.socket, answer: bytes) -> None:
    try:
        while connection.recv(1 << 16):
            connection.sendall(answer)
    except OSError:
        pass


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)


def accept() -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(
            target=serve, args=(connection, ANSWERS[sys.argv[1]]), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
threading.Event().wait()
