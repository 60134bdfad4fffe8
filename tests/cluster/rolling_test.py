"""All nodes are restarted one after the other, by SIGTERM and under load: no request fails of a client that retries once on
503. With RAFTD_PREVIOUS, an earlier raftd, the same as an upgrade, and one node goes back."""

import http.client
import json
import os
import threading
import time
import unittest

from harness import RAFTD, Client, ClusterTest, Node, free_ports, wait_for

PREVIOUS = os.environ.get("RAFTD_PREVIOUS")


class Caller(threading.Thread):
    """Calls the nodes in turn, each request on a connection of its own. Where nobody listens it takes the next node, as
    nothing was sent; a 503 is tried once again at the next one. All else that is not 200 is a failure."""

    def __init__(self, nodes, name):
        super().__init__(daemon=True)
        self.nodes, self.label = nodes, name
        self.stopping = threading.Event()
        self.acknowledged, self.failures, self.cut, self.retried, self.turn = {}, [], [], 0, 0

    def ask(self, path, body):
        """The answer; None if no node listens."""
        for _ in self.nodes:
            self.turn += 1
            client = Client(self.nodes[self.turn % len(self.nodes)].port, timeout=10.0)
            try:
                return client.ask("POST", path, body)
            except ConnectionRefusedError:
                continue
            finally:
                client.close()
        return None

    def request(self, path, body):
        try:
            answer = self.ask(path, body)
            if answer is not None and answer.status == 503:
                self.retried += 1
                time.sleep(float(answer.headers.get("Retry-After", "0")) / 10)
                answer = self.ask(path, body)
        except (OSError, http.client.HTTPException) as error:
            self.cut.append(repr(error))
            return None
        if answer is None or answer.status != 200:
            self.failures.append(repr(answer))
            return None
        return answer.json()

    def run(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            key = f"{self.label}-{number}"
            written = self.request("/v1/propose", json.dumps({"op": "put", "key": key, "value": number}))
            if written is not None:
                self.acknowledged[key] = written["index"]
                read = self.request("/v1/query", json.dumps({"op": "get", "key": key}))
                if read is not None and read["result"].get("value") != number:
                    self.failures.append(f"{key} was {read}")

    def stop(self):
        self.stopping.set()
        self.join(timeout=30)


class RollingTest(ClusterTest):
    def roll(self, cluster, program, callers):
        for node in cluster.nodes:
            self.assertEqual(node.stop(), 0)
            self.call_on(callers)
            node.program = program
            node.start()
            wait_for(node.ready, f"node {node.number} serves again")
            self.call_on(callers)

    def call_on(self, callers):
        before = [len(caller.acknowledged) for caller in callers]
        wait_for(lambda: all(len(caller.acknowledged) > count + 5 for caller, count in zip(callers, before)), "writes go on")

    def calling(self, cluster):
        callers = [Caller(cluster.nodes, f"caller{number}") for number in range(3)]
        for caller in callers:
            caller.start()
        self.addCleanup(lambda: [caller.stop() for caller in callers])
        self.call_on(callers)
        return callers

    def check(self, cluster, callers, cut_off=False):
        for caller in callers:
            caller.stop()
            self.assertEqual(caller.failures, [])
            if not cut_off:
                self.assertEqual(caller.cut, [])
        cluster.wait_equal()
        for node in cluster.nodes:
            client = Client(node.port)
            for caller in callers:
                for key in caller.acknowledged:
                    answer = client.ask("POST", "/v1/query?consistency=stale", json.dumps({"op": "get", "key": key})).json()
                    self.assertEqual(answer["result"].get("value"), int(key.rsplit("-")[-1]), f"{key} on node {node.number}")
            client.close()
        self.assertEqual(len({node.status()["state_hash"]["hash"] for node in cluster.nodes}), 1)

    def test_no_request_fails_while_all_nodes_are_restarted(self):
        cluster = self.cluster(heartbeat="50ms", election="1s").start()
        callers = self.calling(cluster)
        self.roll(cluster, RAFTD, callers)
        self.check(cluster, callers)

    @unittest.skipUnless(PREVIOUS, "RAFTD_PREVIOUS names no earlier raftd (tests/upgrade/run builds one)")
    def test_an_upgrade_is_the_same_and_so_is_going_back(self):
        cluster = self.cluster(heartbeat="50ms", election="1s", extra=["--snapshot-entries", "200"])
        for node in cluster.nodes:
            node.program = PREVIOUS
        cluster.start()
        callers = self.calling(cluster)
        self.roll(cluster, RAFTD, callers)
        self.roll(cluster, PREVIOUS, callers)
        # Mixed, each of them leads once.
        cluster.nodes[0].stop()
        cluster.nodes[0].program = RAFTD
        cluster.nodes[0].start()
        wait_for(cluster.nodes[0].ready, "the cluster is mixed")
        for node in cluster.nodes:
            answer = node.ask("POST", "/v1/leader/transfer", json.dumps({"to": node.number}))
            self.assertEqual(answer.json().get("leader"), node.number, answer)
            self.call_on(callers)
        self.newcomers(cluster, callers)
        # What an earlier version did to connections when it ended is not this one's.
        self.check(cluster, callers, cut_off=True)

    def newcomers(self, cluster, callers):
        """Blank ones of one kind get snapshot and log from a leader of the other."""
        for leader, program in ((cluster.nodes[0], PREVIOUS), (cluster.nodes[1], RAFTD)):
            answer = leader.ask("POST", "/v1/leader/transfer", json.dumps({"to": leader.number}))
            self.assertEqual(answer.json().get("leader"), leader.number, answer)
            wait_for(lambda: leader.status()["first_index"] > 1, "the log is cut")  # pylint: disable=cell-var-from-loop
            number, port = len(cluster.nodes) + 1, free_ports(1)[0]
            data = os.path.join(cluster.directory, f"data{number}")
            node = Node(number, port, data, ["--id", str(number), "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--join",
                                             f"http://127.0.0.1:{leader.port}", "--heartbeat", "50ms", "--election-timeout", "1s"])
            node.program = program
            cluster.nodes.append(node.start())
            wait_for(node.ready, "a blank one of the other kind is in")
            self.assertGreater(node.status()["snapshot"]["index"], 0)
            self.call_on(callers)


if __name__ == "__main__":
    unittest.main()
