"""What connections cost on which nothing, or next to nothing, happens: how many writes of 64 clients a cluster does with and without
500 idle connections and 500 that send their requests byte by byte, in turn."""

import os
import selectors
import socket
import statistics
import threading
import time

from bench import cpu_seconds
from servers import Raftd, load

SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "16"))
IDLE = SLOW = 500
DRIP_SECONDS = 0.5  # Between two bytes on each slow connection.
BODY = b'{"op":"put","key":"slow","value":"' + b"x" * 1000 + b'"}'
REQUEST = b"POST /v1/propose HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
HEAD = len(REQUEST) - len(BODY)


class Crowd(threading.Thread):
    """Of the slow ones each second drips its head, the others a body; what the node closes, since its time is over, comes again."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.stopping, self.reopened = port, threading.Event(), 0
        self.idle = [self.open() for _ in range(IDLE)]
        self.slow = [self.begin(number) for number in range(SLOW)]

    def open(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def begin(self, number):
        """A connection, with what it has sent."""
        connection = self.open()
        sent = HEAD if number % 2 else 1
        connection.sendall(REQUEST[:sent])
        connection.setblocking(False)
        return connection, sent

    def run(self):
        while not self.stopping.wait(DRIP_SECONDS):
            for number, (connection, sent) in enumerate(self.slow):
                try:
                    connection.send(REQUEST[sent:sent + 1])
                    self.slow[number] = connection, sent + 1
                except OSError:
                    connection.close()
                    self.slow[number] = self.begin(number)
                    self.reopened += 1
            self.reopen_idle()

    def reopen_idle(self):
        with selectors.DefaultSelector() as selector:
            for number, connection in enumerate(self.idle):
                selector.register(connection, selectors.EVENT_READ, number)
            ended = [key.data for key, _ in selector.select(0)]
        for number in ended:
            self.idle[number].close()
            self.idle[number] = self.open()
            self.reopened += 1

    def stop(self):
        self.stopping.set()
        self.join()
        for connection in self.idle + [connection for connection, _ in self.slow]:
            connection.close()


def measure(server, seconds, crowd):
    leader = server.leader()
    around = Crowd(server.ports()[leader]) if crowd else None
    if around:
        around.start()
    try:
        found = load(server, [leader], "--connections", "64", seconds=seconds)
    finally:
        if around:
            around.stop()
    assert found["failed"] == 0, found
    return found["per_second"], found["server_cpu_us_per_operation"], around.reopened if around else 0


def compare(server, seconds, rounds):
    """Throughput and CPU per write of each measurement, without the crowd and with it, in the order A B, B A, A B, ..."""
    found = {False: [], True: []}
    for number in range(rounds):
        for crowd in (False, True) if number % 2 == 0 else (True, False):
            found[crowd].append(measure(server, seconds, crowd))
        print(f"round {number + 1}: {found[False][-1][0]:.0f} writes/s alone, {found[True][-1][0]:.0f} in the crowd; CPU per write "
              f"{found[False][-1][1]:.0f} and {found[True][-1][1]:.0f} us; {found[True][-1][2]} connections were opened anew", flush=True)
    return found


def ratio(found, figure):
    """Of the median with the crowd by that without it."""
    with_crowd, alone = (statistics.median(one[figure] for one in found[crowd]) for crowd in (True, False))
    return with_crowd / alone


def cost_of_the_crowd(server, seconds):
    """What it takes of a core, in percent, when nobody writes."""
    leader = server.cluster.leader()
    around = Crowd(leader.port)
    around.start()
    try:
        before, began = cpu_seconds(leader), time.monotonic()
        time.sleep(seconds)
        return (cpu_seconds(leader) - before) / (time.monotonic() - began) * 100
    finally:
        around.stop()


def main():
    server = Raftd(flags=["--max-connections", "2048"]).start()
    try:
        found = compare(server, SECONDS, ROUNDS)
        print(f"{IDLE} idle and {SLOW} slow connections: {ratio(found, 0):.3f} of the writes/s, {ratio(found, 1):.3f} of the CPU per write; "
              f"by themselves they take {cost_of_the_crowd(server, SECONDS):.1f} % of a core")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
