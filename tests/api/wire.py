"""HTTP by hand: clients that help would mend what is to be broken."""

import collections
import itertools
import json
import socket
import time

Answer = collections.namedtuple("Answer", "status headers body")


class Server:
    """Where to send, and the key to send along."""

    def __init__(self, host, port, key, patience):
        self.host, self.port, self.key, self.patience = host, port, key, patience
        self.requests = itertools.count()

    def connect(self):
        return socket.create_connection((self.host, self.port), timeout=self.patience)

    def exchange(self, first, drip=b"", patience=None):
        """Sends, then reads until the server closes; says whether it did in time."""
        next(self.requests)
        patience = patience or self.patience
        got, end = b"", time.monotonic() + patience
        try:
            connection = self.connect()
        except OSError:
            return got, True
        with connection:
            try:
                connection.sendall(first)
                connection.settimeout(1 if drip else patience)
                while time.monotonic() < end:
                    try:
                        piece = connection.recv(1 << 16)
                    except TimeoutError:
                        connection.sendall(drip)
                        continue
                    if not piece:
                        return got, True
                    got += piece
            except OSError:  # Cut while it was sent: the answer may have come all the same.
                try:
                    return got + connection.recv(1 << 16), True
                except OSError:
                    return got, True
        return got, False

    def head(self, method, path, headers=(), key=True):
        own = ["Host: test"] + [f"Authorization: Bearer {self.key}"] * key
        lines = [f"{method} {path} HTTP/1.1", *own, *headers, "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def ask(self, method, path, headers=(), body=None, key=True):
        length = [] if body is None else [f"Content-Length: {len(body)}"]
        start = self.head(method, path, ["Connection: close", *headers, *length], key)
        return parse(self.exchange(start + (body or b""))[0])[0]

    def read(self, path):
        """Gives the JSON of a proper request."""
        return json.loads(self.ask("GET", path).body)


def parse(got):
    """Takes the first answer, and what comes after it; `None` for no answer."""
    start, _, rest = got.partition(b"\r\n\r\n")
    lines = start.decode("latin-1").split("\r\n")
    if not lines[0].startswith("HTTP/1."):
        return None, got
    headers = dict((line.lower().split(": ", 1) + [""])[:2] for line in lines[1:])
    length = int(headers.get("content-length", 0))
    body, rest = rest[:length], rest[length:]
    size = -1 if headers.get("transfer-encoding") == "chunked" else 0
    while rest and size:
        size, _, rest = rest.partition(b"\r\n")
        size = int(size, 16)
        body, rest = body + rest[:size], rest[size + 2 :]
    return Answer(int(lines[0].split()[1]), headers, body), rest
