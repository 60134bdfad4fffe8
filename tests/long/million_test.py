#!/usr/bin/env python3
"""A million proposals on a thousand keys with a snapshot every 10,000 entries: the data directory stays small, memory flat, a restart
is quick, and a node that slept through all of it catches up by snapshot."""

import json
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from harness import Client, ClusterTest, wait_for

PROPOSALS = int(os.environ.get("RAFTD_LONG_PROPOSALS", "1000000"))
KEYS = 1000
LINES = 500  # Commands in one request.
CLIENTS = 4
DIRECTORY_MAX = 100_000_000
RESIDENT_MAX = 200_000_000  # The caches' and queues' limits; far below what a million entries take.


def directory_bytes(path):
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.stat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # Removed meanwhile.
    return total


def resident_bytes(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Load(threading.Thread):
    """Puts numbers of its own range, LINES at a time, each batch until it is taken."""

    def __init__(self, cluster, first, last):
        super().__init__(daemon=True)
        self.port = cluster.leader().port
        self.first, self.last = first, last
        self.failure = None

    def run(self):
        client = Client(self.port, timeout=70.0)
        try:
            for begin in range(self.first, self.last, LINES):
                body = "".join(f'{{"op":"put","key":"key{n % KEYS}","value":{n}}}\n'
                               for n in range(begin, min(begin + LINES, self.last)))
                answer = client.ask("POST", "/v1/propose?timeout=60s", body, {"Content-Type": "application/x-ndjson"})
                if answer.status != 200 or b'"status"' in answer.body:
                    raise AssertionError(f"{answer}")
            client.close()
        except Exception as error:  # Told by the test's own thread.
            self.failure = error


class MillionTest(ClusterTest):
    def test_a_long_history_costs_no_space(self):
        cluster = self.cluster(3, extra=["--snapshot-entries", "10000"], heartbeat="100ms", election="1s").start()
        sleeper = cluster.followers()[0]
        awake = [node for node in cluster.nodes if node is not sleeper]
        sleeper.kill()
        share = PROPOSALS // CLIENTS
        loads = [Load(cluster, n * share, (n + 1) * share) for n in range(CLIENTS)]
        for load in loads:
            load.start()
        largest, resident = {}, {node.number: [] for node in awake}
        while any(load.is_alive() for load in loads):
            for node in awake:
                largest[node.number] = max(largest.get(node.number, 0), directory_bytes(node.directory))
                resident[node.number].append(resident_bytes(node.process))
            loads[0].join(timeout=0.5)
        for load in loads:
            self.assertIsNone(load.failure)
        print(f"data directories at most {largest}, resident at most { {n: max(v) for n, v in resident.items()} }")
        for node in awake:
            self.assertLess(largest[node.number], DIRECTORY_MAX)
            self.assertLess(max(resident[node.number]), RESIDENT_MAX)
            self.assertGreater(node.status()["first_index"], PROPOSALS // 2)

        sleeper.start()
        wait_for(sleeper.ready, "the sleeper is ready", 60)
        cluster.wait_equal()
        self.assertGreater(sleeper.status()["first_index"], PROPOSALS // 2)
        self.assertIsNotNone(sleeper.status()["snapshot"])

        for node in cluster.nodes:
            node.stop()
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        answers = {json.dumps(node.query({"op": "list", "limit": 1000}, "?consistency=stale").json()["result"], sort_keys=True)
                   for node in cluster.nodes}
        self.assertEqual(len(answers), 1)
        entries = json.loads(answers.pop())["entries"]
        self.assertEqual({entry["key"] for entry in entries}, {f"key{n}" for n in range(KEYS)})
        hashes = {json.dumps(node.status()["state_hash"]) for node in cluster.nodes}
        self.assertEqual(len(hashes), 1)


if __name__ == "__main__":
    unittest.main()
