"""Forwarded proposals: through a proxy between the nodes that can break connections at the worst moment."""

import http.client
import http.server
import threading
import unittest

from harness import ClusterTest, free_ports, wait_for


class Proxy(http.server.ThreadingHTTPServer):
    """Stands between the nodes and one of them; can swallow the answers to forwarded proposals."""

    daemon_threads = True

    def __init__(self, port, target_port):
        self.target_port = target_port
        self.trap = None      # "before": closes without passing on; "after": passes on, then closes.
        self.proposals = []   # Bodies of forwarded proposals that arrived.
        super().__init__(("127.0.0.1", port), ProxyHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # Nodes are killed: broken connections are part of the test.


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        forwarded = self.path == "/raft/v1/propose"
        if forwarded:
            self.server.proposals.append(body)
        if forwarded and self.server.trap == "before":
            self.close_connection = True
            return
        target = http.client.HTTPConnection("127.0.0.1", self.server.target_port, timeout=20)
        try:
            target.request(self.command, self.path, body, {"Content-Type": "application/json"})
            response = target.getresponse()
            answer = response.read()
        except OSError:
            self.close_connection = True
            return
        finally:
            target.close()
        if forwarded and self.server.trap == "after":
            self.close_connection = True
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = pass_on

    def log_message(self, format, *args):
        pass


class ForwardingTest(ClusterTest):
    def proxied_cluster(self):
        ports = free_ports(3)
        cluster = self.cluster(urls=lambda _: [f"http://127.0.0.1:{port}" for port in ports])
        cluster.proxies = [Proxy(port, node.port) for port, node in zip(ports, cluster.nodes)]
        self.addCleanup(lambda: [(proxy.shutdown(), proxy.server_close()) for proxy in cluster.proxies])
        return cluster.start()

    def times_in_log(self, cluster, key):
        cluster.wait_equal()
        return [sum(1 for e in node.committed() if e["type"] == "command" and e["command"]["key"] == key)
                for node in cluster.nodes]

    def check_broken(self, trap, expected_in_log):
        cluster = self.proxied_cluster()
        leader, follower = cluster.leader(), cluster.followers()[0]
        proxy = cluster.proxies[leader.number - 1]
        # The first one makes the connection that libcurl will reuse, which is when it would repeat a POST by itself.
        self.assertEqual(follower.propose({"op": "put", "key": "warm-up", "value": 1}).status, 200)
        arrived = len(proxy.proposals)
        proxy.trap = trap
        answer = follower.propose({"op": "put", "key": "once", "value": 1})
        proxy.trap = None
        self.assertEqual((answer.status, answer.json()["outcome"]), (503, "unknown"))
        self.assertEqual(len(proxy.proposals) - arrived, 1)
        self.assertEqual(self.times_in_log(cluster, "once"), [expected_in_log] * 3)

    def test_a_proposal_whose_leader_closes_after_reading_it_is_sent_once_and_unknown(self):
        self.check_broken("before", 0)

    def test_a_proposal_whose_answer_is_lost_is_applied_once_and_unknown(self):
        self.check_broken("after", 1)

    def test_a_proposal_is_held_while_there_is_no_leader_and_goes_to_the_next_one(self):
        cluster = self.cluster().start()
        leader, followers = cluster.leader(), cluster.followers()
        leader.kill()
        answer = followers[0].propose({"op": "put", "key": "held", "value": 1}, "?timeout=20s", timeout=30)
        if answer.status != 200:  # It may have been on its way to the dying leader: then nobody can know.
            self.assertEqual(answer.json()["outcome"], "unknown")
            answer = followers[0].propose({"op": "put", "key": "held", "value": 1}, "?timeout=20s", timeout=30)
        self.assertEqual(answer.status, 200)
        leader.start()
        cluster.wait_ready()

    def test_without_forwarding_a_follower_redirects_to_the_leader(self):
        cluster = self.cluster().start()
        leader, follower = cluster.leader(), cluster.followers()[0]
        answer = follower.propose({"op": "put", "key": "x", "value": 1}, "?forward=false&timeout=2s")
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["outcome"]), (307, "not_leader", "rejected"))
        self.assertEqual(answer.headers["Location"], f"http://127.0.0.1:{leader.port}/v1/propose?timeout=2s")
        self.assertEqual(answer.headers["Raft-Leader"], str(leader.number))
        for node in cluster.nodes:
            node.kill() if node is not follower else None
        wait_for(lambda: follower.status()["leader"] is None, "the follower knows no leader")
        answer = follower.propose({"op": "put", "key": "x", "value": 1}, "?forward=false")
        self.assertEqual((answer.status, answer.json()["code"]), (503, "no_leader"))

    def test_sigterm_answers_everybody_who_waits(self):
        cluster = self.cluster().start()
        leader, followers = cluster.leader(), cluster.followers()
        for node in followers:
            node.freeze()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(
            leader.propose({"op": "put", "key": "waits", "value": 1}, "?timeout=30s", timeout=40))) for _ in range(5)]
        last = leader.status()["last_index"]
        for thread in threads:
            thread.start()
        wait_for(lambda: leader.status()["last_index"] >= last + 5, "five commands wait for a majority")
        self.assertEqual(leader.stop(), 0)
        for thread in threads:
            thread.join(timeout=30)
        self.assertEqual(len(answers), 5)
        for answer in answers:
            self.assertEqual((answer.status, answer.json()["outcome"]), (503, "unknown"))
        for node in followers:
            node.thaw()


if __name__ == "__main__":
    unittest.main()
