"""A slow network: everything sent to a port passes through here, so many bytes a second on each connection."""

import socket
import threading
import time

PIECE = 16 * 1024


class Throttle:
    """Forwards connections to `target`; `rate` bytes per second towards it on each, None: as fast as it goes."""

    def __init__(self, target, rate=None):
        self.target = target
        self.rate = rate
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.forward, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.forward, args=(server, client, False), daemon=True).start()

    def forward(self, source, sink, slow):
        try:
            while True:
                piece = source.recv(PIECE)
                if not piece:
                    break
                if slow and self.rate:
                    time.sleep(len(piece) / self.rate)
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            if not slow:
                end.close()

    def close(self):
        self.listener.close()
