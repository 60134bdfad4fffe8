"""The command of kubernetes.yml as it stands there, in three network namespaces with the names that Kubernetes would give."""

import http.client
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
import network  # noqa: E402  pylint: disable=wrong-import-position
from harness import ClusterTest, Node, wait_for  # noqa: E402  pylint: disable=wrong-import-position

COUNT = 3


def manifest():
    with open(os.environ["MANIFEST"], encoding="utf-8") as file:
        return file.read()


def command():
    """The folded text behind `args:`."""
    lines = manifest().split("            - >-\n", 1)[1].splitlines()
    folded = []
    for line in lines:
        if not line.startswith(" " * 14):
            break
        folded.append(line.strip())
    return " ".join(folded)


def tokens():
    return re.search(r"  tokens: \|\n((?:    .*\n)+)", manifest()).group(1).replace("    ", "", 1)


def probe(address, path):
    """As the kubelet asks: by the pod's address, without a token."""
    connection = http.client.HTTPConnection(address, network.PORT, timeout=5)
    connection.request("GET", path, headers={"User-Agent": "kube-probe/1.30"})
    status = connection.getresponse().status
    connection.close()
    return status


class KubernetesTest(ClusterTest):
    def test_its_command_makes_a_cluster_that_its_probes_find_ready(self):
        nodes = []
        self.addCleanup(lambda: [node.kill() for node in nodes if node.process])
        for number in range(1, COUNT + 1):
            data = os.path.join(ROOM, f"data{number}")
            script = command().replace("exec raftd", f"exec {os.environ['RAFTD']}").replace("/run/raftd/tokens", os.path.join(ROOM, "tokens"))
            node = Node(number, network.PORT, data, ["-c", script], {"RAFTD_DATA_DIR": data, "HOSTNAME": f"raftd-{number - 1}"},
                        NETWORK.address(number), NETWORK.within(number))
            node.program = "/bin/sh"
            nodes.append(node.start())
        for node in nodes:
            wait_for(lambda node=node: probe(node.host, "/healthz") == 200, "the start-up probe", 20)
            wait_for(lambda node=node: probe(node.host, "/readyz") == 200, "the readiness probe", 30)
        admin = {"Authorization": "Bearer change-me-admin"}
        self.assertEqual(nodes[0].ask("GET", "/v1/status").status, 401)
        for name in ("raftd-client", "raftd-client:8001", "raftd"):
            answer = nodes[1].ask("POST", "/v1/propose", '{"op":"put","key":"a","value":1}', {**admin, "Host": name})
            self.assertEqual(answer.status, 200, answer)
        for node in nodes:
            self.assertEqual(node.stop(), 0)


def main():
    global ROOM, NETWORK  # pylint: disable=global-variable-undefined
    if not os.environ.get(network.INSIDE):
        why = network.why_not()
        if why:
            print(f"kubernetes: its command is not tried: {why}")
            return
        network.go_inside(os.path.abspath(__file__), sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="raftd-test-") as ROOM:
        NETWORK = network.Network(COUNT)
        hosts = os.path.join(ROOM, "hosts")
        with open(hosts, "w", encoding="ascii") as file:
            file.write("127.0.0.1 localhost\n")
            file.writelines(f"{NETWORK.address(number)} raftd-{number - 1}.raftd raftd\n" for number in range(1, COUNT + 1))
        network.shell("mount", "--bind", hosts, "/etc/hosts")
        with open(os.path.join(ROOM, "tokens"), "w", encoding="ascii") as file:
            file.write(tokens())
        unittest.main()


if __name__ == "__main__":
    main()
