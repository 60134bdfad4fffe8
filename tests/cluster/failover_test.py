"""Nodes die; what was acknowledged stays, once; what was rejected never appears."""

import time
import unittest

from harness import ClusterTest, Writer, wait_for


class FailoverTest(ClusterTest):
    def writing(self, cluster):
        writers = [Writer(node, f"through{node.number}") for node in cluster.nodes]
        for writer in writers:
            writer.start()
        self.addCleanup(lambda: [writer.stop() for writer in writers if writer.is_alive()])
        wait_for(lambda: all(len(writer.acknowledged) > 20 for writer in writers), "every writer writes")
        return writers

    def wait_progress(self, writers, what):
        counts = [len(writer.acknowledged) for writer in writers]
        wait_for(lambda: all(len(w.acknowledged) > c + 20 for w, c in zip(writers, counts)), what)

    def test_writes_go_on_when_the_leader_is_killed_and_it_catches_up_when_it_returns(self):
        cluster = self.cluster(heartbeat="100ms", election="1s").start()
        writers = self.writing(cluster)
        leader = cluster.leader()
        leader.kill()
        killed = time.monotonic()
        others = [writer for writer in writers if writer.node is not leader]
        # Progress that only an acknowledgement after the kill can make: each writer has at most one command under way.
        counts = [len(writer.acknowledged) for writer in others]
        wait_for(lambda: all(len(w.acknowledged) > c + 1 for w, c in zip(others, counts)), "writes go on")
        self.assertTrue(any("seems to be gone" in node.log() for node in cluster.nodes))
        print(f"writes went on {time.monotonic() - killed:.2f} s after kill -9 of the leader (default timers)")
        leader.start()
        cluster.wait_ready()
        self.wait_progress(writers, "all write again")
        for writer in writers:
            writer.stop()
        self.check_history(cluster, writers)

    def test_nothing_is_lost_when_all_nodes_are_killed_at_once_under_load(self):
        cluster = self.cluster().start()
        writers = self.writing(cluster)
        for _ in range(3):
            for node in cluster.nodes:
                node.kill()
            for node in cluster.nodes:
                node.start()
            cluster.wait_ready()
            self.wait_progress(writers, "all write again")
        for writer in writers:
            writer.stop()
        self.check_history(cluster, writers)

    def test_a_frozen_leader_is_replaced_and_does_not_answer_stale_reads_when_it_wakes(self):
        cluster = self.cluster().start()
        leader = cluster.leader()
        self.assertEqual(leader.propose({"op": "put", "key": "x", "value": 1}).status, 200)
        leader.freeze()
        other = next(node for node in cluster.nodes if node is not leader)
        wait_for(lambda: other.propose({"op": "put", "key": "x", "value": 2}).status == 200, "the others write")
        leader.thaw()
        answer = wait_for(lambda: (lambda a: a if a.status == 200 else None)(leader.query({"op": "get", "key": "x"})),
                          "the old leader answers reads again")
        self.assertEqual(answer.json()["result"], {"found": True, "value": 2})

    def test_two_of_three_dead_answer_no_leader_and_reads_of_stale_state_go_on(self):
        cluster = self.cluster().start()
        survivor = cluster.nodes[0]
        self.assertEqual(survivor.propose({"op": "put", "key": "x", "value": 1}).status, 200)
        cluster.wait_equal()
        for node in cluster.nodes[1:]:
            node.kill()
        wait_for(lambda: survivor.status()["leader"] is None, "the survivor knows no leader")
        answer = survivor.propose({"op": "put", "key": "x", "value": 2}, "?timeout=200ms")
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["outcome"]), (503, "no_leader", "rejected"))
        self.assertEqual(answer.headers["Raft-Leader"], "0")
        self.assertIn("Retry-After", answer.headers)
        answer = survivor.query({"op": "get", "key": "x"}, "?consistency=stale")
        self.assertEqual(answer.json()["result"], {"found": True, "value": 1})
        self.assertEqual(survivor.query({"op": "get", "key": "x"}, "?timeout=200ms").status, 503)
        self.assertEqual(survivor.ask("GET", "/readyz").status, 503)
        self.assertEqual(survivor.ask("GET", "/healthz").status, 200)


if __name__ == "__main__":
    unittest.main()
