"""A disk that fills up: commands are refused before it is really full, reads go on, nothing dies, and it mends itself."""

import contextlib
import http.client
import json
import os
import subprocess
import threading
import time
import unittest

from harness import DEADLINE, ClusterTest, wait_for

MIB = 1 << 20
DISK_BYTES = 64 * MIB


def can_mount():
    return os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"], check=False,
                                                capture_output=True).returncode == 0 and \
        subprocess.run(["umount", "/mnt"], check=False).returncode == 0


@unittest.skipUnless(can_mount(), "file systems of its own take root, and the right to mount")
class FullDiskTest(ClusterTest):
    def small_disks(self, count=3, arguments=()):
        """Nodes that each have a file system of 64 MiB to themselves."""
        cluster = self.cluster(count, extra=arguments)
        for node in cluster.nodes:
            node.disk = os.path.dirname(node.directory) + f"/disk{node.number}"
            os.mkdir(node.disk)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "raftd-test", node.disk], check=True)
            self.addCleanup(self.unmount, node)
            at = node.arguments.index("--data-dir") + 1
            node.arguments[at] = os.path.join(node.disk, "data")
        return cluster.start()

    def end(self, cluster):
        # Cleanups run backwards: the file systems are unmounted before this, so that the processes must have ended then.
        super().end(cluster)

    def unmount(self, node):
        if node.process is not None:
            node.kill()
        subprocess.run(["umount", node.disk], check=True)

    @staticmethod
    def free(node):
        found = os.statvfs(node.disk)
        return found.f_bavail * found.f_frsize

    def fill(self, node, leave=0):
        """Somebody else takes all of the disk but `leave` bytes."""
        def take():
            with open(os.path.join(node.disk, "somebody-else"), "ab") as file:
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, self.free(node) - leave)
            return True

        # Again when the node took some of it between the look and the taking.
        wait_for(take, "the rest of the disk is taken")

    @staticmethod
    def clear(node):
        os.unlink(os.path.join(node.disk, "somebody-else"))

    def is_full(self, node):
        return node.status()["disk"]["full"]

    def fill_and_wait(self, *nodes, leave=0):
        for node in nodes:
            self.fill(node, leave)
        for node in nodes:
            wait_for(lambda node=node: self.is_full(node), f"node {node.number} has seen that its disk is full")

    def put(self, node, key, value=1, query=""):
        return node.propose({"op": "put", "key": key, "value": value}, query)

    def check_refused(self, answer):
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["outcome"]), (507, "storage_full", "rejected"),
                         answer)

    def check_reads(self, nodes, key, value):
        for node in nodes:
            for consistency in ("linearizable", "lease", "stale"):
                answer = node.query({"op": "get", "key": key}, f"?consistency={consistency}")
                self.assertEqual((answer.status, answer.json()["result"]), (200, {"found": True, "value": value}), answer)

    @staticmethod
    def has_ended(node):
        return node.process.poll() is not None

    def check_alive(self, cluster):
        for node in cluster.nodes:
            self.assertIsNone(node.process.poll(), f"node {node.number} has ended")

    def wait_writable(self, node, key):
        wait_for(lambda: self.put(node, key).status == 200, "commands are taken again")

    def test_a_cluster_that_is_full_reads_on_restarts_elects_and_mends_itself(self):
        cluster = self.small_disks()
        self.assertEqual(self.put(cluster.nodes[0], "x", 1).status, 200)
        cluster.wait_equal()
        self.fill_and_wait(*cluster.nodes)
        for number, node in enumerate(cluster.nodes):
            self.check_refused(self.put(node, f"refused{number}"))
        self.check_reads(cluster.nodes, "x", 1)
        self.assertIn("raftd_storage_full 1\n", cluster.nodes[0].ask("GET", "/metrics").body.decode())
        self.assertLess(cluster.nodes[0].status()["disk"]["free_bytes"], 16 * MIB)
        # Elections, more than the pages in use have room for, and starts: their writes have the ballast.
        for number in range(60):
            answer = cluster.nodes[0].ask("POST", "/v1/leader/transfer", json.dumps({"to": number % 3 + 1}))
            self.assertIn(answer.status, (200, 409), answer)
        self.check_alive(cluster)
        leader = cluster.leader()
        leader.kill()
        wait_for(lambda: any(node.status()["role"] == "leader" for node in cluster.nodes if node is not leader),
                 "another leader")
        leader.start()
        cluster.wait_ready()
        for node in cluster.nodes:
            self.assertEqual(node.stop(), 0)
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        self.check_reads(cluster.nodes, "x", 1)
        self.check_refused(self.put(cluster.nodes[1], "still-refused"))
        for node in cluster.nodes:
            self.clear(node)
        for node in cluster.nodes:
            self.wait_writable(node, f"again{node.number}")
            wait_for(lambda node=node: not self.is_full(node), "room is seen")
            self.assertIn("the disk has room again", node.log())
        self.check_alive(cluster)
        cluster.wait_equal()
        for node in cluster.nodes:
            keys = [entry["command"]["key"] for entry in node.committed() if entry["type"] == "command"]
            self.assertFalse([key for key in keys if "refused" in key], "what was refused is nowhere")

    def test_it_stops_by_itself_under_load_long_before_a_write_fails(self):
        cluster = self.small_disks()
        value = "x" * 1000
        sent = 0
        headers = {"Content-Type": "application/x-ndjson"}
        least = DISK_BYTES

        def refused():
            nonlocal least, sent
            lines = "\n".join(json.dumps({"op": "put", "key": f"k{sent + i}", "value": value}) for i in range(1000))
            sent += 1000
            answer = cluster.nodes[0].ask("POST", "/v1/propose", lines, headers).body.splitlines()
            least = min(least, *(self.free(node) for node in cluster.nodes))
            codes = {json.loads(line).get("code") for line in answer}
            self.assertLessEqual(codes, {None, "storage_full"})
            return "storage_full" in codes
        for _ in range(5):
            wait_for(refused, "the disks are full")
        self.assertGreater(least, DISK_BYTES // 8, "free, and the ballast beside it")
        big = json.dumps({"op": "put", "key": "big", "value": "x" * (900 * 1024)})
        wait_for(lambda: cluster.leader().ask("POST", "/v1/propose", "\n".join([big] * 60), headers).body.count(b"storage_full"),
                 "more than there is room for at once is refused")
        self.check_alive(cluster)
        self.check_reads(cluster.nodes, "k7", value)
        cluster.wait_equal()

    def test_a_full_leader_hands_over_to_one_that_has_room(self):
        cluster = self.small_disks()
        full = cluster.leader()
        self.fill(full)
        wait_for(lambda: self.is_full(full) and full.status()["role"] == "follower", "it hands over")
        self.assertNotEqual(cluster.leader(), full)
        for number in range(20):
            self.assertEqual(self.put(cluster.nodes[number % 3], f"after{number}", number).status, 200)
        self.clear(full)
        cluster.wait_equal()
        self.check_reads(cluster.nodes, "after19", 19)

    def test_one_full_follower_stops_nobody_and_two_stop_the_leader(self):
        cluster = self.small_disks()
        leader, (first, second) = cluster.leader(), cluster.followers()
        self.fill_and_wait(first)
        for number in range(20):
            self.assertEqual(self.put(cluster.nodes[number % 3], f"one{number}", number).status, 200)
        self.assertEqual(leader.status()["role"], "leader")
        self.check_reads([leader, second], "one19", 19)
        self.assertLess(first.status()["last_index"], leader.status()["last_index"], "it stores nothing more")
        self.fill_and_wait(second)
        wait_for(lambda: self.put(leader, "two", query="?timeout=200ms").status == 507, "the leader has heard of it")
        self.check_refused(self.put(second, "two"))
        self.check_reads([leader, second], "one19", 19)
        self.assertIn("no majority", self.put(first, "two").json()["detail"])
        self.clear(second)
        self.wait_writable(first, "again")
        self.clear(first)
        cluster.wait_equal()
        self.check_reads(cluster.nodes, "one19", 19)
        self.check_alive(cluster)

    def overwrite(self, node, batches, first=0):
        """Puts to ten keys, a megabyte in each batch; answers how many lines had no room."""
        headers = {"Content-Type": "application/x-ndjson"}
        refused, end = 0, time.monotonic() + DEADLINE
        for batch in range(first, first + batches):
            lines = [json.dumps({"op": "put", "key": f"k{i % 10}", "value": f"{batch} " + "x" * 1000}) for i in range(1000)]
            while lines:
                self.assertLess(time.monotonic(), end, "commands are not taken again")
                answers = [json.loads(line) for line in node.ask("POST", "/v1/propose", "\n".join(lines), headers).body.splitlines()]
                codes = {answer.get("code") for answer in answers}
                self.assertLessEqual(codes, {None, "storage_full", "not_leader", "leadership_lost", "timeout", "no_leader", "queue_full"})
                refused += sum(answer.get("code") == "storage_full" for answer in answers)
                lines = [line for line, answer in zip(lines, answers) if "code" in answer]
        return refused

    def test_a_log_that_filled_the_disk_is_cut_and_commands_are_taken_again(self):
        cluster = self.small_disks(arguments=["--snapshot-entries", "1000000000"])
        self.overwrite(cluster.nodes[0], DISK_BYTES // MIB)
        self.check_alive(cluster)
        cluster.wait_equal()
        for node in cluster.nodes:
            self.assertGreater(node.status()["snapshot"]["index"], 0)
            wait_for(lambda node=node: not self.is_full(node), "there is room again")

    def test_who_overwrites_never_fills_a_disk(self):
        cluster = self.small_disks(arguments=["--snapshot-entries", "2000"])
        self.assertEqual(self.overwrite(cluster.nodes[0], DISK_BYTES // MIB), 0)
        self.check_alive(cluster)

    def test_a_snapshot_that_does_not_fit_says_so_and_costs_nothing(self):
        cluster = self.small_disks(1)
        node = cluster.nodes[0]
        # Not so many that a snapshot is taken before the disk is full: that one would fit.
        lines = "\n".join(json.dumps({"op": "put", "key": f"k{i}", "value": "x" * 1000}) for i in range(4500))
        answer = node.ask("POST", "/v1/propose", lines, {"Content-Type": "application/x-ndjson"})
        self.assertNotIn(b"storage_full", answer.body)
        self.fill_and_wait(node)
        wait_for(lambda: "cannot write a snapshot file: No space left on device beside the log: the data directory needs more"
                 in node.log(), "it does not fit")
        self.check_alive(cluster)
        self.check_reads([node], "k4499", "x" * 1000)
        self.assertEqual([name for name in os.listdir(os.path.join(node.disk, "data", "snapshots")) if "writing" in name], [])
        self.clear(node)
        self.wait_writable(node, "again")
        wait_for(lambda: self.is_full(node) is False and os.path.exists(os.path.join(node.disk, "data", "ballast")),
                 "the reserve is made again")
        self.assertEqual(node.stop(), 0)

    def test_a_disk_that_is_filled_to_the_last_byte_in_the_middle_of_writing_ends_no_node(self):
        cluster = self.small_disks(arguments=["--snapshot-entries", "500"])
        stop = threading.Event()

        def write():
            number = 0
            while not stop.is_set():
                number += 1
                lines = "\n".join(json.dumps({"op": "put", "key": f"k{i % 10}", "value": "x" * 1000}) for i in range(200))
                with contextlib.suppress(OSError, http.client.HTTPException):
                    cluster.nodes[number % 3].ask("POST", "/v1/propose", lines, {"Content-Type": "application/x-ndjson"})
        writer = threading.Thread(target=write)
        writer.start()
        filled = 0
        try:
            for number in range(12):
                node = cluster.nodes[number % 3]
                try:
                    with open(os.path.join(node.disk, "somebody-else"), "wb") as file:
                        os.posix_fallocate(file.fileno(), 0, self.free(node))  # All, once: the reserve is the node's.
                    filled += 1
                    wait_for(lambda node=node: self.has_ended(node) or self.is_full(node), "it is seen")
                except OSError:
                    pass  # The node wrote between the look and the taking.
                finally:
                    self.clear(node)
                wait_for(lambda node=node: self.has_ended(node) or not self.is_full(node), "room is seen")
                self.check_alive(cluster)
        finally:
            stop.set()
            writer.join()
        self.assertGreater(filled, 0)
        self.wait_writable(cluster.nodes[0], "after")
        cluster.wait_equal()
        self.check_alive(cluster)

    def test_deaths_and_transfers_while_the_disks_fill(self):
        cluster = self.small_disks(arguments=["--snapshot-entries", "1000000000"])
        stop = threading.Event()
        refused = taken = 0

        def write():
            nonlocal refused, taken
            number = 0
            while not stop.is_set():
                number += 1
                lines = "\n".join(json.dumps({"op": "put", "key": f"k{i % 10}", "value": "x" * 1000}) for i in range(1000))
                try:
                    body = cluster.nodes[number % 3].ask("POST", "/v1/propose", lines,
                                                         {"Content-Type": "application/x-ndjson"}).body
                except (OSError, http.client.HTTPException):
                    continue
                refused += body.count(b"storage_full")
                taken += body.count(b'"index"')
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(9):
                node = cluster.nodes[number % 3]
                if number % 3 == 2:
                    node.ask("POST", "/v1/leader/transfer", json.dumps({"to": number // 3 + 1}))
                node.kill()
                node.start()
                cluster.wait_ready()
                self.check_alive(cluster)
        finally:
            stop.set()
            writer.join()
        self.assertGreater(taken, 0)
        self.wait_writable(cluster.nodes[0], "after")
        cluster.wait_equal()
        for node in cluster.nodes:
            self.assertNotIn("the data directory failed", node.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
