#!/usr/bin/env python3
"""A large state (500 MB) is snapshotted and sent to a new member while clients write. The transfer goes on after the receiver was
killed in the middle. How far latency suffers is printed; tests/bench judges times."""

import json
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from harness import Client, ClusterTest, Node, free_ports, wait_for

MEGABYTES = int(os.environ.get("RAFTD_LONG_MEGABYTES", "500"))
VALUE = 500_000
WRITERS = 64


class LatencyWriter(threading.Thread):
    def __init__(self, port, number):
        super().__init__(daemon=True)
        self.port, self.number = port, number
        self.samples, self.failures = [], []
        self.stopping = threading.Event()

    def run(self):
        client = Client(self.port, timeout=30.0)
        value = "v" * 100
        while not self.stopping.is_set():
            begin = time.monotonic()
            answer = client.ask("POST", "/v1/propose", json.dumps({"op": "put", "key": f"w{self.number}", "value": value}))
            self.samples.append((begin, time.monotonic() - begin))
            if answer.status != 200:
                self.failures.append(answer)
        client.close()


def p99(writers, begin, end):
    samples = sorted(took for writer in writers for at, took in writer.samples if begin <= at < end)
    return samples[len(samples) * 99 // 100] if samples else 0.0


class LargeStateTest(ClusterTest):
    def fill(self, port):
        client = Client(port, timeout=70.0)
        for n in range(MEGABYTES * 1_000_000 // VALUE):
            body = json.dumps({"op": "put", "key": f"large{n}", "value": "%06d" % n * (VALUE // 6)})
            self.assertEqual(client.ask("POST", "/v1/propose?timeout=60s", body).status, 200)
        client.close()

    def join(self, cluster, leader):
        port = free_ports(1)[0]
        data = os.path.join(cluster.directory, "data4")
        node = Node(4, port, data, ["--id", "4", "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--join",
                                    f"http://127.0.0.1:{leader.port}"])
        cluster.nodes.append(node)
        return node.start()

    def test_a_large_state_reaches_a_new_member_while_clients_write(self):
        cluster = self.cluster(3, heartbeat="100ms", election="1s", extra=["--snapshot-entries", "100"]).start()
        leader = cluster.leader()
        self.fill(leader.port)
        self.assertEqual(leader.ask("POST", "/v1/snapshot?timeout=60s", timeout=70).status, 200)
        term = leader.status()["term"]
        writers = [LatencyWriter(leader.port, n) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(5)  # What is normal, measured for as long.
        before_end = time.monotonic()
        node = self.join(cluster, leader)

        def percent():
            peers = {peer["id"]: peer for peer in leader.status()["peers"]}
            return peers.get(4, {}).get("snapshot_percent") or 0
        wait_for(lambda: percent() >= 20, "a fifth has arrived", 120)
        node.kill()
        node.start()
        wait_for(lambda: percent() >= 20, "the transfer goes on where it was", 120)
        wait_for(lambda: node.status()["role"] == "follower", "it is a voter", 180)
        end = time.monotonic()
        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.join(timeout=30)
            self.assertEqual(writer.failures, [])
        normal, meanwhile = p99(writers, 0, before_end), p99(writers, before_end, end)
        print(f"p99 of {WRITERS} writers: {normal * 1000:.1f} ms before, {meanwhile * 1000:.1f} ms during the {end - before_end:.0f} s "
              f"of the transfer, ratio {meanwhile / normal:.2f}")
        self.assertEqual(leader.status()["term"], term)
        last = MEGABYTES * 1_000_000 // VALUE - 1
        cluster.wait_equal()
        answer = node.query({"op": "get", "key": f"large{last}"}, "?consistency=stale").json()["result"]
        self.assertEqual(answer, {"found": True, "value": "%06d" % last * (VALUE // 6)})


if __name__ == "__main__":
    unittest.main()
