"""How long writes pause in a planned change of members or leader: a client writes one command after the other through a node that stays;
the longest gap between two answers around each change counts. Beside it: the longest gap of as long a time without a change."""

import json
import threading
import time

from bench import Client, Cluster, Node, free_ports, spread, wait_for

ROUNDS = 5
HEARTBEAT_MS, ELECTION_MS = 100, 1000


class SteadyWriter(threading.Thread):
    """Notes when each answer came."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.answers, self.failures = [], 0
        self.stopping = threading.Event()

    def run(self):
        client = Client(self.port)
        number = 0
        while not self.stopping.is_set():
            number += 1
            answer = client.ask("POST", "/v1/propose?timeout=10s", json.dumps({"op": "put", "key": "k", "value": number}))
            self.failures += answer.status != 200
            self.answers.append(time.monotonic())
        client.close()

    def longest_gap(self, begin, end):
        times = [at for at in self.answers if begin - 0.2 <= at <= end + 0.2]
        return max(after - before for before, after in zip(times, times[1:]))


def add_node(cluster, port):
    number = len(cluster.nodes) + 1
    data = f"{cluster.directory}/data{number}"
    node = Node(number, port, data, ["--id", str(number), "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--join",
                                     f"http://127.0.0.1:{cluster.nodes[0].port}"])
    cluster.nodes.append(node)
    return node.start()


def change(writer, gaps, name, action):
    begin = time.monotonic()
    action()
    end = time.monotonic()
    time.sleep(0.3)
    gaps.setdefault(name, []).append(writer.longest_gap(begin, end))
    quiet = time.monotonic()
    time.sleep(max(0.3, end - begin))
    gaps.setdefault("(nothing)", []).append(writer.longest_gap(quiet, time.monotonic()))


def ask(node, method, path, body=None):
    answer = node.ask(method, path, None if body is None else json.dumps(body), timeout=70)
    assert answer.status == 200, answer
    return answer


def stayer(cluster):
    return cluster.nodes[0]


def one_round(cluster, writer, gaps):
    first = stayer(cluster)
    change(writer, gaps, "transfer", lambda: ask(first, "POST", "/v1/leader/transfer"))
    ports = free_ports(1)
    url = f"http://127.0.0.1:{ports[0]}"
    fourth = add_node(cluster, ports[0])
    change(writer, gaps, "add", lambda: ask(first, "POST", "/v1/members", {"id": fourth.number, "url": url}))
    ask(first, "POST", "/v1/leader/transfer", {"to": fourth.number})
    wait_for(lambda: first.status()["leader"]["id"] == fourth.number, "the new node leads")
    change(writer, gaps, "remove the leader", lambda: ask(first, "DELETE", f"/v1/members/{fourth.number}"))
    fourth.kill()
    cluster.nodes.pop()


def main():
    cluster = Cluster(heartbeat=f"{HEARTBEAT_MS}ms", election=f"{ELECTION_MS}ms")
    gaps = {}
    try:
        cluster.start()
        writer = SteadyWriter(stayer(cluster).port)
        writer.start()
        time.sleep(0.5)
        for _ in range(ROUNDS):
            one_round(cluster, writer, gaps)
        writer.stopping.set()
        writer.join()
    finally:
        cluster.destroy()
    print(f"heartbeat {HEARTBEAT_MS} ms, election time-out {ELECTION_MS} ms to {2 * ELECTION_MS} ms; failed writes: {writer.failures}")
    for name, values in gaps.items():
        print(f"{name}: {spread(values, 's')}")


if __name__ == "__main__":
    main()
