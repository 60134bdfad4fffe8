"""Many clients that send large proposals as fast as they can and never wait, from one thread."""

import collections
import selectors
import socket
import threading
import time


class Stream:
    """One connection of a flood: sends, reads the answer, and begins again."""

    def __init__(self, flood, port):
        self.flood, self.port, self.socket = flood, port, None

    def connect(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", self.port))
        self.begin()
        self.flood.selector.register(self.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, self)

    def begin(self):
        self.sent, self.head, self.left, self.began = 0, b"", None, time.monotonic()

    def close(self, what=None):
        if what:
            self.flood.told[what] += 1
        if self.socket:
            self.flood.selector.unregister(self.socket)
            self.socket.close()
        self.socket = None

    def watch(self):
        writes = selectors.EVENT_WRITE if self.sent < len(self.flood.request) else 0
        self.flood.selector.modify(self.socket, selectors.EVENT_READ | writes, self)

    def on_write(self):
        try:
            self.sent += self.socket.send(self.flood.request[self.sent:])
        except BlockingIOError:
            return
        except OSError:
            pass  # What the node said before it closed is still to be read.
        if self.sent == len(self.flood.request):
            self.watch()

    def on_read(self):
        try:
            part = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self.close("cut" if self.head or self.sent else None)
            return
        if self.left is None:
            self.head += part
            head, end, rest = self.head.partition(b"\r\n\r\n")
            if not end:
                return
            fields = head.lower().split(b"\r\n")
            self.status = int(fields[0].split()[1])
            self.closes = b"connection: close" in fields
            self.retry = any(field.startswith(b"retry-after:") for field in fields)
            self.left = next(int(field.split(b":")[1]) for field in fields if field.startswith(b"content-length:")) - len(rest)
        else:
            self.left -= len(part)
        if self.left <= 0:
            self.answered()

    def answered(self):
        self.flood.note(self.status, self.retry, time.monotonic() - self.began)
        if self.closes or self.sent < len(self.flood.request):
            self.close()
        else:
            self.begin()
            self.watch()


class Flood(threading.Thread):
    """`told` counts answers by status, "cut" what ended without one; `latencies` are those of successes, in seconds."""

    def __init__(self, ports, connections, body):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        head = b"POST /v1/propose HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.request = memoryview(head + body)
        self.streams = [Stream(self, ports[i % len(ports)]) for i in range(connections)]
        self.told, self.latencies, self.without_retry = collections.Counter(), [], 0
        self.stopping = threading.Event()

    def note(self, status, retry, seconds):
        self.told[status] += 1
        if status == 200:
            self.latencies.append(seconds)
        if status == 429 and not retry:
            self.without_retry += 1

    def run(self):
        while not self.stopping.is_set():
            for stream in self.streams:
                if stream.socket is None:
                    stream.connect()
            for key, events in self.selector.select(0.05):
                stream = key.data
                if events & selectors.EVENT_READ:
                    stream.on_read()
                if events & selectors.EVENT_WRITE and stream.socket is key.fileobj and stream.sent < len(self.request):
                    stream.on_write()
        for stream in self.streams:
            stream.close()

    def stop(self):
        self.stopping.set()
        self.join()
