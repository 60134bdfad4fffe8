"""Nothing that rests on the disk leaves a node before the disk has it: client answers, append answers, votes (§3.8)."""

import os
import threading
import unittest

from harness import LIBRARIES, ClusterTest, wait_for

HOLD_LIBRARY = os.path.join(LIBRARIES, "hold_sync.so")


class DurabilityTest(ClusterTest):
    def holding_cluster(self):
        """Three nodes whose syncs can be held back one by one; not for so long that they count as stalled."""
        cluster = self.cluster(election="1500ms")
        for node in cluster.nodes:
            node.hold_file = os.path.join(cluster.directory, f"hold{node.number}")
            node.environment = {"LD_PRELOAD": HOLD_LIBRARY, "RAFTD_HOLD_FILE": node.hold_file}
        return cluster.start()

    @staticmethod
    def hold(node):
        with open(node.hold_file, "w", encoding="ascii"):
            pass

    @staticmethod
    def release(node):
        os.unlink(node.hold_file)

    def propose_aside(self, node, key):
        """Proposes on a thread; answers the thread and the list that its answer will be in."""
        answers = []
        thread = threading.Thread(daemon=True, target=lambda: answers.append(
            node.propose({"op": "put", "key": key, "value": 1}, "?timeout=20s", timeout=30.0)))
        thread.start()
        return thread, answers

    def check_held_until_release(self, asked, held, watched, key):
        """The command reaches every log that is watched, and nobody answers before one of the held disks is let go."""
        before = max(node.status()["last_index"] for node in watched)
        thread, answers = self.propose_aside(asked, key)
        wait_for(lambda: all(node.status()["last_index"] > before for node in watched), "the command is in the logs")
        for node in watched:
            # Heartbeats go on, so a commit would have been told by now: more than one heartbeat passes in this query.
            self.assertEqual(node.query({"op": "get", "key": key}, "?consistency=stale").json()["result"], {"found": False})
            self.assertLessEqual(node.status()["commit_index"], before)
        self.assertEqual(answers, [])
        self.release(held)
        thread.join(timeout=30)
        self.assertEqual([answer.status for answer in answers], [200])

    def test_no_client_is_answered_before_a_majority_of_disks_has_the_command(self):
        cluster = self.holding_cluster()
        leader, followers = cluster.leader(), cluster.followers()
        self.hold(leader)
        self.hold(followers[0])
        self.check_held_until_release(leader, leader, [leader, *followers], "two-disks-held")
        self.release(followers[0])

    def test_a_follower_acknowledges_entries_only_from_its_disk(self):
        cluster = self.holding_cluster()
        leader, followers = cluster.leader(), cluster.followers()
        followers[1].kill()
        self.hold(followers[0])
        self.check_held_until_release(leader, followers[0], [leader, followers[0]], "append-answer-held")

    def test_the_leader_s_own_disk_may_be_the_slow_one(self):
        cluster = self.holding_cluster()
        leader = cluster.leader()
        self.hold(leader)
        answer = leader.propose({"op": "put", "key": "followers-suffice", "value": 1})
        self.release(leader)
        self.assertEqual(answer.status, 200)

    def test_no_vote_leaves_before_it_is_on_disk(self):
        cluster = self.holding_cluster()
        leader, followers = cluster.leader(), cluster.followers()
        self.hold(followers[0])
        self.hold(followers[1])
        leader.kill()
        wait_for(lambda: any("asks for votes" in node.log().split("becomes follower")[-1] for node in followers),
                 "somebody stands for election")
        campaigning = wait_for(lambda: [n for n in followers if n.status()["role"] == "candidate"], "a candidate")
        self.assertEqual([node.status()["role"] for node in campaigning], ["candidate"] * len(campaigning))
        for node in followers:
            self.release(node)
        wait_for(lambda: any(node.status()["role"] == "leader" for node in followers), "a leader once votes are on disk")


if __name__ == "__main__":
    unittest.main()
