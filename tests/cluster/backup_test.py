"""--backup-dir: whoever leads puts backups there, and not more than wanted."""

import glob
import os
import re
import shutil
import subprocess
import unittest

from harness import RAFTD, ClusterTest, wait_for

NAME = re.compile(r"raftd-([0-9a-f]{8})-([0-9]{16})-[0-9]{8}T[0-9]{6}Z\.snapshot")


def backups(directory):
    """Indexes, the newest last."""
    names = [NAME.fullmatch(name) for name in sorted(os.listdir(directory)) if not name.startswith(".")]
    return [int(name.group(2)) for name in names if name]


class BackupTest(ClusterTest):
    def backing_up(self, shared=False, keep=2):
        cluster = self.cluster()
        for node in cluster.nodes:
            node.backups = os.path.join(cluster.directory, "backups" if shared else f"backups{node.number}")
            node.arguments += ["--backup-dir", node.backups, "--backup-every", "1s", "--backup-keep", str(keep)]
        return cluster.start()

    def write(self, cluster, number):
        node = cluster.leader()
        self.assertEqual(node.propose({"op": "put", "key": f"k{number}", "value": number}).status, 200)
        return node

    def test_whoever_leads_keeps_so_many_and_one_of_them_is_a_cluster_again(self):
        cluster = self.backing_up()
        seen = set()
        leader = cluster.leader()
        for number in range(3):
            self.write(cluster, number)
            index = leader.status()["applied_index"]
            wait_for(lambda: backups(leader.backups)[-1:] >= [index], "what was written is in a backup")
            seen.update(backups(leader.backups))
        wait_for(lambda: len(backups(leader.backups)) == 2, "two are kept")
        self.assertGreaterEqual(len(seen), 3)
        for follower in cluster.followers():
            self.assertEqual(os.listdir(follower.backups), [])
        self.assertEqual([name for name in os.listdir(leader.backups) if name.startswith(".")], [])
        for path in glob.glob(leader.backups + "/*"):
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

        leader.kill()
        other = wait_for(lambda: next((node for node in [cluster.leader()] if node is not leader), None), "another leads")
        self.write(cluster, 3)
        wait_for(lambda: backups(other.backups), "the new leader makes one")
        index = other.status()["applied_index"]
        wait_for(lambda: backups(other.backups)[-1:] >= [index], "what was written is in a backup")
        newest = sorted(glob.glob(other.backups + "/raftd-*.snapshot"))[-1]
        self.assertIn(other.status()["cluster_id"][:8], newest)
        copy = self.cluster(count=1)
        copy.nodes[0].arguments += ["--restore", newest]
        copy.start()
        for number in range(4):
            self.assertEqual(copy.nodes[0].query({"op": "get", "key": f"k{number}"}).json()["result"]["value"], number)

    def test_a_directory_that_goes_away_is_told_and_tried_again(self):
        cluster = self.backing_up(shared=True)
        shared = cluster.nodes[0].backups
        leader = self.write(cluster, 1)
        wait_for(lambda: backups(shared), "a backup")
        shutil.rmtree(shared)
        self.write(cluster, 2)
        wait_for(lambda: "no backup: cannot open" in leader.log(), "the failure is told")
        self.assertEqual(self.write(cluster, 3), leader)
        os.mkdir(shared)
        wait_for(lambda: backups(shared), "it is tried again")

    def test_a_directory_that_cannot_be_used_is_one_clear_line(self):
        for directory in ("/proc/backups", "/nowhere/backups", "/dev/null"):
            answer = subprocess.run([RAFTD, "--data-dir", os.path.join(self.cluster(count=1).directory, "d"), "--listen",
                                     "127.0.0.1:1", "--backup-dir", directory], capture_output=True, text=True, timeout=20,
                                    check=False, stdin=subprocess.DEVNULL)
            self.assertEqual(answer.returncode, 1)
            self.assertIn("--backup-dir: cannot", answer.stderr.strip().splitlines()[-1])


if __name__ == "__main__":
    unittest.main()
