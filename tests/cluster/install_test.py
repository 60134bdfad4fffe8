"""Snapshots between nodes: who slept through all that the log has forgotten gets one, whoever dies meanwhile."""

import glob
import json
import os
import re
import unittest

from harness import ClusterTest, Node, Writer, free_ports, wait_for
from throttle import Throttle

ENTRIES = 200  # --snapshot-entries.
KEYS = 3000
VALUE = "v" * 5000
SLOW = 6 * 1024 * 1024


class InstallTest(ClusterTest):
    def begin(self, **options):
        """Three nodes, reached by each other through throttles that let everything through at first."""
        self.throttles = []

        def urls(ports):
            self.throttles = [Throttle(port) for port in ports]
            return [f"http://127.0.0.1:{throttle.port}" for throttle in self.throttles]

        cluster = self.cluster(heartbeat="50ms", election="500ms", extra=["--snapshot-entries", str(ENTRIES)], urls=urls,
                               **options)
        self.addCleanup(lambda: [throttle.close() for throttle in self.throttles])
        return cluster.start()

    def fill(self, node, first=0, count=KEYS):
        lines = "".join(json.dumps({"op": "put", "key": f"k{first + i}", "value": f"{first + i}{VALUE}"}) + "\n"
                        for i in range(count))
        answer = node.ask("POST", "/v1/propose?timeout=60s", lines, {"Content-Type": "application/x-ndjson"}, timeout=90)
        self.assertEqual(answer.status, 200)
        self.assertNotIn(b'"status"', answer.body)

    def put_to_sleep(self, cluster, slow=SLOW):
        """A follower is killed, the others write more than the log keeps. Answers leader and sleeper."""
        leader = cluster.leader()
        sleeper = cluster.followers()[0]
        last = sleeper.status()["last_index"]
        sleeper.kill()
        self.throttles[sleeper.number - 1].rate = slow
        self.fill(leader)
        for node in cluster.nodes:
            if node is not sleeper:
                wait_for(lambda node=node: node.status()["first_index"] > last + 1, "the log has forgotten what it needs")
        return leader, sleeper

    def peer(self, leader, node):
        for peer in leader.status()["peers"]:
            if peer["id"] == node.number:
                return peer
        return None

    def percent(self, leader, node):
        peer = self.peer(leader, node)
        return peer["snapshot_percent"] if peer and peer["state"] == "snapshot" else None

    def wait_percent(self, leader, node, percent):
        return wait_for(lambda: (self.percent(leader, node) or 0) >= percent, f"{percent} % of the snapshot is there")

    def check_state(self, cluster, node):
        """What it answers by itself is what the others have."""
        cluster.wait_equal()
        for key in (0, 1, KEYS // 2, KEYS - 1):
            answer = node.query({"op": "get", "key": f"k{key}"}, "?consistency=stale").json()["result"]
            self.assertEqual(answer["value"], f"{key}{VALUE}")
        counts = {other.query({"op": "count"}, "?consistency=stale").json()["result"]["count"] for other in cluster.nodes}
        self.assertEqual(len(counts), 1, counts)
        self.assertGreater(node.status()["first_index"], 1)

    def resumed_at(self, sender, node):
        """What the sender's log says the node had when a transfer to it began or went on."""
        pattern = rf"to node {node.number}: the follower has (\d+) of \d+ bytes"
        return [int(stored) for stored in re.findall(pattern, sender.log())]

    def test_a_node_that_slept_through_all_of_it_catches_up(self):
        cluster = self.begin()
        leader, sleeper = self.put_to_sleep(cluster)
        other = next(node for node in cluster.nodes if node not in (leader, sleeper))
        term = leader.status()["term"]
        writer = Writer(other, "beside")
        writer.start()
        self.addCleanup(lambda: writer.is_alive() and writer.stop())
        sleeper.start()
        # It is seen on its way, and writing goes on beside it.
        self.wait_percent(leader, sleeper, 20)
        written = len(writer.acknowledged)
        self.wait_percent(leader, sleeper, 60)
        self.assertGreater(len(writer.acknowledged), written)
        wait_for(lambda: self.peer(leader, sleeper)["state"] == "replicate", "it follows the log again")
        self.assertIsNone(self.peer(leader, sleeper)["snapshot_percent"])
        writer.stop()
        self.assertEqual(writer.unknown, set())
        self.assertLess(writer.longest_gap, 2.0)
        self.check_state(cluster, sleeper)
        self.assertEqual(leader.status()["term"], term, "nobody was disturbed")
        self.assertIn("takes effect", sleeper.log())
        # What it has lasts.
        sleeper.kill()
        sleeper.start()
        cluster.wait_ready([sleeper])
        self.check_state(cluster, sleeper)

    def test_a_receiver_that_dies_in_the_middle_goes_on_where_it_was(self):
        cluster = self.begin()
        leader, sleeper = self.put_to_sleep(cluster)
        sleeper.start()
        self.wait_percent(leader, sleeper, 20)
        self.assertEqual(sleeper.stop(), 0, "told to end, it does, in the middle as well")
        sleeper.start()
        self.wait_percent(leader, sleeper, 50)
        sleeper.kill()
        before = len(self.resumed_at(leader, sleeper))
        sleeper.start()
        wait_for(lambda: len(self.resumed_at(leader, sleeper)) > before, "the transfer goes on")
        self.throttles[sleeper.number - 1].rate = None
        self.check_state(cluster, sleeper)
        self.assertGreater(self.resumed_at(leader, sleeper)[before], 1024 * 1024, "not from the beginning")

    def test_a_sender_that_dies_in_the_middle_is_replaced(self):
        cluster = self.begin()
        leader, sleeper = self.put_to_sleep(cluster)
        sleeper.start()
        self.wait_percent(leader, sleeper, 30)
        leader.kill()
        self.throttles[sleeper.number - 1].rate = None
        heir = next(node for node in cluster.nodes if node not in (leader, sleeper))
        wait_for(lambda: heir.status()["role"] == "leader", "somebody else leads")
        leader.start()
        self.check_state(cluster, sleeper)

    def test_who_joins_late_begins_with_a_snapshot(self):
        cluster = self.cluster(1, heartbeat="50ms", election="300ms", extra=["--snapshot-entries", str(ENTRIES)]).start()
        first = cluster.nodes[0]
        self.fill(first)
        wait_for(lambda: first.status()["first_index"] > ENTRIES, "the log is cut")
        port, = free_ports(1)
        data = os.path.join(cluster.directory, "data2")
        late = Node(2, port, data, ["--id", "2", "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--join",
                                    f"http://127.0.0.1:{first.port}", "--heartbeat", "50ms", "--election-timeout", "300ms"])
        cluster.nodes.append(late)
        late.start()
        wait_for(lambda: len(first.status()["configuration"]["voters"]) == 2, "it has caught up and votes")
        self.check_state(cluster, late)
        self.assertIn("takes effect", late.log())

    def test_a_flipped_byte_is_never_served(self):
        cluster = self.begin()
        leader, sleeper = self.put_to_sleep(cluster)
        sleeper.start()
        self.wait_percent(leader, sleeper, 40)
        sleeper.kill()
        partial, = glob.glob(os.path.join(sleeper.directory, "snapshots", "*incoming*"))
        with open(partial, "r+b") as file:
            file.seek(os.path.getsize(partial) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 0x10]))
        self.throttles[sleeper.number - 1].rate = None
        sleeper.start()
        self.check_state(cluster, sleeper)
        self.assertEqual(sleeper.log().count("is not as it was sent"), 1)
        self.assertEqual(sleeper.log().count("takes effect"), 1)


if __name__ == "__main__":
    unittest.main()
