"""Leadership is handed over: on request, and by a leader that is told to end."""

import json
import unittest

from harness import ClusterTest, Writer, wait_for


class TransferTest(ClusterTest):
    def writing(self, nodes):
        writers = [Writer(node, f"through{node.number}") for node in nodes]
        for writer in writers:
            writer.start()
        self.addCleanup(lambda: [writer.stop() for writer in writers if writer.is_alive()])
        wait_for(lambda: all(len(writer.acknowledged) > 20 for writer in writers), "every writer writes")
        return writers

    def transfer(self, node, to=None, query=""):
        return node.ask("POST", "/v1/leader/transfer" + query, None if to is None else json.dumps({"to": to}))

    def check_handed_over(self, node, term):
        """That node campaigned because it was told to, not because a time-out was over."""
        self.assertIn(f"asks for votes term={term} (leadership is handed over)", node.log())

    def test_ten_times_under_load_each_asked_of_a_follower(self):
        cluster = self.cluster(heartbeat="50ms", election="1s").start()
        writers = self.writing(cluster.nodes)
        for _ in range(10):
            followers = cluster.followers()
            before = followers[0].status()["term"]
            answer = self.transfer(followers[0], followers[1].number)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json()["leader"], followers[1].number)
            self.assertEqual(answer.json()["term"], before + 1, "the first election was won")
            self.check_handed_over(followers[1], before + 1)
            counts = [len(writer.acknowledged) for writer in writers]
            wait_for(lambda: all(len(w.acknowledged) > c + 1 for w, c in zip(writers, counts)), "writes go on")
        for writer in writers:
            writer.stop()
            self.assertEqual(writer.unknown, set(), "held, not lost")
            self.assertEqual(writer.rejected, set())
        self.check_history(cluster, writers)

    def test_to_itself_to_a_stranger_to_nobody_and_to_whoever(self):
        cluster = self.cluster().start()
        leader = cluster.leader()
        follower = cluster.followers()[0]
        before = leader.status()
        self.assertEqual(self.transfer(follower, leader.number).json(), {"leader": leader.number, "term": before["term"]})
        answer = self.transfer(follower, 9)
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["outcome"]), (409, "conflict", "rejected"))
        for body in ("[]", "{\"to\":0}", "{\"to\":\"2\"}", "{\"to\":2,\"x\":1}", "{\"too\":2}", "{\"to\":null}"):
            answer = follower.ask("POST", "/v1/leader/transfer", body)
            self.assertEqual((answer.status, answer.json()["code"]), (400, "bad_request"), body)
        answer = follower.ask("POST", "/v1/leader/transfer", "{")
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["offset"]), (400, "bad_json", 1))
        answer = self.transfer(follower, follower.number, "?forward=false")
        self.assertEqual((answer.status, answer.json()["code"]), (307, "not_leader"))
        self.assertEqual(leader.status()["term"], before["term"], "nothing has happened")
        answer = follower.ask("POST", "/v1/leader/transfer", "{}")
        self.assertEqual(answer.status, 200, answer)
        self.assertNotEqual(answer.json()["leader"], leader.number)

    def test_a_target_that_is_dead_is_given_up_and_the_leader_goes_on(self):
        cluster = self.cluster().start()
        leader = cluster.leader()
        dead, other = cluster.followers()
        dead.kill()
        answer = self.transfer(other, dead.number)
        self.assertEqual((answer.status, answer.json()["code"]), (504, "timeout"), answer)
        self.assertEqual(other.propose({"op": "put", "key": "x", "value": 1}).status, 200)
        self.assertEqual(cluster.leader(), leader)

    def test_a_leader_that_is_told_to_end_hands_over(self):
        cluster = self.cluster(heartbeat="100ms", election="1s").start()
        leader = cluster.leader()
        others = [node for node in cluster.nodes if node is not leader]
        writers = self.writing(cluster.nodes)
        term = leader.status()["term"]
        self.assertEqual(leader.stop(), 0)
        self.assertIn("hands over", leader.log())
        counts = [len(writer.acknowledged) for writer in writers]
        wait_for(lambda: all(len(w.acknowledged) > c + 20 for w, c in zip(writers, counts) if w.node is not leader),
                 "writes go on")
        self.assertEqual({node.status()["term"] for node in others}, {term + 1})
        self.check_handed_over(cluster.nodes[others[0].status()["leader"]["id"] - 1], term + 1)
        leader.start()
        cluster.wait_ready()
        for writer in writers:
            writer.stop()
        for writer in writers:
            if writer.node is not leader:
                self.assertEqual(writer.unknown, set())
        self.check_history(cluster, writers)

    def test_all_are_told_to_end_one_after_the_other(self):
        cluster = self.cluster().start()
        self.assertEqual(cluster.leader().propose({"op": "put", "key": "x", "value": 1}).status, 200)
        for node in [cluster.leader(), *cluster.followers()]:
            self.assertEqual(node.stop(), 0)
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        answer = cluster.nodes[0].query({"op": "get", "key": "x"}, "?consistency=lease")
        self.assertEqual(answer.json()["result"], {"found": True, "value": 1})
        self.assertEqual(answer.headers["Raft-Consistency"], "lease")


class LeaseTest(ClusterTest):
    def test_reads_under_the_lease_see_every_write_on_every_node(self):
        cluster = self.cluster().start()
        for number in range(50):
            writer = cluster.nodes[number % 3]
            self.assertEqual(writer.propose({"op": "put", "key": "x", "value": number}).status, 200)
            for node in cluster.nodes:
                answer = node.query({"op": "get", "key": "x"}, "?consistency=lease")
                self.assertEqual(answer.json()["result"], {"found": True, "value": number})

    def test_a_frozen_leader_does_not_answer_from_a_lease_that_is_over(self):
        cluster = self.cluster().start()
        leader = cluster.leader()
        self.assertEqual(leader.propose({"op": "put", "key": "x", "value": 1}).status, 200)
        self.assertEqual(leader.query({"op": "get", "key": "x"}, "?consistency=lease").status, 200)
        leader.freeze()
        other = next(node for node in cluster.nodes if node is not leader)
        wait_for(lambda: other.propose({"op": "put", "key": "x", "value": 2}).status == 200, "the others write")
        leader.thaw()
        answer = wait_for(lambda: (lambda a: a if a.status == 200 else None)(
            leader.query({"op": "get", "key": "x"}, "?consistency=lease")), "the old leader answers again")
        self.assertEqual(answer.json()["result"], {"found": True, "value": 2})


if __name__ == "__main__":
    unittest.main()
