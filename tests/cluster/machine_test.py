"""State machines of one's own: a shared library behind --machine, on three nodes, through kills, snapshots and refusals."""

import os
import subprocess
import tempfile
import unittest

from harness import LIBRARIES, RAFTD, ClusterTest, wait_for

BUILD = os.path.join(LIBRARIES, "..", "..")
COUNTER = os.path.normpath(os.path.join(BUILD, "machines", "counter.so"))
FAULTY = os.path.normpath(os.path.join(BUILD, "tests", "machines", "faulty.so"))


class MachineTest(ClusterTest):
    def test_a_library_is_replicated_and_survives_kills_and_snapshots(self):
        cluster = self.cluster(extra=["--machine", COUNTER]).start()
        nodes = cluster.nodes
        self.assertEqual(nodes[0].status()["machine"], "counter")
        self.assertEqual([nodes[i % 3].propose(i).json()["result"] for i in (5, -2, 7)], [5, 3, 10])
        answer = nodes[0].propose({"op": "put", "key": "a", "value": 1})
        self.assertEqual((answer.status, answer.json()["code"]), (422, "invalid_command"))
        self.assertIn("whole number", answer.json()["detail"])
        for node in nodes:
            self.assertEqual(node.ask("POST", "/v1/snapshot").status, 200)
        self.assertEqual(nodes[1].propose(1).json()["result"], 11)
        for node in nodes:
            node.kill()
        for node in nodes:
            node.start()
        cluster.wait_ready()
        for node in nodes:
            self.assertEqual(node.query(None).json()["result"], 11)

    def test_answers_that_are_no_json_are_contained(self):
        node = self.cluster(count=1, extra=["--machine", FAULTY]).start().nodes[0]
        answer = node.propose("junk")
        self.assertEqual(answer.status, 200)
        self.assertIn("no JSON", answer.json()["result"]["raftd_error"])
        self.assertIn("verdict 7", node.propose("odd").json()["result"]["raftd_error"])
        answer = node.propose("rude")
        self.assertEqual((answer.status, answer.json()["detail"]), (422, "the machine faulty does not say why"))
        self.assertEqual(node.query("junk").status, 422)
        self.assertEqual(node.propose(["fine"]).json()["result"], ["fine"])

    def test_nodes_with_different_machines_form_no_cluster(self):
        cluster = self.cluster(count=2)
        cluster.nodes[1].arguments += ["--machine", COUNTER]
        for node in cluster.nodes:
            node.start()
        wait_for(lambda: "counter" in str(cluster.nodes[0].status()["waiting_for"]), "node 1 says which machine node 2 has")

    def test_what_cannot_be_loaded_is_one_line_and_exit_2(self):
        with tempfile.TemporaryDirectory() as directory:
            for path, environment, part in (("./nowhere.so", {}, "No such file"), ("/proc/self/status", {}, "--machine"),
                                            (os.path.join(os.path.dirname(FAULTY), "no_machine.so"), {}, "raftd_machine"),
                                            (FAULTY, {"RAFTD_FAULT": "version"}, "version 2")):
                answer = subprocess.run([RAFTD, "--machine", path, "--data-dir", os.path.join(directory, "data")], capture_output=True,
                                        text=True, timeout=20, check=False, env={**os.environ, **environment})
                self.assertEqual(answer.returncode, 2, path)
                self.assertEqual(len(answer.stderr.strip().splitlines()), 1, answer.stderr)
                self.assertIn(part, answer.stderr)
                self.assertFalse(os.path.exists(os.path.join(directory, "data")))


if __name__ == "__main__":
    unittest.main()
