"""The README's chapter on state machines of one's own, done as it says: the skeleton, the queue, its answers; then three nodes through kills."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import ROOT, ClusterTest, Node, free_ports, wait_for

STRICT = "CFLAGS=-O2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"


def chapter():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return re.search(r"### Write your own state machine in ten minutes\n(.*?)\n##", file.read(), re.DOTALL)[1]


def block(begin):
    return re.search(rf"^{begin}(.*?)^```$", chapter(), re.DOTALL | re.MULTILINE)[1]


def run(*command, code=0):
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
                            env={key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS")})
    assert answer.returncode == code, answer
    return answer.stdout + answer.stderr


def new_machine(name, folder):
    run("make", "-s", "new-machine", f"NAME={name}", f"DIR={folder}")
    run("make", "-C", folder, STRICT)
    return os.path.join(folder, name + ".so")


class OwnMachineTest(ClusterTest):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="raftd-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def test_the_skeleton_builds_loads_answers_and_snapshots(self):
        self.assertIn("make new-machine NAME=queue DIR=queue", chapter())
        library = new_machine("mine", os.path.join(self.folder, "mine"))
        node = self.cluster(count=1, extra=["--machine", library]).start().nodes[0]
        self.assertEqual(node.status()["machine"], "mine")
        self.assertEqual([node.propose(value).json()["result"] for value in (1, [2])], [None, 1])
        self.assertEqual(node.propose("x" * 1000).status, 422)
        self.assertEqual(node.query("else").status, 422)
        self.assertEqual(node.ask("POST", "/v1/snapshot").status, 200)
        node.kill()
        node.start()
        wait_for(node.ready, "it is ready")
        self.assertEqual(node.query(None).json()["result"], [2])

    def test_nothing_is_overwritten_and_names_are_looked_at(self):
        folder = os.path.join(self.folder, "there")
        os.mkdir(folder)
        self.assertIn("nothing is overwritten", run("server/machine/new-machine.sh", "mine", folder, code=2))
        self.assertEqual(os.listdir(folder), [])
        for name in ("", "a b", "../up", ".hidden", "-x", "hashmap", "x" * 65):
            run("server/machine/new-machine.sh", name, os.path.join(self.folder, "none"), code=2)
        self.assertEqual(os.listdir(self.folder), ["there"])

    def queue(self):
        folder = os.path.join(self.folder, "queue")
        run("server/machine/new-machine.sh", "queue", folder)
        with open(os.path.join(folder, "queue.c"), "w", encoding="utf-8") as file:
            file.write(block("```c\n"))
        run("make", "-C", folder, STRICT)
        return os.path.join(folder, "queue.so")

    def test_the_chapters_commands_give_the_chapters_answers(self):
        library, port = self.queue(), free_ports(1)[0]
        node = Node(1, port, os.path.join(self.folder, "data"), ["--machine", library, "--listen", f"127.0.0.1:{port}", "--data-dir",
                                                                 os.path.join(self.folder, "data")])
        node.start()
        self.addCleanup(node.kill)
        wait_for(node.ready, "it is ready")
        told = re.findall(r"^\$ (curl .*)\n(.*)$", block("```\n(?=[$] make)"), re.MULTILINE)
        self.assertGreaterEqual(len(told), 4)
        for command, answer in told:
            said = subprocess.run(["sh", "-c", command.replace("8001", str(port)).replace("curl", "curl -s")], capture_output=True,
                                  text=True, timeout=30, check=True).stdout
            self.assertEqual(said.strip(), answer)

    def test_a_queue_on_three_nodes_through_kills_and_snapshots(self):
        cluster = self.cluster(extra=["--machine", self.queue(), "--snapshot-entries", "50"]).start()
        lines = "".join(json.dumps({"job": number}) + "\n" for number in range(1001))
        answer = cluster.nodes[0].ask("POST", "/v1/propose?timeout=20s", lines, {"Content-Type": "application/x-ndjson"})
        answers = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual([line["result"] for line in answers[:1000]], list(range(1, 1001)))
        self.assertEqual(answers[1000]["detail"], "the queue is full")
        self.assertEqual(cluster.nodes[1].propose(None).json()["result"], {"job": 0})
        cluster.wait_equal()
        for node in cluster.nodes:
            wait_for(lambda node=node: node.status()["snapshot"], "there is a snapshot")
            node.kill()
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        self.assertEqual(cluster.nodes[2].propose(None).json()["result"], {"job": 1})
        self.assertEqual(cluster.wait_equal(), cluster.nodes[0].status()["applied_index"])
        for node in cluster.nodes:
            self.assertEqual(node.query(None).json()["result"], [{"job": number} for number in range(2, 1000)])


if __name__ == "__main__":
    unittest.main()
