#!/usr/bin/env python3
"""A million proposals through the C client over a cluster whose leader is killed (kill -9) every 10 s and started again at once: each is applied,
and once. The machine counts: a proposal's result is the sum, so the results are 1 to 1,000,000, each once, and so is the sum on every node."""

import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from client_test import COUNTER, HAMMER
from harness import ClusterTest, wait_for

PROPOSALS = int(os.environ.get("RAFTD_LONG_PROPOSALS", "1000000"))
SESSIONS = int(os.environ.get("RAFTD_LONG_SESSIONS", "64"))  # Clients that propose at the same time, each one after the other.
EVERY = 10.0  # Seconds from one death to the next.
LONGEST = 3600  # Seconds in which it must end, however slow the machine.


class ClientTest(ClusterTest):
    def test_none_of_a_million_is_lost_or_doubled_while_leaders_die(self):
        cluster = self.cluster(extra=["--machine", COUNTER], heartbeat="100ms", election="1s").start()
        urls = f"http://127.0.0.1:{cluster.nodes[0].port}"  # The others are learnt.
        hammer = subprocess.Popen([HAMMER, urls, str(SESSIONS), str(PROPOSALS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: hammer.poll() is None and hammer.kill())
        deaths, begun = [], time.monotonic()
        while time.monotonic() < begun + LONGEST:
            try:
                hammer.wait(timeout=max(0.0, begun + EVERY * (len(deaths) + 1) - time.monotonic()))
                break
            except subprocess.TimeoutExpired:
                leader = cluster.leader()
                leader.kill()
                deaths.append(leader.number)
                leader.start()
        out, error = hammer.communicate(timeout=60)
        told = json.loads(out)
        print(told, "killed:", deaths, flush=True)
        self.assertEqual(hammer.returncode, 0, error)
        self.assertEqual((told["done"], told["unknown"], told["rejected"], told["unavailable"], told["strange"]), (PROPOSALS, 0, 0, 0, 0))
        self.assertGreaterEqual(len(deaths), int(told["seconds"] / EVERY) - 2)
        if PROPOSALS >= 1_000_000:
            self.assertGreater(told["duplicates"], 0, "no retry met a command that was applied: leaders were not killed in the middle")
        cluster.wait_ready()
        for node in cluster.nodes:
            wait_for(lambda node=node: node.query(None).json()["result"] == PROPOSALS, f"the sum of node {node.number} is {PROPOSALS}")
        cluster.wait_equal()


if __name__ == "__main__":
    unittest.main()
