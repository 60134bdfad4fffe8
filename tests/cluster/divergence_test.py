"""Memory that fails: bytes of a value are changed in the memory of one node. It is found by the others' majority, answers no
query, and is mended by a snapshot; once a follower, once the leader, while commands go on."""

import json
import os
import re
import threading
import unittest

from harness import Client, ClusterTest, Writer, wait_for

RIGHT, WRONG = "a-value-that-is-nowhere-else-0123456789-right", "a-value-that-is-nowhere-else-0123456789-wrong"
INTERVAL = 32  # Indexes between two reports of the state's hash.


def is_frozen(node):
    """Every thread of it is stopped."""
    tasks = f"/proc/{node.process.pid}/task"
    states = []
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/stat", encoding="ascii") as stat:
            states.append(stat.read().rpartition(")")[2].split()[0])
    return all(state in "tT" for state in states)


def spoil(node, old, new):
    """While the node stands still: what is found must still be what it was when it is written to."""
    node.freeze()
    wait_for(lambda: is_frozen(node), "it stands still")
    count = change_memory(node, old, new)
    node.thaw()
    return count


def change_memory(node, old, new):
    """Changes every copy of a value in a node's own memory, but those inside commands: the log's have checksums, and a node
    that finds one of them broken ends. Answers how many there were."""
    old, new, inside_command = old.encode(), new.encode(), b'"value": "'
    assert len(old) == len(new)
    pid, count = node.process.pid, 0
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        ranges = [(int(match[1], 16), int(match[2], 16)) for match in
                  (re.match(r"([0-9a-f]+)-([0-9a-f]+) rw\S* \S+ \S+ (\d+)\s*(.*)", line) for line in maps)
                  if match and match[3] == "0" and match[4] in ("", "[heap]")]
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for start, end in ranges:
            try:
                memory.seek(start)
                found = memory.read(end - start)
            except (OSError, OverflowError):
                continue  # A thread's guard page, or gone since.
            at = found.find(old)
            while at >= 0:
                if found[max(0, at - len(inside_command)):at] != inside_command:
                    memory.seek(start + at)
                    memory.write(new)
                    count += 1
                at = found.find(old, at + 1)
    return count


class Reader(threading.Thread):
    """Asks one node for the value by stale queries, and keeps what it was told whenever that changes."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.stopping, self.seen = node, threading.Event(), []

    def run(self):
        client = Client(self.node.port)
        while not self.stopping.is_set():
            answer = client.ask("POST", "/v1/query?consistency=stale", '{"op":"get","key":"sentinel"}')
            problem = answer.json().get("detail") if answer.status != 200 else None
            told = (answer.status, problem or answer.json()["result"].get("value"))
            if not self.seen or self.seen[-1] != told:
                self.seen.append(told)
        client.close()

    def stop(self):
        self.stopping.set()
        self.join(timeout=30)
        return self.seen


class DivergenceTest(ClusterTest):
    def begin(self, count=3):
        # Without a cache the value is in the state alone, not in copies of the log that other nodes may be sent.
        cluster = self.cluster(count, heartbeat="50ms", election="500ms", extra=("--cache-bytes", "1")).start()
        answer = cluster.nodes[0].propose({"op": "put", "key": "sentinel", "value": RIGHT})
        self.assertEqual(answer.status, 200)
        self.fill(cluster.nodes[0], 2 * INTERVAL)
        cluster.wait_equal()
        return cluster

    def fill(self, node, count):
        """So many commands that succeed; they take the place of what buffers still held. A leader that learns that its state
        differs does not tell results any more, and hands over."""
        client, done, lost = Client(node.port), 0, 0
        while done < count:
            answer = client.ask("POST", "/v1/propose", json.dumps({"op": "put", "key": "fill", "value": "x" * 60 + str(done)}))
            if answer.status == 200:
                done += 1
            else:
                lost += 1
                self.assertEqual((answer.json()["code"], answer.json()["outcome"]), ("leadership_lost", "unknown"), answer)
        client.close()
        self.assertLess(lost, 20)

    def show(self, node):
        """A result that shows the value, and so many commands after it that every node reports."""
        answer = node.propose({"op": "cas", "key": "sentinel", "expected": "not this", "value": 0})
        self.assertEqual(answer.status, 200)
        self.fill(node, INTERVAL)
        return answer.json()["result"]

    def metric(self, node, name):
        lines = node.ask("GET", "/metrics").body.decode().splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith(f"raftd_{name} ")][0]

    def assert_same_hash(self, cluster):
        cluster.wait_equal()
        hashes = [node.status()["state_hash"] for node in cluster.nodes]
        self.assertIsNotNone(hashes[0])
        self.assertEqual(hashes[0]["index"] % INTERVAL, 0)
        self.assertRegex(hashes[0]["hash"], r"^[0-9a-f]{16}$")
        for hash_ in hashes:
            self.assertEqual(hash_, hashes[0])

    def mend(self, cluster, node, other):
        """Spoils that node, and waits until it is well again; commands go through the other one meanwhile."""
        reader, writer = Reader(node), Writer(other, "w")
        reader.start()
        writer.start()
        wait_for(lambda: reader.seen == [(200, RIGHT)], "the right value is read")
        self.assertGreater(spoil(node, RIGHT, WRONG), 0)
        wait_for(lambda: reader.seen[-1] == (200, WRONG), "the wrong value is read: the memory was the state's")
        shown = self.show(other)
        wait_for(lambda: "state of this node differs from the majority's since index" in node.log(), "it is found")
        wait_for(lambda: "state of this node agrees with the majority's again" in node.log(), "it is mended")
        wait_for(node.ready, "it is ready")
        wait_for(lambda: reader.seen[-1] == (200, RIGHT), "the right value is read again")
        writer.stop()
        seen = reader.stop()
        self.assertEqual([told for told in seen if told[0] == 200], [(200, RIGHT), (200, WRONG), (200, RIGHT)])
        refused = [told for told in seen if told[0] != 200]
        self.assertEqual([status for status, _ in refused], [503])
        self.assertRegex(refused[0][1], r"this node's state differs from the majority's since index \d+; "
                                        r"a snapshot will mend it")
        self.assertEqual(seen.index(refused[0]), 2)
        self.assertGreater(len(writer.acknowledged), 10)
        self.assertLess(writer.longest_gap, 3.0, "commands went on")
        self.assertIsNone(node.status()["diverged"])
        self.assertEqual(self.metric(node, "state_diverged"), 0)
        self.assertIsNotNone(node.status()["snapshot"])
        self.assert_same_hash(cluster)
        self.check_keys(cluster, writer)
        return shown

    def check_keys(self, cluster, writer):
        """What was acknowledged is in every node's state, and in its log."""
        for node in cluster.nodes:
            client = Client(node.port)
            for key in list(writer.acknowledged)[::7]:
                answer = client.ask("POST", "/v1/query?consistency=stale", json.dumps({"op": "get", "key": key})).json()
                self.assertTrue(answer["result"]["found"], f"{key} on node {node.number}")
            client.close()
            logged = {entry["command"]["key"] for entry in node.committed() if entry["type"] == "command"}
            self.assertLessEqual(set(writer.acknowledged), logged)

    def test_a_follower_whose_memory_failed_is_found_and_mended(self):
        cluster = self.begin()
        leader, node = cluster.leader(), cluster.followers()[0]
        shown = self.mend(cluster, node, leader)
        self.assertEqual(shown, {"swapped": False, "current": RIGHT})
        self.assertIs(cluster.leader(), leader)
        self.assertIn(f"state of node {node.number} differs from the majority's since index", leader.log())
        # What mended it lasts.
        node.kill()
        node.start()
        wait_for(node.ready, "it is ready")
        self.assertEqual(node.query({"op": "get", "key": "sentinel"}, "?consistency=stale").json()["result"]["value"], RIGHT)
        self.fill(leader, INTERVAL)
        self.assert_same_hash(cluster)

    def test_a_leader_whose_memory_failed_hands_over_and_is_mended(self):
        cluster = self.begin()
        leader, other = cluster.leader(), cluster.followers()[0]
        term = leader.status()["term"]
        shown = self.mend(cluster, leader, other)
        self.assertEqual(shown, {"swapped": False, "current": WRONG})  # Nobody could know yet.
        self.assertIsNot(cluster.leader(), leader)
        self.assertEqual(cluster.leader().status()["term"], term + 1)
        answer = other.ask("POST", "/v1/leader/transfer", f'{{"to":{leader.number}}}')
        self.assertEqual((answer.status, answer.json().get("leader")), (200, leader.number), answer)

    def test_of_two_nobody_knows_which_is_right_and_an_alarm_is_all(self):
        cluster = self.begin(2)
        leader, node = cluster.leader(), cluster.followers()[0]
        self.assertGreater(spoil(node, RIGHT, WRONG), 0)
        self.show(leader)
        wait_for(lambda: self.metric(leader, "divergence_alarm") == 1, "the leader gives alarm")
        self.assertTrue(leader.status()["divergence_alarm"])
        self.assertIn("alarm: the states of voters differ at index", leader.log())
        for one in cluster.nodes:
            self.assertIsNone(one.status()["diverged"])
            self.assertEqual(one.query({"op": "count"}).status, 200)
            self.assertTrue(one.ready())


if __name__ == "__main__":
    unittest.main()
