"""The C client against nodes that are killed: nothing is lost, nothing is doubled, and a watch has no gap."""

import json
import os
import subprocess
import threading
import unittest

from harness import LIBRARIES, ClusterTest, wait_for

HAMMER = os.path.join(os.path.dirname(LIBRARIES), "client", "hammer")
COUNTER = os.path.join(os.path.dirname(os.path.dirname(LIBRARIES)), "machines", "counter.so")


class ClientTest(ClusterTest):
    def hammer(self, cluster, urls, threads, count, *more):
        process = subprocess.Popen([HAMMER, urls, str(threads), str(count), *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def counter(self, **options):
        return self.cluster(extra=["--machine", COUNTER], heartbeat="50ms", election="300ms", **options).start()

    def sum(self, node):
        return node.query(None).json()["result"]

    def check(self, cluster, process):
        """It ends; every command was done, and the sum says that each was applied once."""
        out, error = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, out + error)
        told = json.loads(out)
        self.assertEqual((told["unknown"], told["rejected"], told["unavailable"], told["strange"]), (0, 0, 0, 0))
        cluster.wait_ready()
        self.assertEqual({self.sum(node) for node in cluster.nodes}, {told["done"]})
        print(told)
        return told

    def kill_each_in_turn(self, cluster, process):
        """Every node once, the leader among them, each while commands are being answered."""
        for node in cluster.nodes:
            before = self.sum(cluster.nodes[node.number % 3])
            node.kill()
            other = cluster.nodes[node.number % 3]
            wait_for(lambda: self.sum(other) > before + 20, "commands go on without it")
            node.start()
            cluster.wait_ready([node])

    def test_kill_9_of_every_node_in_turn_loses_and_doubles_nothing(self):
        for more in ([], ["keys"]):
            with self.subTest(more):
                cluster = self.counter()
                process = self.hammer(cluster, f"http://127.0.0.1:{cluster.nodes[0].port}", 8, 1_000_000, "until-eof", *more)
                wait_for(lambda: self.sum(cluster.nodes[1]) > 100, "it proposes")
                self.kill_each_in_turn(cluster, process)
                told = self.check(cluster, process)
                self.assertGreater(told["attempts"], told["done"], "some had to be sent again")


if __name__ == "__main__":
    unittest.main()
