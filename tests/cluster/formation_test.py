"""How listed nodes become one cluster, killed on the way; and what a node does that does not belong."""

import os
import shutil
import unittest

from harness import ClusterTest, free_ports, wait_for


class FormationTest(ClusterTest):
    def ids(self, cluster):
        return {node.status()["cluster_id"] for node in cluster.nodes if node.process}

    def test_nodes_form_in_any_order_of_starting(self):
        cluster = self.cluster()
        for node in (cluster.nodes[2], cluster.nodes[0], cluster.nodes[1]):
            node.start()
        cluster.wait_ready()
        self.assertEqual(len(self.ids(cluster)), 1)

    def test_who_is_missing_is_said_in_log_status_and_readyz(self):
        cluster = self.cluster()
        for node in cluster.nodes[:2]:
            node.start()
        missing = cluster.nodes[2]

        def waiting():
            status = cluster.nodes[0].status()
            return status["waiting_for"] and [w["id"] for w in status["waiting_for"]] == [3] and status
        status = wait_for(waiting, "node 1 waits for node 3 alone")
        self.assertEqual((status["role"], status["cluster_id"], status["configuration"]), ("waiting", None, None))
        self.assertEqual(status["waiting_for"][0]["url"], f"http://127.0.0.1:{missing.port}")
        self.assertEqual(status["waiting_for"][0]["why"], "connection refused")
        answer = cluster.nodes[0].ask("GET", "/readyz")
        self.assertEqual((answer.status, answer.json()["code"]), (503, "not_ready"))
        self.assertIn("node 3", answer.json()["detail"])
        self.assertNotIn("Raft-Cluster", answer.headers)
        self.assertEqual(cluster.nodes[0].ask("GET", "/healthz").status, 200)
        self.assertIn("node 3: connection refused", cluster.nodes[0].log())
        missing.start()
        cluster.wait_ready()

    def test_killed_again_and_again_while_forming_one_cluster_comes_out(self):
        cluster = self.cluster()
        for attempt in range(12):
            for node in cluster.nodes:
                node.start()
            victim = cluster.nodes[attempt % 3]
            # Killed as soon as it has come one line further than the time before: each step of the way in turn.
            lines = len(victim.log().splitlines()) + attempt % 4
            wait_for(lambda: len(victim.log().splitlines()) > lines or victim.ready(), "the victim goes on")
            for node in cluster.nodes:
                node.kill()
        cluster.start()
        self.assertEqual(len(self.ids(cluster)), 1)
        self.assertEqual(cluster.nodes[0].propose({"op": "put", "key": "x", "value": 1}).status, 200)

    def test_a_wiped_node_does_not_vote_and_the_rest_goes_on(self):
        cluster = self.cluster().start()
        wiped = cluster.followers()[0]
        wiped.kill()
        shutil.rmtree(wiped.directory)
        wiped.start()
        status = wait_for(lambda: (lambda s: s if s["waiting_for"] else None)(wiped.status()), "the wiped node waits")
        self.assertEqual(status["role"], "waiting")
        wait_for(lambda: "another data directory" in str(wiped.status()["waiting_for"]), "and says why")
        self.assertEqual(cluster.leader().propose({"op": "put", "key": "x", "value": 1}).status, 200)
        self.assertEqual(wiped.propose({"op": "put", "key": "y", "value": 1}, "?timeout=200ms").status, 503)

    def test_a_wiped_node_and_one_dead_node_are_no_majority(self):
        cluster = self.cluster().start()
        leader, (wiped, dead) = cluster.leader(), cluster.followers()
        wiped.kill()
        dead.kill()
        shutil.rmtree(wiped.directory)
        wiped.start()
        wait_for(lambda: leader.status()["leader"] is None, "the old leader has stepped down")
        wait_for(lambda: "another data directory" in str(wiped.status()["waiting_for"]), "the wiped node stays out")
        answer = leader.propose({"op": "put", "key": "x", "value": 1}, "?timeout=1s")
        self.assertEqual((answer.status, answer.json()["outcome"]), (503, "rejected"))

    def test_a_different_list_is_named(self):
        cluster = self.cluster()
        odd = cluster.nodes[1]
        at = odd.arguments.index("--cluster") + 1
        odd.arguments[at] = ",".join(odd.arguments[at].split(",")[:2])
        for node in cluster.nodes:
            node.start()
        wait_for(lambda: "another --cluster list" in str(cluster.nodes[0].status()["waiting_for"]), "the reason is named")

    def exit_of_second(self, node, option, value):
        second = type(node)(9, node.port, os.path.join(os.path.dirname(node.directory), "second"), list(node.arguments))
        second.arguments[second.arguments.index(option) + 1] = value
        second.start()
        code = second.wait_exit()
        self.assertEqual(len(second.log().strip().splitlines()), 1, second.log())
        return code, second.log()

    def test_a_second_process_on_the_same_port_or_directory_exits_with_one_line(self):
        cluster = self.cluster(count=1).start()
        node = cluster.nodes[0]
        code, line = self.exit_of_second(node, "--data-dir", os.path.join(cluster.directory, "second"))
        self.assertEqual(code, 1)
        self.assertIn(str(node.port), line)
        os.unlink(os.path.join(cluster.directory, "node9.log"))
        second = list(node.arguments)
        second[second.index("--listen") + 1] = f"127.0.0.1:{free_ports(1)[0]}"
        other = type(node)(9, node.port, os.path.join(cluster.directory, "second"), second).start()
        self.assertEqual(other.wait_exit(), 1)
        self.assertEqual(len(other.log().strip().splitlines()), 1, other.log())
        self.assertIn(node.directory, other.log())


if __name__ == "__main__":
    unittest.main()
