"""A disk that stalls: its leader hands over while its heartbeats still hold the followers, and leads again when it is well."""

import os
import threading
import unittest

from harness import LIBRARIES, ClusterTest, wait_for

HOLD_LIBRARY = os.path.join(LIBRARIES, "hold_sync.so")


class SlowDiskTest(ClusterTest):
    def stalling_cluster(self, count=3):
        """Nodes whose syncs do not begin while a file is there."""
        cluster = self.cluster(count, heartbeat="50ms", election="500ms")
        for node in cluster.nodes:
            node.hold_file = os.path.join(cluster.directory, f"hold{node.number}")
            node.environment = {"LD_PRELOAD": HOLD_LIBRARY, "RAFTD_HOLD_FILE": node.hold_file}
        return cluster.start()

    @staticmethod
    def stall(node):
        with open(node.hold_file, "w", encoding="ascii"):
            pass

    @staticmethod
    def recover(node):
        os.unlink(node.hold_file)

    def put(self, node, key, query=""):
        return node.propose({"op": "put", "key": key, "value": 1}, query)

    def is_stalled(self, node):
        return node.status()["disk"]["stalled"]

    def propose_aside(self, node, key):
        answers = []
        thread = threading.Thread(daemon=True, target=lambda: answers.append(self.put(node, key, "?timeout=20s")))
        thread.start()
        return thread, answers

    def test_a_leader_whose_disk_stalls_hands_over_and_does_not_campaign_until_it_is_well(self):
        cluster = self.stalling_cluster()
        stalled, others = cluster.leader(), cluster.followers()
        term = stalled.status()["term"]
        self.stall(stalled)
        # The others' disks commit this one, so that it is answered though the leader's does not end.
        self.assertEqual(self.put(stalled, "begins").status, 200)
        wait_for(lambda: stalled.status()["role"] != "leader", "it hands over")
        leader = cluster.leader()
        self.assertIn(leader, others)
        self.assertEqual(leader.status()["term"], term + 1, "at the first attempt")
        self.assertIn(f"asks for votes term={term + 1} (leadership is handed over)", leader.log())
        self.assertTrue(self.is_stalled(stalled))
        self.assertIn("raftd_disk_stalled 1\n", stalled.ask("GET", "/metrics").body.decode())
        self.assertGreater(stalled.status()["disk"]["oldest_write_ms"], 500)
        for number in range(10):
            self.assertEqual(self.put(cluster.nodes[number % 3], f"elsewhere{number}").status, 200)
        # Without a leader it does not campaign, however long nobody else does; nor can a transfer make it.
        others[0].freeze()
        others[1].freeze()
        term = stalled.status()["term"]
        uptime = stalled.status()["uptime_seconds"]
        wait_for(lambda: stalled.status()["uptime_seconds"] >= uptime + 3, "several election time-outs pass")
        self.assertEqual((stalled.status()["term"], stalled.status()["role"]), (term, "follower"))
        others[0].thaw()
        others[1].thaw()
        leader = wait_for(lambda: others[0].status()["leader"], "there is a leader again")
        self.assertNotEqual(leader["id"], stalled.number)
        self.recover(stalled)
        wait_for(lambda: not self.is_stalled(stalled), "it is well again")
        self.assertIn("the disk is well again", stalled.log())
        cluster.wait_equal()
        answer = others[0].ask("POST", "/v1/leader/transfer", f'{{"to":{stalled.number}}}')
        self.assertEqual((answer.status, answer.json().get("leader")), (200, stalled.number), answer)
        self.assertEqual(self.put(others[0], "after").status, 200)

    def test_a_follower_whose_disk_stalls_answers_heartbeats_and_acknowledges_nothing(self):
        cluster = self.stalling_cluster()
        leader, stalled = cluster.leader(), cluster.followers()[0]
        term = leader.status()["term"]
        self.stall(stalled)
        self.assertEqual(self.put(leader, "a").status, 200)
        wait_for(lambda: self.is_stalled(stalled), "it is noticed")
        peer = next(peer for peer in leader.status()["peers"] if peer["id"] == stalled.number)
        self.assertLess(peer["match_index"], leader.status()["last_index"])
        self.assertLess(peer["last_contact_ms"], 500, "it is heard")
        answer = leader.ask("POST", "/v1/leader/transfer?timeout=2s", f'{{"to":{stalled.number}}}')
        self.assertNotEqual(answer.status, 200, "it takes over from nobody")
        self.assertEqual((leader.status()["role"], leader.status()["term"]), ("leader", term))
        self.recover(stalled)
        cluster.wait_equal()

    def test_a_node_alone_stays_leader(self):
        cluster = self.stalling_cluster(1)
        node = cluster.nodes[0]
        self.stall(node)
        thread, answers = self.propose_aside(node, "slow")
        wait_for(lambda: self.is_stalled(node), "it is noticed")
        self.assertEqual(node.status()["role"], "leader")
        self.assertEqual(node.query({"op": "get", "key": "slow"}).json()["result"], {"found": False})
        self.recover(node)
        thread.join(timeout=30)
        self.assertEqual([answer.status for answer in answers], [200])
        self.assertEqual(node.status()["role"], "leader")


if __name__ == "__main__":
    unittest.main(verbosity=2)
