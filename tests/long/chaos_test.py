#!/usr/bin/env python3
"""Three nodes that take snapshots all the time are killed, frozen and restarted at random while clients write exactly once, read,
page through the log and watch. Nothing acknowledged is lost, nothing is applied twice, nobody ever sees anything else than the others.
RAFTD_LONG_SECONDS says how long (60), RAFTD_LONG_SEED repeats a choice of events."""

import http.client
import json
import os
import random
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from harness import Client, ClusterTest, wait_for

SECONDS = float(os.environ.get("RAFTD_LONG_SECONDS", "60"))
SEED = int(os.environ.get("RAFTD_LONG_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
NO_ANSWER = (OSError, http.client.HTTPException, ValueError)
PATIENCE = 60.0  # Seconds after which a proposal without an answer counts as failed: longer than anything that is done to the nodes.


class Worker(threading.Thread):
    """Goes on until it is stopped; its first failure is kept for the test."""

    def __init__(self, cluster, name):
        super().__init__(daemon=True)
        self.cluster, self.label = cluster, name
        self.random = random.Random(f"{SEED} {name}")
        self.stopping = threading.Event()
        self.failure = None
        self.done = 0

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
        except Exception as error:  # pylint: disable=broad-except
            self.failure = f"{self.label}: {error!r}"

    def check(self, truth, text):
        if not truth:
            raise AssertionError(text)

    def ask(self, node, method, path, body=None, headers=None, timeout=3.0):
        client = Client(node.port, timeout)
        try:
            return client.ask(method, path, body, headers)
        finally:
            client.close()

    def any_node(self):
        return self.random.choice(self.cluster.nodes)


class Writer(Worker):
    """Puts 1, 2, 3... under one key. Each is tried at any node until it is answered, so `previous` must always be one less."""

    def __init__(self, cluster, name):
        super().__init__(cluster, name)
        self.begun = self.ended = 0  # The number that was last sent, and last acknowledged;
        self.index = 0               # where that one is.

    def insist(self, method, path, body=None, headers=None):
        """The answer that is neither a failure nor an error of the moment."""
        end = time.monotonic() + PATIENCE
        tried = 0
        while time.monotonic() < end:
            try:
                answer = self.ask(self.any_node(), method, path, body, headers)
            except NO_ANSWER:
                time.sleep(0.02)
                tried += 1
                continue
            if answer.status < 400:
                return answer, tried
            self.check(answer.status in (429, 503, 504), f"{method} {path}: {answer}")
            tried += answer.json().get("outcome") == "unknown"
            time.sleep(0.02)
        raise AssertionError(f"no answer within {PATIENCE} s to {method} {path}")

    def put(self, path, headers=None):
        self.begun += 1
        body = json.dumps({"op": "put", "key": self.label, "value": self.begun})
        answer, tried = self.insist("POST", path, body, headers)
        got = answer.json()
        self.check(tried or "duplicate" not in got, f"{path}: a duplicate of nothing: {got}")
        expected = {"previous": self.begun - 1} if self.begun > 1 else {}
        self.check(got["result"] == expected, f"number {self.begun} was answered {got}")
        self.check(got["index"] > self.index, f"number {self.begun} is at {got['index']}, the one before at {self.index}")
        self.ended, self.index, self.done = self.begun, got["index"], self.done + 1
        return got


class SessionWriter(Writer):
    session = None

    def step(self):
        if self.session is None:
            self.session = self.insist("POST", "/v1/sessions")[0].json()["session"]
        got = self.put(f"/v1/propose?timeout=2s&session={self.session}&seq={self.begun + 1}")
        if self.random.random() < 0.1:
            read = self.insist("GET", f"/v1/sessions/{self.session}?timeout=2s")[0].json()
            got.pop("duplicate", None)
            self.check(read == {"session": self.session, "seq": self.ended, **got}, f"{read}, but {got} was answered")


class KeyWriter(Writer):
    def __init__(self, cluster, name):
        super().__init__(cluster, name)
        self.old = []

    def step(self):
        key = f"{self.label} {self.begun + 1}"
        got = self.put("/v1/propose?timeout=2s", {"Idempotency-Key": key})
        got["duplicate"] = True
        self.old.append((key, got))
        if self.random.random() < 0.3:
            number = self.random.randrange(len(self.old))
            key, first = self.old[number]
            body = json.dumps({"op": "put", "key": self.label, "value": number + 1})
            again = self.insist("POST", "/v1/propose?timeout=2s", body, {"Idempotency-Key": key})[0].json()
            self.check(again == first, f"first {first}, then {again}")


class Reader(Worker):
    """What was acknowledged before a read began is seen by it, and nothing that nobody sent."""

    def __init__(self, cluster, name, writers):
        super().__init__(cluster, name)
        self.writers = writers

    def step(self):
        writer = self.random.choice(self.writers)
        at_least, index = writer.ended, writer.index
        how = self.random.choice(["consistency=linearizable", "consistency=lease", f"consistency=stale&min_index={index}"])
        try:
            answer = self.ask(self.any_node(), "POST", f"/v1/query?timeout=2s&{how}", json.dumps({"op": "get", "key": writer.label}))
        except NO_ANSWER:
            time.sleep(0.02)
            return
        if answer.status != 200:
            self.check(answer.status in (429, 503, 504), f"{how}: {answer}")
            time.sleep(0.02)
            return
        got = answer.json()["result"].get("value", 0)
        self.check(at_least <= got <= writer.begun, f"{how} of {writer.label}: {got}, not {at_least} to {writer.begun}")
        self.done += 1


class History:
    """What everybody saw at an index of the log: one thing."""

    def __init__(self):
        self.lock = threading.Lock()
        self.at = {}

    def saw(self, index, term, command, who):
        with self.lock:
            first = self.at.setdefault(index, (term, command, who))
        if first[:2] != (term, command):
            raise AssertionError(f"at {index} {who} saw {(term, command)}, and {first[2]} saw {first[:2]}")


class Pager(Worker):
    def __init__(self, cluster, name, node, history):
        super().__init__(cluster, name)
        self.node, self.history, self.next = node, history, 1

    def step(self):
        try:
            answer = self.ask(self.node, "GET", f"/v1/log?from={self.next}&limit=100")
        except NO_ANSWER:
            time.sleep(0.05)
            return
        if answer.status == 410:
            self.check(answer.json()["first_index"] > self.next, f"from={self.next}: {answer}")
            self.next = answer.json()["first_index"]
            return
        if answer.status != 200:
            self.check(answer.status == 503, f"{answer}")
            time.sleep(0.05)
            return
        page = answer.json()
        entries = page["entries"]
        self.check([entry["index"] for entry in entries] == list(range(self.next, self.next + len(entries))), f"{page}")
        for entry in entries:
            if entry["index"] <= page["commit_index"]:
                self.history.saw(entry["index"], entry["term"], entry["command"], f"the log of node {self.node.number}")
                self.next, self.done = entry["index"] + 1, self.done + 1
        time.sleep(0.05)


class Watcher(Worker):
    def __init__(self, cluster, name, node, history):
        super().__init__(cluster, name)
        self.node, self.history, self.last = node, history, 0

    def step(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=3.0)
        try:
            connection.request("GET", "/v1/watch?from=1", headers={"Last-Event-ID": str(self.last)})
            response = connection.getresponse()
            if response.status == 410:
                self.last = json.loads(response.read())["first_index"] - 1
            elif response.status == 200:
                self.follow(response)
            else:
                self.check(response.status == 503, f"{response.status} {response.read()!r}")
        except (*NO_ANSWER, socket.timeout):
            time.sleep(0.05)
        finally:
            connection.close()

    def follow(self, response):
        event = None
        while not self.stopping.is_set():
            line = response.readline().decode()
            if not line:
                return
            if line.startswith("event: "):
                event = line[7:].strip()
            elif line.startswith("data: ") and event == "command":
                data = json.loads(line[6:])
                self.check(data["index"] > self.last, f"{data} after {self.last}")
                self.history.saw(data["index"], data["term"], data["command"], f"the watcher of node {self.node.number}")
                self.last, self.done = data["index"], self.done + 1
            elif line.startswith("data: ") and event == "end":
                problem = json.loads(line[6:])
                self.check(problem["code"] in ("compacted", "shutting_down", "timeout"), f"{problem}")


class Chaos(Worker):
    """One node or two at a time are killed or frozen for a while, or take a snapshot, or hand over."""

    def step(self):
        time.sleep(self.random.uniform(0.1, 1.0))
        kind = self.random.choice(["kill", "kill", "kill two", "freeze", "freeze", "kill while frozen", "stop", "snapshot", "transfer"])
        nodes = self.random.sample(self.cluster.nodes, 2 if kind == "kill two" else 1)
        pause = self.random.choice([0.05, 0.5, 2.0])
        if kind in ("freeze", "kill while frozen"):
            nodes[0].freeze()
            time.sleep(pause)
            if kind == "freeze":
                nodes[0].thaw()
        elif kind in ("snapshot", "transfer"):
            path = "/v1/snapshot" if kind == "snapshot" else "/v1/leader/transfer"
            try:
                self.ask(nodes[0], "POST", path + "?timeout=2s")
            except NO_ANSWER:
                pass
        if kind.startswith("kill"):
            for node in nodes:
                node.kill()
        elif kind == "stop":
            self.check(nodes[0].stop() == 0, f"node {nodes[0].number} did not end well")
        for node in nodes:
            if node.process is None:
                time.sleep(pause)
                node.start()
        self.done += 1


class ChaosTest(ClusterTest):
    def check_alive(self, cluster):
        for node in cluster.nodes:
            if node.process is not None:
                self.assertIsNone(node.process.poll(), f"node {node.number} ended by itself:\n" + node.log()[-2000:])

    def check_end(self, cluster, writers):
        """The same state everywhere, and in it what was acknowledged."""
        cluster.wait_ready()
        cluster.wait_equal()
        hashes = [node.status()["state_hash"] for node in cluster.nodes]
        self.assertEqual(len({(state["index"], state["hash"]) for state in hashes}), 1, hashes)
        states = [node.query({"op": "list"}, "?consistency=stale").body for node in cluster.nodes]
        for node, state in zip(cluster.nodes, states):
            result = json.loads(state)["result"]
            self.assertEqual(result, json.loads(states[0])["result"], f"node {node.number}")
            values = {entry["key"]: entry["value"] for entry in result["entries"]}
            for writer in writers:
                self.assertEqual(values.get(writer.label, 0), writer.ended, f"{writer.label} on node {node.number}")
                if isinstance(writer, SessionWriter) and writer.session:
                    self.assertEqual(node.ask("GET", f"/v1/sessions/{writer.session}").json()["seq"], writer.ended)

    def test_nothing_is_lost_or_applied_twice_whatever_is_done_to_the_nodes(self):
        print(f"RAFTD_LONG_SEED={SEED}", flush=True)
        cluster = self.cluster(3, extra=["--snapshot-entries", "50"]).start()
        history = History()
        writers = [SessionWriter(cluster, f"session{n}") for n in range(4)] + [KeyWriter(cluster, f"key{n}") for n in range(3)]
        others = [Reader(cluster, f"reader{n}", writers) for n in range(2)]
        for node in cluster.nodes:
            others += [Pager(cluster, f"pager{node.number}", node, history), Watcher(cluster, f"watcher{node.number}", node, history)]
        chaos = Chaos(cluster, "chaos")
        workers = [chaos, *writers, *others]
        for worker in workers:
            worker.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and not any(worker.failure for worker in workers):
            time.sleep(0.2)
        for group in ([chaos], writers, others):  # With the nodes at peace the writers get their last answers.
            for worker in group:
                worker.stopping.set()
            for worker in group:
                worker.join(timeout=PATIENCE + 10)
                self.assertFalse(worker.is_alive(), worker.label)
        self.assertEqual([worker.failure for worker in workers if worker.failure], [])
        self.check_alive(cluster)
        self.check_end(cluster, writers)
        wait_for(lambda: all(node.status()["snapshot"] for node in cluster.nodes), "everybody has a snapshot")
        print(", ".join(f"{worker.label} {worker.done}" for worker in workers))
        for worker in workers:
            self.assertGreater(worker.done, 0, worker.label)


if __name__ == "__main__":
    unittest.main()
