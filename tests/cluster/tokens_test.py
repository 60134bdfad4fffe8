"""A cluster with tokens: nodes that call each other with theirs, and tokens that change while it works."""

import json
import os
import threading
import unittest

from harness import Client, ClusterTest, wait_for

TOKENS = "read r-1\nwrite w-1 app\nadmin a-1\npeer p-1\n"


def bearer(token):
    return {"Authorization": "Bearer " + token}


def put_tokens(path, text):
    """As a careful administrator does it: whole, at once."""
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.replace(path + ".new", path)


class Writer(threading.Thread):
    """Writes through one node, and remembers every answer that was not 200."""

    def __init__(self, node, token):
        super().__init__(daemon=True)
        self.node, self.token = node, token
        self.stopping = threading.Event()
        self.done, self.failed = 0, []

    def run(self):
        client = Client(self.node.port)
        while not self.stopping.is_set():
            answer = client.ask("POST", "/v1/propose", json.dumps({"op": "put", "key": "k", "value": self.done}), bearer(self.token))
            if answer.status == 200:
                self.done += 1
            else:
                self.failed.append(answer)
        client.close()


class TokensTest(ClusterTest):
    def guarded(self):
        """Three nodes, each with a token file of its own."""
        cluster = self.cluster()
        self.paths = []
        for node in cluster.nodes:
            path = os.path.join(cluster.directory, f"tokens{node.number}")
            put_tokens(path, TOKENS)
            self.paths.append(path)
            node.arguments += ["--token-file", path]
            node.headers = bearer("r-1")
        return cluster.start()

    def change_all(self, cluster, text):
        """Every node has read the new file when this returns."""
        before = [node.log().count("tokens read anew") for node in cluster.nodes]
        for path in self.paths:
            put_tokens(path, text)
        for node, count in zip(cluster.nodes, before):
            wait_for(lambda: node.log().count("tokens read anew") > count, f"node {node.number} has read its tokens")

    def test_a_cluster_with_tokens_does_all_that_one_without_does(self):
        cluster = self.guarded()
        follower = cluster.followers()[0]
        answer = follower.propose({"op": "put", "key": "a", "value": 1}, headers=bearer("w-1"))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(follower.query({"op": "get", "key": "a"}).json()["result"], {"found": True, "value": 1})
        nodes = follower.ask("GET", "/v1/cluster").json()["nodes"]
        self.assertEqual([node["reachable"] for node in nodes], [True] * 3, nodes)
        answer = follower.propose({"op": "delete", "key": "a"}, "?forward=false", headers=bearer("w-1"))
        self.assertEqual((answer.status, answer.headers["Location"]), (307, f"http://127.0.0.1:{cluster.leader().port}/v1/propose"))
        answer = follower.ask("POST", "/v1/leader/transfer", json.dumps({"to": follower.number}), bearer("a-1"))
        self.assertEqual(answer.json()["leader"], follower.number, answer)

    def test_without_the_right_token_nothing_is_done_or_told(self):
        cluster = self.guarded()
        node = cluster.nodes[0]
        self.assertEqual(node.ask("GET", "/v1/status", headers={}).status, 401)
        self.assertEqual(node.ask("GET", "/metrics", headers={}).status, 401)
        self.assertEqual(node.propose({"op": "put", "key": "a", "value": 1}, headers=bearer("r-1")).status, 403)
        self.assertEqual(node.propose({"op": "put", "key": "a", "value": 1}, headers=bearer("p-1")).status, 403)
        self.assertEqual(node.ask("POST", "/raft/v1/request_vote", "{}", bearer("a-1")).status, 403)
        self.assertEqual(node.ask("GET", "/healthz", headers={}).status, 200)
        self.assertEqual(node.ask("GET", "/", headers={}).status, 200)
        self.assertEqual(node.query({"op": "count"}).json()["result"], {"count": 0})
        for secret in ("r-1", "w-1", "a-1", "p-1"):
            self.assertNotIn(secret, "".join(each.log() for each in cluster.nodes))

    def test_tokens_are_changed_without_a_failed_request(self):
        cluster = self.guarded()
        writers = [Writer(node, "w-1") for node in cluster.nodes]
        for writer in writers:
            writer.start()
        # The new one is added, is used, and the old one goes.
        self.change_all(cluster, TOKENS + "peer p-2\n")
        self.change_all(cluster, TOKENS.replace("p-1", "p-2") + "peer p-1\n")
        self.change_all(cluster, TOKENS.replace("p-1", "p-2"))
        counts = [writer.done for writer in writers]
        wait_for(lambda: all(writer.done > count + 5 for writer, count in zip(writers, counts)), "writers go on")
        for writer in writers:
            writer.stopping.set()
            writer.join()
            self.assertEqual(writer.failed, [])
        self.change_all(cluster, "write w-2\nread r-1\npeer p-2\n")
        self.assertEqual(cluster.nodes[0].propose({"op": "delete", "key": "k"}, headers=bearer("w-1")).status, 401)

    def test_a_node_with_another_peer_token_is_named_and_comes_back_when_it_has_the_right_one(self):
        cluster = self.guarded()
        other = cluster.followers()[0]
        leader = cluster.leader()
        put_tokens(self.paths[other.number - 1], TOKENS.replace("p-1", "p-9"))
        wait_for(lambda: f"node {other.number} " in leader.log() and "it refuses this node's token" in leader.log(), "the leader says so")
        put_tokens(self.paths[other.number - 1], TOKENS)
        answer = leader.propose({"op": "put", "key": "a", "value": 1}, headers=bearer("w-1"))
        wait_for(lambda: other.status()["applied_index"] >= answer.json()["index"], "it follows again")

    def test_the_audit_log_tells_who_changed_what_and_who_was_refused_and_no_token(self):
        cluster = self.guarded()
        node = cluster.followers()[0]
        path = os.path.join(cluster.directory, "audit")
        node.stop()
        node.arguments += ["--audit-log", path]
        put_tokens(self.paths[node.number - 1], TOKENS.replace("admin a-1", "admin a-1 ops"))
        node.start()
        cluster.wait_ready()
        self.assertEqual(node.ask("DELETE", "/v1/members/9", headers=bearer("a-1")).status, 200)
        self.assertEqual(node.propose({"op": "delete", "key": "a"}, headers=bearer("w-1")).status, 200)
        self.assertEqual(node.ask("POST", "/v1/snapshot?x=a-1", headers=bearer("w-1")).status, 403)
        self.assertEqual(node.ask("GET", "/v1/status", headers=bearer("guessed")).status, 401)
        self.assertEqual(node.ask("GET", "/v1/status", headers={"Host": "evil.example", **bearer("r-1")}).status, 421)

        def lines():
            with open(path, encoding="ascii") as file:
                return [json.loads(line) for line in file]
        told = [{key: line.get(key) for key in ("request", "status", "code", "who", "role", "address")} for line in lines()
                if line["event"] == "request"]
        self.assertEqual(told, [
            {"request": "DELETE /v1/members/9", "status": 200, "code": None, "who": "ops", "role": "admin", "address": "127.0.0.1"},
            {"request": "POST /v1/snapshot", "status": 403, "code": "forbidden", "who": "app", "role": "write", "address": "127.0.0.1"},
            {"request": "GET /v1/status", "status": 401, "code": "unauthorized", "who": "", "role": "", "address": "127.0.0.1"},
            {"request": "GET /v1/status", "status": 421, "code": "wrong_host", "who": "", "role": "", "address": "127.0.0.1"}])
        self.change_all(cluster, TOKENS + "read r-2\n")
        wait_for(lambda: {"started", "follows", "tokens"} <= {line["event"] for line in lines()}, "what happened is told, too")
        put_tokens(self.paths[node.number - 1], "no role\n")
        wait_for(lambda: [line["outcome"] for line in lines() if line["event"] == "tokens"][-1] == "refused", "a wrong file is told")
        with open(path, encoding="ascii") as file:
            text = file.read()
        self.assertNotRegex(text, "a-1|w-1|r-1|p-1|guessed")
        self.assertIn("raftd_audit_failures_total 0", node.ask("GET", "/metrics").body.decode())

    def test_no_secret_is_told_and_a_crash_would_write_none(self):
        secrets = {role: f"s3cret-{role}-0123456789" for role in ("read", "write", "admin", "peer")}
        cluster = self.cluster(count=1, extra=["--log-level", "debug"])
        node = cluster.nodes[0]
        path = os.path.join(cluster.directory, "tokens")
        put_tokens(path, "".join(f"{role} {secret}\n" for role, secret in secrets.items()))
        node.arguments += ["--token-file", path]
        node.headers = bearer(secrets["admin"])
        cluster.start()
        self.assertEqual(node.propose({"op": "put", "key": "a", "value": 1}).status, 200)
        told = "".join(node.ask("GET", path).body.decode() for path in ("/v1/status", "/v1/cluster", "/v1/log", "/v1/events", "/metrics"))
        told += node.ask("GET", "/v1/status", headers=bearer(secrets["read"] + "x")).body.decode()
        process = f"/proc/{node.process.pid}"
        for name in ("cmdline", "environ"):
            with open(f"{process}/{name}", encoding="utf-8", errors="replace") as file:
                told += file.read()
        self.assertNotIn("s3cret", told + node.log())
        with open(f"{process}/limits", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Max core file size +0 ")
        with open(f"{process}/status", encoding="ascii") as file:
            self.assertRegex(file.read(), r"NoNewPrivs:\t1\n")


if __name__ == "__main__":
    unittest.main()
