"""`raftd recover`: one survivor of a lost majority becomes a new cluster."""

import glob
import os
import pty
import shutil
import signal
import subprocess
import time
import unittest

from harness import RAFTD, ClusterTest, wait_for


def recover(*arguments, **options):
    return subprocess.run([RAFTD, "recover", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, **options)


def content(directory):
    """The bytes of every file that is not a lock, nor LevelDB's own diary."""
    found = {}
    for path in sorted(glob.glob(directory + "/**", recursive=True)):
        if os.path.isfile(path) and os.path.basename(path) not in ("lock", "LOCK", "LOG", "LOG.old", "ballast"):
            with open(path, "rb") as file:
                found[path] = file.read()
    return found


class RecoverTest(ClusterTest):
    def lost_majority(self, snapshot=True):
        """Three nodes, of which the first alone is left; its session and what was written before."""
        cluster = self.cluster().start()
        node = cluster.nodes[0]
        session = node.ask("POST", "/v1/sessions").json()["session"]
        first = node.propose({"op": "put", "key": "in-session", "value": 1}, f"?session={session}&seq=1").json()
        for number in range(20):
            self.assertEqual(node.propose({"op": "put", "key": f"k{number}", "value": number}).status, 200)
        cluster.wait_equal()
        if snapshot:
            self.assertEqual(node.ask("POST", "/v1/snapshot").status, 200)
        for number in range(20, 25):
            self.assertEqual(node.propose({"op": "put", "key": f"k{number}", "value": number}).status, 200)
        cluster.wait_equal()
        for each in cluster.nodes:
            each.kill()
        return cluster, node, f"?session={session}&seq=1", first

    def holds_all(self, node, retry, first):
        for number in range(25):
            self.assertEqual(node.query({"op": "get", "key": f"k{number}"}).json()["result"]["value"], number)
        again = node.propose({"op": "put", "key": "in-session", "value": 1}, retry).json()
        self.assertEqual(again, {**first, "duplicate": True})

    def test_a_survivor_goes_on_alone_and_takes_in_wiped_nodes(self):
        for snapshot in (True, False):
            cluster, node, retry, first = self.lost_majority(snapshot)
            before = content(node.directory)
            answer = recover("--data-dir", node.directory)
            self.assertEqual((answer.returncode, len(answer.stderr.splitlines())), (1, 1), answer.stderr)
            self.assertIn("--yes", answer.stderr)
            for part in ("LOST", "lost node 3, voter", "this node 1, voter", "NEW cluster"):
                self.assertIn(part, answer.stdout)
            self.assertEqual(content(node.directory), before)

            answer = recover("--data-dir", node.directory, "--yes")
            self.assertEqual((answer.returncode, answer.stderr), (0, ""))
            node.start()
            wait_for(node.ready, "the survivor serves")
            status = node.status()
            self.assertIn(status["cluster_id"], answer.stdout)
            self.assertEqual([voter["id"] for voter in status["configuration"]["voters"]], [1])
            self.holds_all(node, retry, first)

            # An old member with its old data is kept away, and keeps the new cluster from nothing.
            old = cluster.nodes[1]
            old.start()
            wait_for(lambda: old.status()["term"] > 0, "the old member runs")
            at = node.propose({"op": "put", "key": "after", "value": 1}).json()["index"]
            self.assertNotEqual(old.status()["cluster_id"], status["cluster_id"])
            old.kill()
            self.assertTrue(node.ready())
            # Wiped and started as before, the others come in by themselves.
            for other in cluster.nodes[1:]:
                shutil.rmtree(other.directory)
                other.start()
            wait_for(lambda: len(node.status()["configuration"]["voters"]) == 3, "all of the list vote", 30)
            wait_for(lambda: not os.path.exists(os.path.join(node.directory, "recovered")), "nobody is waited for")
            self.assertEqual(node.status().get("waiting_for", []), [])
            cluster.wait_equal()
            self.assertGreaterEqual(cluster.nodes[2].status()["commit_index"], at)
            node.kill()
            other = cluster.nodes[1]
            wait_for(lambda: other.propose({"op": "put", "key": "last", "value": 1}).status == 200, "two of three go on", 20)

    def test_whoever_is_killed_on_the_way_finds_the_old_cluster_or_the_new_one(self):
        _, node, retry, first = self.lost_majority()
        kept = node.directory + ".kept"
        shutil.copytree(node.directory, kept)
        ends = set()
        for step in range(12):
            shutil.rmtree(node.directory)
            shutil.copytree(kept, node.directory)
            process = subprocess.Popen([RAFTD, "recover", "--data-dir", node.directory, "--yes"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env={**os.environ, "TMPDIR": os.path.dirname(node.directory)})
            time.sleep(0.004 * step)
            process.send_signal(signal.SIGKILL)
            process.wait()
            seen = subprocess.run([RAFTD, "inspect", "--json", "--data-dir", node.directory], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertEqual(seen.returncode, 0, seen.stderr)
            ends.add('"voters":[{"id":1' in seen.stdout and '"id":2' not in seen.stdout)
        self.assertIn(False, ends)
        if recover("--data-dir", node.directory, "--yes").returncode == 0:
            ends.add(True)
        else:
            self.assertIn(True, ends)
        again = recover("--data-dir", node.directory, "--yes")
        self.assertEqual(again.returncode, 1)
        self.assertIn("only voter of its cluster already", again.stderr)
        node.start()
        wait_for(node.ready, "the survivor serves")
        self.holds_all(node, retry, first)

    def test_a_survivor_of_a_restored_cluster_serves_at_once(self):
        source = self.cluster(count=1).start().nodes[0]
        self.assertEqual(source.propose({"op": "put", "key": "old", "value": 1}).status, 200)
        path = os.path.join(os.path.dirname(source.directory), "backup")
        with open(path, "wb") as file:
            file.write(source.ask("GET", "/v1/snapshot").body)
        one, two, _ = nodes = self.cluster().nodes
        one.arguments += ["--restore", path]
        one.start()
        two.start()
        wait_for(lambda: len((one.status()["configuration"] or {}).get("voters", [])) == 2, "node 2 is in")
        for node in nodes[:2]:
            node.kill()
        answer = recover("--data-dir", one.directory, "--yes")
        self.assertEqual((answer.returncode, answer.stderr), (0, ""))
        one.start()
        wait_for(one.ready, "the survivor serves", 5)
        self.assertEqual(one.propose({"op": "put", "key": "new", "value": 1}).status, 200)

    def test_a_terminal_is_asked(self):
        _, node, _, _ = self.lost_majority()
        for typed, code in (("no\n", 1), ("yes\n", 0)):
            leader, follower = pty.openpty()
            process = subprocess.Popen([RAFTD, "recover", "--data-dir", node.directory], stdin=follower,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            os.close(follower)
            os.write(leader, typed.encode())
            process.communicate(timeout=60)
            os.close(leader)
            self.assertEqual(process.returncode, code)

    def test_what_there_is_nothing_to_recover_of_is_refused(self):
        alone = self.cluster(count=1).start().nodes[0]
        answer = recover("--data-dir", alone.directory, "--yes")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("a node uses", answer.stderr)
        alone.stop()
        answer = recover("--data-dir", alone.directory, "--yes")
        self.assertIn("only voter of its cluster already", answer.stderr)
        answer = recover("--data-dir", "/nowhere", "--yes")
        self.assertEqual((answer.returncode, len(answer.stderr.splitlines())), (1, 1), answer.stderr)
        self.assertEqual(recover("--nonsense").returncode, 2)
        self.assertEqual(recover("--data-dir").returncode, 2)
        self.assertIn("raftd recover", recover("--help").stdout)


if __name__ == "__main__":
    unittest.main()
