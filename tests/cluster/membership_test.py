"""The members change while clients write: nodes join, are replaced, leave, all at once too; leaders die in the middle."""

import json
import os
import shutil
import threading
import time
import unittest

from harness import Client, ClusterTest, Node, free_ports, wait_for

HEARTBEAT, ELECTION = "50ms", "300ms"


class RovingWriter(threading.Thread):
    """Proposes unique commands, each sent once, to whichever node serves; remembers those that were acknowledged."""

    def __init__(self, nodes, name):
        super().__init__(daemon=True)
        self.nodes = nodes  # A list that the test changes.
        self.label = name
        self.stopping = threading.Event()
        self.acknowledged, self.unknown = {}, set()

    def run(self):
        number, turn = 0, 0
        while not self.stopping.is_set():
            nodes = list(self.nodes)
            client = Client(nodes[turn % len(nodes)].port, timeout=10.0)
            turn += 1
            try:
                for _ in range(200):
                    number += 1
                    if self.stopping.is_set() or not self.write(client, f"{self.label}-{number}", number):
                        break
            finally:
                client.close()

    def write(self, client, key, number):
        command = json.dumps({"op": "put", "key": key, "value": number})
        try:
            answer = client.ask("POST", "/v1/propose?timeout=4s", command)
        except ConnectionRefusedError:
            time.sleep(0.02)
            return False
        except OSError:
            self.unknown.add(key)
            return False
        except Exception:  # http.client: the node died in the middle of its answer.
            self.unknown.add(key)
            return False
        if answer.status == 200:
            self.acknowledged[key] = answer.json()["index"]
            return True
        if answer.json().get("outcome") != "rejected":
            self.unknown.add(key)
        time.sleep(0.02)
        return False

    def stop(self):
        self.stopping.set()
        self.join(timeout=30)
        assert not self.is_alive()


class MembershipTest(ClusterTest):
    def begin(self, count=1):
        self.group = self.cluster(count, heartbeat=HEARTBEAT, election=ELECTION).start()
        return self.group

    def newcomer(self, number, *extra, listed=True):
        """A node outside of every list."""
        port = free_ports(1)[0]
        data = os.path.join(self.group.directory, f"data{number}")
        arguments = ["--id", str(number), "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--heartbeat", HEARTBEAT,
                     "--election-timeout", ELECTION, *extra]
        node = Node(number, port, data, arguments)
        if listed:
            self.group.nodes.append(node)
        return node

    def joiner(self, number, through, *extra):
        return self.newcomer(number, "--join", self.url(through), *extra).start()

    def url(self, node):
        return f"http://127.0.0.1:{node.port}"

    def member(self, node):
        return {"id": node.number, "url": self.url(node)}

    def add(self, through, node, query="", **more):
        return through.ask("POST", "/v1/members" + query, json.dumps({**self.member(node), **more}), timeout=70.0)

    def remove(self, through, number, query=""):
        return through.ask("DELETE", f"/v1/members/{number}{query}", timeout=70.0)

    def put(self, through, nodes, query=""):
        body = {"voters": [self.member(node) for node in nodes]}
        return through.ask("PUT", "/v1/members" + query, json.dumps(body), timeout=70.0)

    def voters(self, node):
        members = node.ask("GET", "/v1/members").json()
        return [member["id"] for member in members["voters"]]

    def wait_voters(self, node, *numbers):
        def settled():
            members = node.ask("GET", "/v1/members").json()
            ids = [member["id"] for member in members["voters"]]
            return ids == list(numbers) and not members["learners"] and not members["outgoing"]
        wait_for(settled, f"the voters are {numbers}")

    def leader_of(self, nodes):
        def find():
            for node in nodes:
                if node.process is not None and node.status()["role"] == "leader":
                    return node
            return None
        return wait_for(find, "a leader")

    def assert_problem(self, answer, status, code, outcome, part=""):
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["outcome"]), (status, code, outcome), answer)
        self.assertIn(part, answer.json()["detail"])

    def again(self, change):
        """A change, asked for until no other one is under way."""
        def ask():
            answer = change()
            return None if answer.status == 409 and answer.json()["code"] == "change_in_progress" else answer
        answer = wait_for(ask, "no other change is under way")
        self.assertEqual(answer.status, 200, answer)
        return answer

    def check_writes(self, writers, nodes):
        def equal():
            applied = {(node.status()["applied_index"], node.status()["last_index"]) for node in nodes}
            return len(applied) == 1 and len(set(applied.pop())) == 1
        wait_for(equal, "the members have applied all there is")
        for node in nodes:
            seen = {}
            for entry in node.committed():
                if entry["type"] == "command":
                    seen.setdefault(entry["command"]["key"], []).append(entry["index"])
            for writer in writers:
                for key, index in writer.acknowledged.items():
                    self.assertEqual(seen.get(key), [index], f"{key} on node {node.number}")
                for key in writer.unknown:
                    self.assertLessEqual(len(seen.get(key, [])), 1, key)

    def writing(self, nodes, count):
        writers = [RovingWriter(nodes, f"writer{i}") for i in range(count)]
        for writer in writers:
            writer.start()
        self.addCleanup(lambda: [writer.stop() for writer in writers if writer.is_alive()])
        wait_for(lambda: all(writer.acknowledged for writer in writers), "every writer writes")
        return writers

    def go_on(self, writers):
        before = [len(writer.acknowledged) for writer in writers]
        wait_for(lambda: all(len(w.acknowledged) > b for w, b in zip(writers, before)), "writes go on")

    # -- Under load --

    def test_a_whole_life_under_load_loses_nothing(self):
        first = self.begin(1).nodes[0]
        served = [first]
        writers = self.writing(served, 8)
        nodes = {1: first}
        for number in (2, 3, 4, 5):  # 1 to 5.
            nodes[number] = self.joiner(number, first)
            answer = self.again(lambda: self.add(first, nodes[number]))
            self.assertIn(number, [member["id"] for member in answer.json()["voters"]])
            self.go_on(writers)
        self.wait_voters(first, 1, 2, 3, 4, 5)
        served[:] = list(nodes.values())

        lost = nodes[3]  # A volume is lost.
        served.remove(lost)
        lost.kill()
        shutil.rmtree(lost.directory)
        lost.arguments += ["--replace"]
        lost.start()
        wait_for(lost.ready, "the replacement is in")
        self.wait_voters(first, 1, 2, 3, 4, 5)
        self.go_on(writers)

        leader = self.leader_of(nodes.values())  # The leader goes.
        served[:] = [node for node in nodes.values() if node is not leader]
        through = served[0]
        answer = self.remove(through, leader.number)
        self.assertEqual(answer.status, 200, answer)
        wait_for(lambda: leader.status()["role"] == "removed", "it knows that it was removed")
        self.go_on(writers)
        rest = [node for node in nodes.values() if node is not leader]
        for i in range(10):  # Leadership moves around.
            target = rest[i % len(rest)]
            answer = rest[(i + 1) % len(rest)].ask("POST", "/v1/leader/transfer", json.dumps({"to": target.number}))
            self.assertEqual(answer.status, 200, answer)
        self.go_on(writers)

        # All others at once.
        fresh = [self.newcomer(number, "--join", self.url(rest[0]), "--learner").start() for number in (6, 7, 8)]
        served[:] = rest
        answer = self.again(lambda: self.put(rest[0], fresh))
        self.assertEqual([member["id"] for member in answer.json()["voters"]], [6, 7, 8])
        served[:] = fresh
        for node in rest:
            wait_for(lambda: node.status()["role"] == "removed", f"node {node.number} knows that it was removed")
            self.assertEqual(node.ask("GET", "/readyz").status, 503)
        self.go_on(writers)

        last = fresh[2]  # And down to one.
        served[:] = [last]
        for node in fresh[:2]:
            answer = self.remove(last, node.number)
            self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.voters(last), [8])
        self.go_on(writers)
        for writer in writers:
            writer.stop()
        self.assertGreater(sum(len(writer.acknowledged) for writer in writers), 100)
        self.check_writes(writers, [last])

    # -- Refusals --

    def test_changes_that_cannot_be_are_told_why(self):
        group = self.begin(3)
        leader, follower = group.leader(), group.followers()[0]
        index = follower.ask("GET", "/v1/members").json()["index"]
        answer = self.add(follower, leader)  # It is there.
        self.assertEqual((answer.status, answer.json()["index"]), (200, index), answer)
        self.assertEqual(self.remove(follower, 9).status, 200)
        body = json.dumps({"id": leader.number, "url": "http://127.0.0.1:1"})
        self.assert_problem(follower.ask("POST", "/v1/members", body), 409, "conflict", "rejected", "is a member already")
        answer = follower.ask("POST", "/v1/members/9/promote")
        self.assert_problem(answer, 404, "not_found", "rejected", "node 9")
        answer = self.remove(follower, leader.number, "?forward=false")
        self.assertEqual((answer.status, answer.json()["code"]), (307, "not_leader"))
        self.assertEqual(answer.headers["Location"], f"{self.url(leader)}/v1/members/{leader.number}")
        stranger = self.newcomer(7).start()  # A cluster of its own.
        wait_for(stranger.ready, "the stranger leads itself")
        self.assert_problem(self.add(follower, stranger), 409, "conflict", "rejected", "belongs to another cluster")
        body = json.dumps({"id": 8, "url": self.url(stranger)})
        self.assert_problem(follower.ask("POST", "/v1/members", body), 409, "conflict", "rejected", "there is node 7")
        self.assert_problem(self.remove(stranger, 7), 409, "conflict", "rejected", "last voter")
        group.followers()[1].kill()
        silent = [node for node in group.nodes[:3] if node.process is None][0]
        wait_for(lambda: next(peer for peer in leader.status()["peers"] if peer["id"] == silent.number)["last_contact_ms"]
                 > 400, "the dead one is silent")  # It counts as heard for an election time-out.
        self.assert_problem(self.remove(leader, follower.number), 409, "conflict", "rejected", f"silent: {silent.number}")
        self.assertEqual(self.voters(leader), [1, 2, 3])

    def test_a_node_that_does_not_answer_is_given_up_and_meanwhile_nothing_else_begins(self):
        first = self.begin(1).nodes[0]
        nowhere = self.newcomer(9, listed=False)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.add(first, nowhere)))
        asking.start()
        wait_for(lambda: self.remove(first, 1).json()["code"] == "change_in_progress", "the question is under way")
        self.assert_problem(self.put(first, [nowhere]), 409, "change_in_progress", "rejected")
        self.assert_problem(self.add(first, nowhere, "?timeout=200ms"), 504, "timeout", "unknown", "goes on")
        asking.join(timeout=30)
        self.assert_problem(answers[0], 504, "catch_up_failed", "rejected", self.url(nowhere))
        self.assertEqual(self.voters(first), [1])

    # -- Roles --

    def test_a_learner_gets_the_log_and_is_promoted_when_asked(self):
        group = self.begin(3)
        node = self.joiner(4, group.nodes[0], "--learner")
        wait_for(lambda: node.status()["role"] == "learner" and node.ready(), "it learns")
        self.assertEqual(group.nodes[1].propose({"op": "put", "key": "a", "value": 1}).status, 200)
        self.assertEqual(node.query({"op": "get", "key": "a"}).json()["result"], {"found": True, "value": 1})
        answer = self.again(lambda: node.ask("POST", "/v1/members/4/promote"))
        self.assertEqual([member["id"] for member in answer.json()["voters"]], [1, 2, 3, 4])
        wait_for(lambda: node.status()["role"] == "follower", "it votes")

    def test_a_node_that_was_away_while_it_was_removed_disturbs_nobody(self):
        group = self.begin(3)
        leader, away = group.leader(), group.followers()[0]
        away.freeze()
        answer = self.remove(leader, away.number)
        self.assertEqual(answer.status, 200, answer)
        term = leader.status()["term"]
        wait_for(lambda: len(leader.status()["peers"]) == 1, "nobody calls it any more")
        time.sleep(0.5)  # Longer than the farewell lasts: nobody tells it.
        away.thaw()
        wait_for(lambda: away.status()["role"] == "removed", "it learns that it was removed")
        answer = away.propose({"op": "put", "key": "a", "value": 1})
        self.assert_problem(answer, 503, "not_ready", "rejected", "removed")
        self.assertIsNone(answer.headers["Raft-Cluster"])
        self.assertEqual(away.query({"op": "count"}).status, 503)
        self.assertEqual(away.query({"op": "count"}, "?consistency=stale").status, 200)
        self.assertIn("removed", away.ask("GET", "/readyz").json()["detail"])
        time.sleep(1.0)  # Several election time-outs.
        self.assertEqual(leader.status()["term"], term)
        self.again(lambda: self.add(leader, away))  # It may come back.
        wait_for(away.ready, "it is a member again")
        self.wait_voters(leader, 1, 2, 3)

    def test_a_blank_disk_stays_out_until_it_may_take_the_place(self):
        group = self.begin(3)
        lost = group.followers()[0]
        lost.kill()
        shutil.rmtree(lost.directory)
        lost.start()
        why = lambda: " ".join(entry["why"] for entry in lost.status()["waiting_for"])
        wait_for(lambda: "--replace" in why(), "it names the cure")
        self.assertEqual(lost.status()["role"], "waiting")
        lost.kill()
        before = group.leader().status()["configuration"]["index"]
        lost.arguments += ["--replace"]
        lost.start()
        wait_for(lost.ready, "it has taken its own place")
        self.wait_voters(group.leader(), 1, 2, 3)
        self.assertGreater(group.leader().status()["configuration"]["index"], before)
        lost.kill()  # From now on --replace says nothing.
        lost.start()
        wait_for(lost.ready, "it comes back")

    def test_a_node_that_comes_back_elsewhere_tells_the_others(self):
        group = self.begin(3)
        moved = group.followers()[0]
        moved.kill()
        moved.port = free_ports(1)[0]
        url = f"http://127.0.0.1:{moved.port}"
        moved.arguments = ["--id", str(moved.number), "--listen", f"127.0.0.1:{moved.port}", "--data-dir", moved.directory,
                           "--heartbeat", HEARTBEAT, "--election-timeout", ELECTION]
        moved.start()
        wait_for(moved.ready, "the leader finds it")
        for node in group.nodes:
            wait_for(lambda: url in [member["url"] for member in node.status()["configuration"]["voters"]], "all know")

    def test_a_cluster_whose_every_node_has_moved_finds_together(self):
        group = self.begin(3)
        learner = self.joiner(4, group.nodes[0], "--learner")
        wait_for(learner.ready, "it learns")
        self.assertEqual(learner.propose({"op": "put", "key": "a", "value": 1}).status, 200)
        for node in group.nodes:
            node.kill()
        ports = free_ports(4)
        listed = ",".join(f"{i + 1}=http://127.0.0.1:{port}" for i, port in enumerate(ports[:3]))
        for node, port in zip(group.nodes, ports):
            node.port = port
            known = ["--cluster", listed] if node is not learner else ["--join", self.url(group.nodes[1]), "--learner"]
            node.arguments = ["--id", str(node.number), "--listen", f"127.0.0.1:{port}", "--data-dir", node.directory,
                              "--heartbeat", HEARTBEAT, "--election-timeout", ELECTION, *known]
        for node in group.nodes:
            node.start()
        wanted = {self.url(node) for node in group.nodes}
        for node in group.nodes:
            wait_for(lambda: wanted == {member["url"] for role in ("voters", "learners") for member in
                                        node.status()["configuration"][role]}, f"node {node.number} knows where all are")
        self.assertEqual(learner.query({"op": "get", "key": "a"}).json()["result"], {"found": True, "value": 1})

    # -- Leaders die in the middle --

    def test_the_next_leader_completes_an_addition(self):
        group = self.begin(3)
        leader, follower = group.leader(), group.followers()[0]
        node = self.newcomer(4, "--join", self.url(follower)).start()
        wait_for(lambda: 4 in [m["id"] for role in ("voters", "learners") for m in
                               leader.status()["configuration"][role]], "it is on its way")
        leader.kill()
        rest = [n for n in group.nodes if n is not leader]
        wait_for(lambda: self.voters(self.leader_of(rest)) == [1, 2, 3, 4], "the next leader completes it")
        wait_for(node.ready, "it is in")

    def test_the_next_leader_completes_a_change_of_all(self):
        group = self.begin(3)
        old = list(group.nodes)
        fresh = [self.joiner(number, old[0], "--learner") for number in (4, 5, 6)]
        for node in fresh:
            wait_for(node.ready, "it learns")
        leader = group.nodes[int(old[0].status()["leader"]["id"]) - 1]
        asking = threading.Thread(target=lambda: self.put([n for n in old if n is not leader][0], fresh, "?timeout=20s"))
        asking.start()
        wait_for(lambda: leader.status()["configuration"]["index"] > 4 and
                 leader.status()["configuration"]["voters"] != [], "it begins")
        leader.kill()
        self.wait_voters(fresh[0], 4, 5, 6)
        asking.join(timeout=30)
        answer = fresh[1].propose({"op": "put", "key": "after", "value": 1})
        self.assertEqual(answer.status, 200, answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
