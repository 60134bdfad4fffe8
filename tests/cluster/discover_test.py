"""--discover: identical commands, in network namespaces with an address each, find each other under one name."""

import os
import sys
import tempfile
import unittest

import network
from harness import ClusterTest, Node, wait_for

NAME = "raftd.test"


class DiscoverTest(ClusterTest):
    network = None
    nodes = ()
    directory = hosts = ""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="raftd-discover-", dir=ROOM)
        self.nodes = []
        self.network = NETWORK
        self.addCleanup(lambda: [node.kill() for node in self.nodes if node.process])

    def knows(self, *numbers):
        """What the name stands for."""
        lines = ["127.0.0.1 localhost", *[f"{self.network.address(number)} {NAME}" for number in numbers]]
        with open("/etc/hosts", "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")

    def node(self, number, disk=None, *extra):
        """The same command for all, but for where its disk is: in a container that is a volume."""
        address = self.network.address(number)
        data = os.path.join(self.directory, f"disk{disk or number}")
        node = Node(number, network.PORT, data, [
            "--listen", f"0.0.0.0:{network.PORT}", "--insecure", "--data-dir", data, "--discover", f"{NAME}:{network.PORT}",
            "--expect", "3", "--heartbeat", "50ms", "--election-timeout", "300ms", *extra], None, address,
            self.network.within(number))
        node.log_path = os.path.join(self.directory, f"log{disk or number}-{number}")
        self.nodes.append(node)
        return node.start()

    def voters(self, node):
        configuration = node.status()["configuration"]
        return {voter["id"]: voter["url"] for voter in configuration["voters"]} if configuration else {}

    def wait_one_cluster(self, nodes, count=None):
        """All of them are ready in one cluster, each at its own address, and count `count` voters."""
        for node in nodes:
            wait_for(node.ready, f"{node.log_path} is ready", 40)
        self.assertEqual(len({node.status()["cluster_id"] for node in nodes}), 1)
        wanted = {node.status()["id"]: f"http://{node.host}:{network.PORT}" for node in nodes}
        wait_for(lambda: all(wanted.items() <= self.voters(node).items() for node in nodes), "each is known at its address", 40)
        if count:
            wait_for(lambda: all(len(self.voters(node)) == count for node in nodes), f"{count} vote", 40)

    def test_three_form_more_join_all_move_and_a_lost_volume_is_another_node(self):
        self.knows(1, 2)
        nodes = [self.node(1), self.node(2), self.node(3)]
        wait_for(lambda: "blank nodes" in nodes[0].ask("GET", "/readyz").body.decode(), "it says for what it waits")
        self.knows(1, 2, 3)
        self.wait_one_cluster(nodes, 3)
        self.assertEqual(nodes[0].propose({"op": "put", "key": "a", "value": 1}).status, 200)
        self.assertEqual(nodes[0].ask("GET", "/v1/status", headers={"Host": f"{NAME}:8001"}).status, 200)
        # Two more, later.
        self.knows(1, 2, 3, 4, 5)
        nodes += [self.node(4), self.node(5)]
        self.wait_one_cluster(nodes, 5)
        # All stop, and come back at addresses that were others', or nobody's.
        ids = [node.status()["id"] for node in nodes]
        for node in nodes:
            self.assertEqual(node.stop(), 0)
        self.knows(2, 3, 4, 5, 6)
        nodes = [self.node(disk + 1, disk) for disk in (1, 2, 3, 4, 5)]
        self.wait_one_cluster(nodes, 5)
        self.assertEqual([node.status()["id"] for node in nodes], ids)
        self.assertEqual(nodes[4].query({"op": "get", "key": "a"}).json()["result"]["value"], 1)
        # A volume is lost.
        nodes[0].kill()
        nodes[0] = self.node(2, 7)
        self.wait_one_cluster(nodes, 6)
        self.assertNotIn(nodes[0].status()["id"], ids)
        self.assertEqual(nodes[0].query({"op": "get", "key": "a"}).json()["result"]["value"], 1)
        answer = nodes[1].ask("DELETE", f"/v1/members/{ids[0]}")
        self.assertEqual(answer.status, 200, answer)
        self.wait_one_cluster(nodes, 5)

    def test_five_at_once_of_which_some_are_killed_are_one_cluster(self):
        self.knows(1, 2, 3, 4, 5)
        nodes = [self.node(number) for number in (1, 2, 3, 4, 5)]
        wait_for(lambda: "listening" in nodes[1].log(), "it runs")
        for node in nodes[:2]:
            node.kill()
            node.start()
        self.wait_one_cluster(nodes, 5)


def main():
    global ROOM, NETWORK  # pylint: disable=global-variable-undefined
    if not os.environ.get(network.INSIDE):
        why = network.why_not()
        if why:
            print(f"skipped: {why}")
            return
        network.go_inside(os.path.abspath(__file__), sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="raftd-test-") as ROOM:
        hosts = os.path.join(ROOM, "hosts")
        with open(hosts, "w", encoding="ascii"):
            pass
        network.shell("mount", "--bind", hosts, "/etc/hosts")
        NETWORK = network.Network(6)
        unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
