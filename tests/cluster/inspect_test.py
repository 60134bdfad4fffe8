"""`raftd inspect`: what a data directory holds, without a change to it."""

import glob
import json
import os
import subprocess
import tempfile
import unittest

from harness import RAFTD, ClusterTest


def inspect(*arguments, **environment):
    return subprocess.run([RAFTD, "inspect", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **environment})


def picture(directory):
    """Every file's bytes and times."""
    found = {}
    for path in sorted(glob.glob(directory + "/**", recursive=True)):
        status = os.stat(path)
        content = b""
        if os.path.isfile(path):
            with open(path, "rb") as file:
                content = file.read()
        found[path] = (content, status.st_mtime_ns, status.st_nlink, status.st_mode)
    return found


class InspectTest(ClusterTest):
    def stopped(self, kill=False):
        cluster = self.cluster().start()
        node = cluster.nodes[0]
        for number in range(20):
            self.assertEqual(node.propose({"op": "put", "key": f"k{number}", "value": number}).status, 200)
        snapshot = node.ask("POST", "/v1/snapshot").json()
        for number in range(5):
            self.assertEqual(node.propose({"op": "put", "key": f"k{number}", "value": number}).status, 200)
        cluster.wait_equal()
        status = node.status()
        if kill:
            node.kill()
        else:
            node.stop()
        return node, status, snapshot

    def test_it_tells_what_is_there_and_changes_nothing(self):
        for kill in (False, True):
            node, status, snapshot = self.stopped(kill)
            before = picture(node.directory)
            answer = inspect("--data-dir", node.directory, "--json")
            self.assertEqual((answer.returncode, answer.stderr), (0, ""))
            told = json.loads(answer.stdout)
            self.assertTrue(told["sound"])
            self.assertEqual((told["id"], told["cluster_id"], told["incarnation"]), (1, status["cluster_id"], status["incarnation"]))
            self.assertGreaterEqual(told["last_index"], status["last_index"])
            self.assertGreaterEqual(told["commands"], 5)
            self.assertEqual(told["snapshot"], {**snapshot, "machine": "hashmap"})
            self.assertEqual([voter["id"] for voter in told["configuration"]["voters"]], [1, 2, 3])
            text = inspect(RAFTD_DATA_DIR=node.directory)
            self.assertEqual(text.returncode, 0)
            for part in ("is sound", status["cluster_id"], "node 3, voter", "snapshot       of index", "5 commands"):
                self.assertIn(part, text.stdout)
            self.assertEqual(picture(node.directory), before)

    def test_damage_is_told_in_a_line_and_stays_as_it_is(self):
        node, _, _ = self.stopped()
        for pattern in ("snapshots/*.snapshot", "log.db/*.log", "identity"):
            path = sorted(glob.glob(os.path.join(node.directory, pattern)), key=os.path.getsize)[-1]
            with open(path, "r+b") as file:
                content = file.read()
                file.seek(len(content) // 3)
                file.write(bytes([content[len(content) // 3] ^ 0x10]))
            before = picture(node.directory)
            answer = inspect("--data-dir", node.directory)
            self.assertEqual((answer.returncode, answer.stdout), (1, ""), pattern)
            self.assertEqual(len(answer.stderr.splitlines()), 1, answer.stderr)
            self.assertNotIn("raftd-inspect", answer.stderr)
            self.assertEqual(picture(node.directory), before)
            with open(path, "wb") as file:
                file.write(content)
        self.assertEqual(inspect("--data-dir", node.directory).returncode, 0)

    def test_what_a_start_would_mend_is_said(self):
        node, _, _ = self.stopped(kill=True)
        path = max(glob.glob(os.path.join(node.directory, "log.db", "*.log")))
        with open(path, "ab") as file:
            file.write(b"\x11\x22\x33\x44\x20\x00\x01torn")
        answer = inspect("--data-dir", node.directory)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("a start mends", answer.stdout)
        self.assertNotIn("raftd-inspect", answer.stdout)

    def test_a_directory_in_use_or_of_somebody_else_is_refused(self):
        node = self.cluster(count=1).start().nodes[0]
        answer = inspect("--data-dir", node.directory)
        self.assertEqual(answer.returncode, 1)
        self.assertIn("a node uses", answer.stderr)
        self.assertTrue(node.ready())
        with tempfile.TemporaryDirectory() as room:
            for directory in (node.directory, "/nowhere"):
                inspect("--data-dir", directory, TMPDIR=room)
            node.stop()
            self.assertEqual(inspect("--data-dir", node.directory, TMPDIR=room).returncode, 0)
            self.assertEqual(os.listdir(room), [])
        for place in ("/nowhere", "/tmp", "/dev/null"):
            answer = inspect("--data-dir", place)
            self.assertEqual((answer.returncode, len(answer.stderr.splitlines())), (1, 1), answer.stderr)
        self.assertEqual(inspect("--nonsense").returncode, 2)
        self.assertEqual(inspect("--data-dir").returncode, 2)
        self.assertIn("raftd inspect", inspect("--help").stdout)


if __name__ == "__main__":
    unittest.main()
