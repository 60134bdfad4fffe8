"""A cluster that speaks TLS: what clients and nodes must show, and certificates that change while it works."""

import http.client
import json
import os
import shutil
import ssl
import subprocess
import threading
import unittest
import warnings

from harness import Answer, ClusterTest, wait_for

CERTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "server", "certs.sh")


def make_certs(folder, nodes=3):
    subprocess.run([CERTS, folder, str(nodes)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return folder


def replace(source, target):
    shutil.copy(source, target + ".new")
    os.replace(target + ".new", target)


def context_with(folder, certificate=None):
    context = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
    if certificate:
        context.load_cert_chain(os.path.join(folder, certificate + ".pem"), os.path.join(folder, certificate + ".key"))
    return context


class SecureClient:
    """One keep-alive connection; made anew when `context` changes."""

    def __init__(self, port, context):
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)

    def ask(self, method, path, body=None, headers=None):
        try:
            self.connection.request(method, path, body=body, headers=headers or {})
            return Answer(self.connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def close(self):
        self.connection.close()


class Writer(threading.Thread):
    def __init__(self, node, make_context):
        super().__init__(daemon=True)
        self.node, self.make_context = node, make_context
        self.stopping = threading.Event()
        self.done, self.failed = 0, []

    def run(self):
        while not self.stopping.is_set():
            client = SecureClient(self.node.port, self.make_context())
            for _ in range(20):  # A new connection now and then: handshakes are what changes.
                try:
                    answer = client.ask("POST", "/v1/propose", json.dumps({"op": "put", "key": "k", "value": self.done}))
                except (OSError, http.client.HTTPException) as error:
                    self.failed.append(error)
                    break
                if answer.status == 200:
                    self.done += 1
                else:
                    self.failed.append(answer)
            client.close()


class TlsTest(ClusterTest):
    def secure(self):
        """Three nodes, each with files of its own, as on machines of their own."""
        cluster = self.cluster(urls=lambda ports: [f"https://127.0.0.1:{port}" for port in ports])
        self.folder = make_certs(os.path.join(cluster.directory, "certs"))
        self.trusted = context_with(self.folder)
        for node in cluster.nodes:
            mine = os.path.join(cluster.directory, f"tls{node.number}")
            os.mkdir(mine)
            for name, target in ((f"node{node.number}.pem", "cert.pem"), (f"node{node.number}.key", "key.pem"), ("ca.pem", "ca.pem")):
                shutil.copy(os.path.join(self.folder, name), os.path.join(mine, target))
            node.tls = mine
            at = node.arguments.index("--client-url") if "--client-url" in node.arguments else None
            if at is not None:
                del node.arguments[at:at + 2]
            node.arguments += ["--tls-cert", mine + "/cert.pem", "--tls-key", mine + "/key.pem", "--tls-ca", mine + "/ca.pem",
                               "--audit-log", mine + "/audit"]
            node.make_client = lambda port, timeout, host: SecureClient(port, self.trusted)
        return cluster.start()

    def ask_as(self, node, certificate, method, path, body=None):
        client = SecureClient(node.port, context_with(self.folder, certificate))
        try:
            return client.ask(method, path, body)
        finally:
            client.close()

    def test_a_cluster_with_tls_does_all_that_one_without_does(self):
        cluster = self.secure()
        follower = cluster.followers()[0]
        self.assertEqual(follower.propose({"op": "put", "key": "a", "value": 1}).status, 200)
        self.assertEqual(follower.query({"op": "get", "key": "a"}).json()["result"]["value"], 1)
        nodes = follower.ask("GET", "/v1/cluster").json()["nodes"]
        self.assertEqual([node["reachable"] for node in nodes], [True] * 3, nodes)
        answer = follower.propose({"op": "delete", "key": "a"}, "?forward=false")
        self.assertEqual((answer.status, answer.headers["Location"]), (307, f"https://127.0.0.1:{cluster.leader().port}/v1/propose"))
        client = SecureClient(follower.port, self.trusted)
        client.connection.putrequest("POST", "/v1/propose")
        client.connection.putheader("Transfer-Encoding", "chunked")
        client.connection.endheaders()
        client.connection.send(b"100001\r\n" + b"1" * 0x100001)  # One byte more than may be, and no end of it.
        answer = Answer(client.connection.getresponse())
        self.assertEqual((answer.status, answer.json()["code"]), (413, "too_large"))
        client.close()
        answer = follower.ask("GET", "/", headers={"Origin": f"https://127.0.0.1:{follower.port}"})
        self.assertEqual(answer.status, 200, "its own page is https")
        self.assertIn(b"raftd_tls_certificate_expires_seconds", follower.ask("GET", "/metrics").body)

    def test_only_a_nodes_own_certificate_opens_the_door_for_nodes(self):
        cluster = self.secure()
        node = cluster.nodes[0]
        answer = node.ask("GET", "/raft/v1/status")
        self.assertEqual((answer.status, answer.json()["code"]), (403, "forbidden"), "without a certificate")
        make_certs(os.path.join(cluster.directory, "foreign"))
        foreign = ssl.create_default_context(cafile=os.path.join(self.folder, "ca.pem"))
        foreign.load_cert_chain(os.path.join(cluster.directory, "foreign", "node2.pem"), os.path.join(cluster.directory, "foreign", "node2.key"))
        client = SecureClient(node.port, foreign)
        self.assertEqual(client.ask("GET", "/raft/v1/status").status, 403, "of another authority")
        client.close()
        self.assertEqual(self.ask_as(node, "node2", "GET", "/raft/v1/status").status, 200)
        status = cluster.nodes[2].status()
        request = {"cluster_id": status["cluster_id"], "from": 3, "from_incarnation": status["incarnation"], "to": 1,
                   "to_incarnation": node.status()["incarnation"], "round": 1, "pre_vote": True, "term": 99, "candidate_id": 3,
                   "last_log_index": 99, "last_log_term": 98, "transfer": False}
        answer = self.ask_as(node, "node2", "POST", "/raft/v1/request_vote", json.dumps(request))
        self.assertEqual(answer.status, 403, "node 2 that says it is node 3")
        self.assertIn("not of node 3", answer.json()["detail"])
        self.assertEqual(self.ask_as(node, "node3", "POST", "/raft/v1/request_vote", json.dumps(request)).status, 200)

    def test_old_versions_plain_http_and_other_authorities_are_refused(self):
        cluster = self.secure()
        node = cluster.nodes[0]
        old = context_with(self.folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        for context in (old, ssl.create_default_context()):
            client = SecureClient(node.port, context)
            with self.assertRaises(ssl.SSLError):
                client.ask("GET", "/healthz")
            client.close()
        plain = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
        with self.assertRaises((OSError, http.client.HTTPException)):
            plain.request("GET", "/healthz")
            plain.getresponse()
        plain.close()
        self.assertEqual(node.ask("GET", "/healthz").status, 200)

    def change_all(self, cluster, files):
        """Each node has read its new files when this returns. `files`: name at the node -> where it comes from."""
        before = [node.log().count("certificates read anew") for node in cluster.nodes]
        for node in cluster.nodes:
            for target, source in files(node).items():
                replace(source, os.path.join(node.tls, target))
        for node, count in zip(cluster.nodes, before):
            wait_for(lambda: node.log().count("certificates read anew") > count, f"node {node.number} has read its files")

    def test_an_authority_is_replaced_without_a_failed_request(self):
        cluster = self.secure()
        other = make_certs(os.path.join(cluster.directory, "other"))
        both = os.path.join(cluster.directory, "both.pem")
        with open(both, "wb") as file:
            for folder in (self.folder, other):
                with open(os.path.join(folder, "ca.pem"), "rb") as one:
                    file.write(one.read())
        self.trusted = ssl.create_default_context(cafile=both)
        writers = [Writer(node, lambda: self.trusted) for node in cluster.nodes]
        for writer in writers:
            writer.start()
        self.change_all(cluster, lambda node: {"ca.pem": both})
        self.change_all(cluster, lambda node: {"key.pem": f"{other}/node{node.number}.key", "cert.pem": f"{other}/node{node.number}.pem"})
        self.change_all(cluster, lambda node: {"ca.pem": f"{other}/ca.pem"})
        self.trusted = context_with(other)
        counts = [writer.done for writer in writers]
        wait_for(lambda: all(writer.done > count + 50 for writer, count in zip(writers, counts)), "writers go on")
        for writer in writers:
            writer.stopping.set()
            writer.join()
            self.assertEqual(writer.failed, [])
        for node in cluster.nodes:
            with open(node.tls + "/audit", encoding="ascii") as file:
                told = [line for line in map(json.loads, file) if line["event"] == "certificates"]
            self.assertGreaterEqual([line["outcome"] for line in told].count("read"), 3, told)
        client = SecureClient(cluster.nodes[0].port, context_with(self.folder))
        with self.assertRaises(ssl.SSLError):
            client.ask("GET", "/healthz")
        client.close()


if __name__ == "__main__":
    unittest.main()
