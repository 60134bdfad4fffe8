"""Bad input of every kind against a whole cluster: each gets its answer, and the node goes on as before."""

import json
import socket
import unittest

from harness import Client, ClusterTest


def raw(port, data, shut=False, timeout=10.0):
    """Sends bytes as they are; answers all that comes back until the connection closes or is idle."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(data)
        received = b""
        try:
            if shut:
                connection.shutdown(socket.SHUT_WR)
            while True:
                part = connection.recv(65536)
                if not part:
                    return received
                received += part
                head, _, body = received.partition(b"\r\n\r\n")
                length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                if length and len(body) >= int(length[0].split(b":")[1]):
                    return received
        except (TimeoutError, OSError):
            return received


class AbuseTest(ClusterTest):

    def node(self):
        """A follower of three, so that the forwarding way is abused as well."""
        cluster = self.cluster().start()
        return cluster.followers()[0]

    def problem(self, answer, status, code):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json()
        self.assertEqual((problem["status"], problem["code"]), (status, code))
        for member in ("type", "title", "detail"):
            self.assertIn(member, problem)
        return problem

    def test_every_kind_of_bad_request_gets_its_problem(self):
        node = self.node()
        put = '{"op":"put","key":"k","value":1}'
        cases = [
            ("POST", "/v1/propose", "", 400, "bad_json"),
            ("POST", "/v1/propose", "{", 400, "bad_json"),
            ("POST", "/v1/propose", "01", 400, "bad_json"),
            ("POST", "/v1/propose", put + " x", 400, "bad_json"),
            ("POST", "/v1/propose", b'"\xff"', 400, "bad_json"),
            ("POST", "/v1/propose", b"\xef\xbb\xbf1", 400, "bad_json"),
            ("POST", "/v1/propose", "[" * 100000, 400, "bad_json"),
            ("POST", "/v1/propose", '{"op":"nope"}', 422, "invalid_command"),
            ("POST", "/v1/propose", "1", 422, "invalid_command"),
            ("POST", "/v1/propose", json.dumps({"op": "put", "key": "k" * 4097, "value": 1}), 422, "invalid_command"),
            ("POST", "/v1/propose?timeout=5", put, 400, "bad_request"),
            ("POST", "/v1/propose?timeout=", put, 400, "bad_request"),
            ("POST", "/v1/propose?timeout=61s", put, 400, "bad_request"),
            ("POST", "/v1/propose?forward=maybe", put, 400, "bad_request"),
            ("POST", "/v1/query", "{}", 422, "invalid_command"),
            ("POST", "/v1/query?consistency=strong", '{"op":"count"}', 400, "bad_request"),
            ("POST", "/v1/query?min_index=-1", '{"op":"count"}', 400, "bad_request"),
            ("POST", "/v1/query?min_index=1000000&timeout=50ms", '{"op":"count"}', 504, "timeout"),
            ("GET", "/v1/query?q=%7B", None, 400, "bad_json"),
            ("GET", "/v1/query", None, 400, "bad_request"),
            ("GET", "/v1/log?limit=0", None, 400, "bad_request"),
            ("GET", "/v1/log?limit=1001", None, 400, "bad_request"),
            ("GET", "/v1/nothing", None, 404, "not_found"),
            ("GET", "/v1%2Fstatus", None, 404, "not_found"),
            ("GET", "/v1/status%00", None, 400, "bad_request"),
            ("GET", "/v1/status?x=%zz", None, 400, "bad_request"),
            ("DELETE", "/v1/status", None, 405, "method_not_allowed"),
            ("POST", "/raft/v1/append_entries", "{}", 400, "bad_request"),
            ("POST", "/raft/v1/append_entries", "nonsense", 400, "bad_json"),
        ]
        client = Client(node.port)
        self.addCleanup(client.close)
        for method, path, body, status, code in cases:
            with self.subTest(method=method, path=path, body=str(body)[:60]):
                problem = self.problem(client.ask(method, path, body), status, code)
                if path.startswith("/v1/propose"):
                    self.assertEqual(problem["outcome"], "rejected")
                if code == "bad_json" and path.startswith("/v1/propose"):
                    self.assertIsInstance(problem["offset"], int)
        self.assertEqual(client.ask("POST", "/v1/propose", put).status, 200)

    def test_the_offset_is_the_byte_where_it_stops_being_json(self):
        client = Client(self.node().port)
        self.addCleanup(client.close)
        for body, offset in ((b"", 0), (b"01", 1), (b'{"a":}', 5), (b"[1,]", 3), (b"[" * 513, 512), (b'{"a":1', 6), (b'"a\x01"', 2)):
            self.assertEqual(client.ask("POST", "/v1/propose", body).json()["offset"], offset, body)

    def test_foreign_origins_and_hosts_are_refused(self):
        node = self.node()
        put = '{"op":"put","key":"k","value":1}'
        self.problem(node.ask("POST", "/v1/propose", put, {"Origin": "http://evil.example"}), 403, "forbidden")
        self.problem(node.ask("GET", "/v1/status", None, {"Host": "evil.example"}), 421, "wrong_host")
        self.assertEqual(node.ask("GET", "/v1/status", None, {"Host": "localhost:1"}).status, 200)
        self.assertEqual(node.ask("GET", "/healthz", None, {"Host": "evil.example"}).status, 200)
        self.assertEqual(node.ask("POST", "/v1/propose", put, {"Origin": f"http://127.0.0.1:{node.port}"}).status, 200)

    def test_malformed_http_neither_stops_nor_confuses_the_node(self):
        node = self.node()
        host = b"Host: 127.0.0.1\r\n"
        put = b'{"op":"put","key":"raw","value":1}'
        length = b"Content-Length: %d\r\n" % len(put)
        for path, size in ((b"/v1/propose", 1073741824), (b"/v1/propose", 1024 * 1024 + 1), (b"/v1/query", 65537)):
            answer = raw(node.port, b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (path, host, size))
            self.assertIn(b" 413 ", answer.split(b"\r\n")[0])
            self.assertIn(b'"code":"too_large"', answer)
        for doubled in (length + length, length + b"Transfer-Encoding: chunked\r\n"):
            answer = raw(node.port, b"POST /v1/propose HTTP/1.1\r\n" + host + doubled + b"\r\n" + put)
            self.assertIn(b" 400 ", answer.split(b"\r\n")[0])
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        answer = raw(node.port, b"POST /v1/propose HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 3)
        self.assertIn(b" 413 ", answer.split(b"\r\n")[0] if answer else b" 413 ")
        raw(node.port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no TLS here", shut=True)
        raw(node.port, b"GET / HTTP/9.9\r\n\r\n", shut=True)
        raw(node.port, b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", shut=True)
        self.assertEqual(node.query({"op": "get", "key": "raw"}).json()["result"], {"found": False})

    def test_idle_and_half_sent_requests_do_not_slow_others(self):
        node = self.node()
        held = []
        try:
            for i in range(300):
                connection = socket.create_connection(("127.0.0.1", node.port), timeout=10)
                held.append(connection)
                if i % 2:
                    connection.sendall(b"POST /v1/propose HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
            client = Client(node.port)
            self.addCleanup(client.close)
            for i in range(50):
                answer = client.ask("POST", "/v1/propose", json.dumps({"op": "put", "key": f"k{i}", "value": i}))
                self.assertEqual(answer.status, 200)
        finally:
            for connection in held:
                connection.close()

    def test_bytes_survive_as_they_were_sent(self):
        node = self.node()
        value = b'{ "big":10000000000000000001,\n "e":1e2, "z" : "\\u0000\\ud800", "a":[1.0,-0] }'
        command = b' {"op":"put","key":"a\\u0000b","value":' + value + b"}\n"
        self.assertEqual(node.ask("POST", "/v1/propose", command).json()["result"], {})
        answer = node.ask("POST", "/v1/query", b'{"op":"get","key":"a\\u0000b"}')
        self.assertIn(b'"value":' + value, answer.body)
        answer = node.ask("GET", "/v1/query?q=%7B%22op%22%3A%22get%22%2C%22key%22%3A%22a%5Cu0000b%22%7D")
        self.assertIn(b'"value":' + value, answer.body)

    def test_the_deepest_value_reaches_all_nodes_and_comes_back(self):
        cluster = self.cluster().start()
        follower = cluster.followers()[0]
        value = "[" * 511 + "]" * 511
        for node in (follower, cluster.leader()):
            answer = node.ask("POST", "/v1/propose", '{"op":"put","key":"deep","value":' + value + "}")
            self.assertEqual(answer.status, 200, answer)
        cluster.wait_equal()
        for node in cluster.nodes:
            answer = node.ask("POST", "/v1/query?consistency=stale", '{"op":"get","key":"deep"}')
            self.assertIn(value.encode(), answer.body)
        answer = follower.ask("POST", "/v1/propose", '{"op":"put","key":"deep","value":[' + value + "]}")
        self.assertEqual(answer.json()["code"], "bad_json")

    def test_ndjson_answers_line_by_line_and_bad_lines_do_not_stop_the_others(self):
        node = self.node()
        lines = [b'{"op":"put","key":"a","value":1}', b"", b"{", b'{"op":"nope"}', b'{"op":"put","key":"b",\t"value":[1, 2]}',
                 b'"' + b"x" * (1024 * 1024) + b'"', b'{"op":"delete","key":"a"}']
        answer = node.ask("POST", "/v1/propose", b"\n".join(lines), {"Content-Type": "application/x-ndjson; charset=utf-8"})
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/x-ndjson"))
        told = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual([line.get("status", 200) for line in told], [200, 400, 422, 200, 413, 200])
        self.assertEqual(told[5]["result"], {"deleted": True, "previous": 1})
        indexes = [line["index"] for line in told if "index" in line]
        self.assertEqual(indexes, sorted(indexes))
        self.assertEqual(answer.headers["Raft-Index"], str(indexes[-1]))

    def test_peers_of_other_clusters_and_incarnations_are_refused_and_change_nothing(self):
        node = self.node()
        before = node.status()
        request = {"cluster_id": before["cluster_id"], "from": 1, "from_incarnation": "0" * 32, "to": node.number,
                   "to_incarnation": before["incarnation"], "round": 7, "term": before["term"] + 5, "candidate_id": 1,
                   "last_log_index": 10 ** 6, "last_log_term": before["term"] + 4, "pre_vote": False}
        for change in ({"cluster_id": "f" * 32}, {"to": 9}, {"to_incarnation": "f" * 32}):
            answer = node.ask("POST", "/raft/v1/request_vote", json.dumps({**request, **change}))
            self.problem(answer, 421, "wrong_cluster")
        jump = {**request, "term": before["term"] + 1000002}
        self.problem(node.ask("POST", "/raft/v1/request_vote", json.dumps(jump)), 400, "bad_request")
        self.assertEqual(node.status()["term"], before["term"])


if __name__ == "__main__":
    unittest.main()
