"""Exactly once: the same proposal sent again and again, through every node, while leaders die."""

import http.client
import json
import threading
import time
import unittest

from harness import ClusterTest, wait_for


def put(key, value):
    return json.dumps({"op": "put", "key": key, "value": value})


def send(node, body, query="", key=None, timeout=20.0):
    headers = {} if key is None else {"Idempotency-Key": key}
    return node.ask("POST", "/v1/propose" + query, body, headers, timeout=timeout)


def open_session(node):
    answer = node.ask("POST", "/v1/sessions")
    assert answer.status == 201, answer
    session = answer.json()["session"]
    assert answer.headers["Raft-Index"] == str(session), answer.headers
    return session


def problem(answer):
    body = answer.json()
    return answer.status, body["code"], body.get("outcome")


class Client(threading.Thread):
    """One client that counts: it reads and swaps one key of its own from n to n + 1, and sends each swap to one node after the
    other until it is told how it ended. Each was applied once when all of them swapped."""

    def __init__(self, nodes, name, in_session):
        super().__init__(daemon=True)
        self.nodes, self.label = nodes, name
        self.session = open_session(nodes[0]) if in_session else None
        self.stopping = threading.Event()
        self.count, self.retries, self.answers, self.wrong = 0, 0, [], []

    def attempt(self, node, body):
        if self.session:
            return send(node, body, f"?timeout=2s&session={self.session}&seq={self.count + 1}", timeout=4.0)
        return send(node, body, "?timeout=2s", f"{self.label} \"{self.count + 1}\"", timeout=4.0)

    def run(self):
        turn = 0
        while not self.stopping.is_set():
            command = {"op": "cas", "key": self.label, "value": self.count + 1}
            if self.count > 0:
                command["expected"] = self.count
            body, answer = json.dumps(command), None
            while answer is None:
                node = self.nodes[turn % len(self.nodes)]
                turn += 1
                try:
                    answer = self.attempt(node, body)
                except (OSError, http.client.HTTPException):
                    time.sleep(0.01)
                    continue
                if answer.status != 200:
                    if answer.status not in (429, 503, 504):
                        self.wrong.append(answer)
                        return
                    answer = None
            result = answer.json()
            if result["result"] != {"swapped": True}:
                self.wrong.append(answer)
                return
            self.retries += 1 if result.get("duplicate") else 0
            self.answers.append((result["index"], result["term"]))
            self.count += 1

    def stop(self):
        self.stopping.set()
        self.join(timeout=60.0)
        assert not self.is_alive()


class ExactlyOnceTest(ClusterTest):
    def value(self, node, key):
        return node.query({"op": "get", "key": key}).json()["result"].get("value")

    def same_everywhere(self, cluster, first, body, query="", key=None):
        """Every node answers the retry with the first attempt's answer."""
        for node in cluster.nodes:
            answer = send(node, body, query, key)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json(), {**first.json(), "duplicate": True})
            self.assertEqual(answer.headers["Raft-Index"], str(first.json()["index"]))

    def test_a_retry_through_every_node_has_the_first_answer(self):
        cluster = self.cluster().start()
        leader, follower = cluster.leader(), cluster.followers()[0]
        leader.propose({"op": "put", "key": "a", "value": 0})
        session = open_session(follower)
        query = f"?session={session}&seq=1"
        first = send(follower, put("a", 1), query)
        self.assertEqual((first.status, first.json()["result"]), (200, {"previous": 0}))
        self.assertNotIn("duplicate", first.json())
        key = "order 4711 \"\\~"
        keyed = send(leader, put("a", 2), key=key)
        self.assertEqual((keyed.status, keyed.json()["result"]), (200, {"previous": 1}))
        self.same_everywhere(cluster, first, put("a", "another body"), query)
        self.same_everywhere(cluster, keyed, "  " + put("a", 2) + "\n", key=key)
        self.assertEqual(self.value(follower, "a"), 2)

    def test_the_answer_outlives_leaders_and_restarts_of_all(self):
        cluster = self.cluster().start()
        session = open_session(cluster.nodes[0])
        query = f"?session={session}&seq=3"
        first = send(cluster.nodes[0], put("a", 1), query)
        keyed = send(cluster.nodes[1], put("b", 1), key="k")
        leader = cluster.leader()
        leader.kill()
        for node in [node for node in cluster.nodes if node is not leader]:
            answer = wait_for(lambda: (a := send(node, put("a", 1), query)).status == 200 and a, "a new leader answers")
            self.assertEqual(answer.json(), {**first.json(), "duplicate": True})
        leader.start()
        cluster.wait_ready()
        for node in cluster.nodes:
            node.kill()
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        self.same_everywhere(cluster, first, put("a", 1), query)
        self.same_everywhere(cluster, keyed, put("b", 1), key="k")

    def test_clients_that_send_until_they_hear_are_applied_once_while_leaders_die(self):
        cluster = self.cluster().start()
        clients = [Client(cluster.nodes, f"c{i}", i % 2 == 0) for i in range(4)]
        for client in clients:
            client.start()
        for _ in range(5):
            before = [client.count for client in clients]
            wait_for(lambda: all(c.count > n + 5 or c.wrong for c, n in zip(clients, before)), "every client goes on")
            leader = cluster.leader()
            leader.kill()
            cluster.leader()
            leader.start()
        for client in clients:
            client.stop()
            self.assertEqual(client.wrong, [])
        cluster.wait_equal()
        for node in cluster.nodes:
            for client in clients:
                self.assertEqual(node.query({"op": "get", "key": client.label}, "?consistency=stale").json()["result"],
                                 {"found": True, "value": client.count})
        self.check_log(cluster, clients)
        session = clients[0]
        state = cluster.nodes[1].ask("GET", f"/v1/sessions/{session.session}").json()
        self.assertEqual((state["seq"], state["index"], state["result"]),
                         (session.count, session.answers[-1][0], {"swapped": True}))

    def check_log(self, cluster, clients):
        """What was answered stands in the log, and the answer is always that of the first entry of its kind."""
        first = {}
        for entry in cluster.nodes[0].committed():
            if entry["type"] == "command":
                first.setdefault((entry["command"]["key"], entry["command"]["value"]), (entry["index"], entry["term"]))
                self.assertTrue("idempotency_key" in entry or ("session" in entry and "seq" in entry))
        for client in clients:
            for i, answer in enumerate(client.answers):
                self.assertEqual(first[(client.label, i + 1)], answer)

    def test_what_is_refused_in_log_order(self):
        cluster = self.cluster().start()
        follower = cluster.followers()[0]
        session = open_session(follower)
        send(follower, put("a", 1), f"?session={session}&seq=5")
        self.assertEqual(problem(send(follower, put("a", 2), f"?session={session}&seq=4")), (409, "stale_sequence", "rejected"))
        self.assertEqual(problem(send(follower, put("a", 2), f"?session={session + 1000}&seq=4")),
                         (410, "session_expired", "rejected"))
        send(follower, put("a", 3), key="k")
        self.assertEqual(problem(send(follower, put("a", 4), key="k")), (422, "key_reused", "rejected"))
        self.assertEqual(problem(send(follower, '{"op":"no"}', f"?session={session}&seq=6")),
                         (422, "invalid_command", "rejected"))
        answer = send(follower, put("a", 5), f"?session={session}&seq=6")
        self.assertEqual((answer.status, answer.json()["result"]), (200, {"previous": 3}))

    def test_sessions_are_opened_looked_at_and_closed(self):
        cluster = self.cluster().start()
        leader, follower = cluster.leader(), cluster.followers()[0]
        session = open_session(follower)
        path = f"/v1/sessions/{session}"
        for node in cluster.nodes:
            self.assertEqual(node.ask("GET", path).json(), {"session": session, "seq": 0})
        first = send(leader, put("a", 1), f"?session={session}&seq=2").json()
        for node in cluster.nodes:
            self.assertEqual(node.ask("GET", path).json(), {"session": session, "seq": 2, **first})
        redirect = follower.ask("DELETE", path + "?forward=false")
        self.assertEqual((redirect.status, redirect.headers["Location"]), (307, f"http://127.0.0.1:{leader.port}{path}"))
        closed = follower.ask("DELETE", path)
        self.assertEqual((closed.status, closed.body), (204, b""))
        self.assertEqual(problem(follower.ask("DELETE", path)), (410, "session_expired", "rejected"))
        self.assertEqual(problem(follower.ask("GET", path)), (410, "session_expired", None))
        types = [entry["type"] for entry in leader.committed()]
        self.assertEqual(types.count("session"), 3)

    def test_nonsense_is_refused_at_the_door(self):
        cluster = self.cluster(1).start()
        node = cluster.nodes[0]
        for query, headers in [("?session=1", {}), ("?seq=1", {}), ("?session=0&seq=1", {}), ("?session=1&seq=0", {}),
                               ("?session=1&seq=9007199254740992", {}), ("?session=1&seq=1", {"Idempotency-Key": "k"}),
                               ("", {"Idempotency-Key": ""}), ("", {"Idempotency-Key": "k" * 129}),
                               ("?session=1&seq=1", {"Content-Type": "application/x-ndjson"}),
                               ("", {"Idempotency-Key": "k", "Content-Type": "application/x-ndjson"})]:
            answer = node.ask("POST", "/v1/propose" + query, put("a", 1), headers)
            self.assertEqual(problem(answer), (400, "bad_request", "rejected"), (query, headers))
        self.assertEqual(send(node, put("a", 1), key="k" * 128).status, 200)
        self.assertEqual(problem(node.ask("GET", "/v1/sessions/0"))[:2], (400, "bad_request"))
        self.assertEqual(problem(node.ask("GET", "/v1/sessions/x"))[:2], (404, "not_found"))
        self.assertEqual([e["type"] for e in node.committed()].count("command"), 1)

    def test_a_watch_tells_retries(self):
        cluster = self.cluster(1).start()
        node = cluster.nodes[0]
        session = open_session(node)
        for _ in range(2):
            send(node, put("a", 1), f"?session={session}&seq=1")
            send(node, put("a", 2), key="k\"")
        send(node, put("a", 3))
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20.0)
        self.addCleanup(connection.close)
        connection.request("GET", "/v1/watch?from=1")
        response, origins = connection.getresponse(), []
        while len(origins) < 5:
            line = response.readline()
            if line.startswith(b"data: "):
                data = json.loads(line[6:])
                origins.append({name: data[name] for name in ("session", "seq", "idempotency_key") if name in data})
        in_session, keyed = {"session": session, "seq": 1}, {"idempotency_key": "k\""}
        self.assertEqual(origins, [in_session, keyed, in_session, keyed, {}])


if __name__ == "__main__":
    unittest.main()
