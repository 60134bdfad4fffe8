"""A long network where the kernel has no netem: what passes through a proxy arrives so much later, in each direction, in order and
however much is on its way."""

import collections
import selectors
import socket
import threading
import time

PIECE = 256 * 1024


class Side:
    """One end of a connection, and what is on its way there."""

    def __init__(self, connection):
        self.connection = connection
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.other = None
        self.coming = collections.deque()  # (when, bytes); b"" is the end.


class DelayProxies:
    """One thread serves all."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.selector = selectors.DefaultSelector()
        self.sides = set()
        self.ending = False
        self.wake, self.woken = socket.socketpair()
        self.selector.register(self.woken, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def to(self, port):
        """The port of a new proxy for a port of this machine."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        listener.setblocking(False)
        self.selector.register(listener, selectors.EVENT_READ, port)
        self.wake.send(b"x")
        return listener.getsockname()[1]

    def accept(self, listener, port):
        try:
            client, _ = listener.accept()
        except OSError:
            return
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.close()
            return
        sides = Side(client), Side(server)
        for side, other in (sides, sides[::-1]):
            side.other = other
            self.sides.add(side)
            self.selector.register(side.connection, selectors.EVENT_READ, side)

    def take(self, side):
        try:
            piece = side.connection.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        side.other.coming.append((time.monotonic() + self.seconds, piece))
        if not piece:
            self.selector.unregister(side.connection)

    def drop(self, side):
        for each in (side, side.other):
            if each in self.sides:
                self.sides.discard(each)
                if each.connection in self.selector.get_map():
                    self.selector.unregister(each.connection)
                each.connection.close()

    def deliver(self, side, now):
        while side.coming and side.coming[0][0] <= now:
            when, piece = side.coming.popleft()
            if not piece:
                self.drop(side)
                return
            try:
                sent = side.connection.send(piece)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.drop(side)
                return
            if sent < len(piece):
                side.coming.appendleft((when, piece[sent:]))
                return

    def wait(self, now):
        """Until the first piece arrives; a full socket is tried again in a millisecond."""
        times = [side.coming[0][0] for side in self.sides if side.coming]
        return max(0.001, min(times) - now) if times else 1.0

    def run(self):
        while not self.ending:
            for key, _ in self.selector.select(self.wait(time.monotonic())):
                if key.fileobj is self.woken:
                    self.woken.recv(64)
                elif isinstance(key.data, Side):
                    if key.data in self.sides:
                        self.take(key.data)
                else:
                    self.accept(key.fileobj, key.data)
            now = time.monotonic()
            for side in list(self.sides):
                if side in self.sides:
                    self.deliver(side, now)

    def close(self):
        self.ending = True
        self.wake.send(b"x")
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()
        self.wake.close()
