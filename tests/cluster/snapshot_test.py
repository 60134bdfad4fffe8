"""Snapshots and the cut log: bounded, quick to start from, and nothing is lost whenever a node dies on the way."""

import glob
import http.client
import json
import os
import random
import socket
import threading
import time
import unittest

from harness import LIBRARIES, Client, ClusterTest, wait_for

HOLD_LIBRARY = os.path.join(LIBRARIES, "hold_sync.so")


def put_many(node, first, count, size=10):
    """So many commands in bodies of a thousand. A leader that is lost meanwhile, on a busy machine, is no matter here."""
    client = Client(node.port, timeout=60.0)
    for begin in range(first, first + count, 1000):
        numbers = range(begin, min(begin + 1000, first + count))
        body = "".join(json.dumps({"op": "put", "key": f"key-{n % 500}", "value": [n, "x" * size]}) + "\n" for n in numbers)
        while True:
            answer = client.ask("POST", "/v1/propose?timeout=60s", body, {"Content-Type": "application/x-ndjson"})
            assert answer.status == 200, answer
            if answer.body.count(b'"result"') == len(numbers):
                break
    client.close()


def contents(node, consistency="linearizable"):
    """All that the state machine holds, as text."""
    entries, after = [], None
    while True:
        question = {"op": "list", "limit": 1000, **({"after": after} if after else {})}
        answer = node.query(question, f"?consistency={consistency}&timeout=20s").json()["result"]
        entries += answer["entries"]
        if not answer["more"]:
            return json.dumps(entries)
        after = entries[-1]["key"]


def size_of(directory):
    return sum(os.path.getsize(path) for path in glob.glob(directory + "/**", recursive=True) if os.path.isfile(path))


def snapshot_files(node):
    return sorted(glob.glob(os.path.join(node.directory, "snapshots", "*")))


class SnapshotTest(ClusterTest):
    def test_the_log_is_bounded_and_a_node_starts_from_its_snapshot(self):
        cluster = self.cluster(extra=["--snapshot-entries", "1000"]).start()
        leader = cluster.leader()
        put_many(leader, 0, 20000, size=200)
        cluster.wait_equal()
        before = contents(leader)
        for node in cluster.nodes:
            wait_for(lambda node=node: node.status()["first_index"] > 15000, "the log is cut")
            # The log is cut in memory when the write that names the snapshot is on its way.
            wait_for(lambda node=node: node.status()["snapshot"]["index"] >= node.status()["first_index"], "it counts")
            status = node.status()
            self.assertGreater(status["snapshot"]["size_bytes"], 500 * 200)
            # Twenty thousand commands of about 250 bytes would be five megabytes and more.
            wait_for(lambda node=node: size_of(os.path.join(node.directory)) < 4_000_000 + 64_000_000 * bool(
                glob.glob(os.path.join(node.directory, "ballast*"))), "the disk gets its space back")
            wait_for(lambda node=node: len(snapshot_files(node)) <= 2, "old files are removed")
        for node in cluster.nodes:
            node.kill()
        began = time.monotonic()
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        self.assertLess(time.monotonic() - began, 10.0)
        cluster.wait_equal()
        for node in cluster.nodes:
            self.assertEqual(contents(node), before)

    def test_what_was_cut_is_410_with_the_first_index(self):
        node = self.cluster(1, extra=["--snapshot-entries", "100"]).start().nodes[0]
        put_many(node, 0, 1000)
        first = wait_for(lambda: node.status()["first_index"] > 500 and node.status()["first_index"], "the log is cut")
        for path in ("/v1/log?from=1", f"/v1/log?from={first - 1}", "/v1/watch?from=1", f"/v1/watch?from={first - 1}"):
            answer = node.ask("GET", path)
            self.assertEqual(answer.status, 410, path)
            self.assertEqual((answer.json()["code"], answer.json()["first_index"]), ("compacted", first), path)
        page = node.ask("GET", "/v1/log?from=0&limit=3").json()
        self.assertEqual([entry["index"] for entry in page["entries"]], [first, first + 1, first + 2])
        self.assertEqual(page["first_index"], first)

    def test_a_watch_that_does_not_read_ends_when_the_log_is_cut_under_it(self):
        node = self.cluster(1, extra=["--snapshot-entries", "100", "--cache-bytes", "0"]).start().nodes[0]
        watch = socket.socket()
        self.addCleanup(watch.close)
        watch.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        watch.connect(("127.0.0.1", node.port))
        watch.sendall(b"GET /v1/watch?from=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"200", watch.recv(100))
        put_many(node, 0, 5000, size=2000)
        wait_for(lambda: node.status()["first_index"] > 4000, "the log is cut")
        watch.settimeout(20.0)
        seen = b""
        while piece := watch.recv(65536):
            seen = (seen + piece)[-4096:]
        self.assertIn(b"event: end", seen)
        self.assertIn(b'"code":"compacted"', seen)

    def test_taking_one_and_downloading_it(self):
        cluster = self.cluster().start()
        put_many(cluster.leader(), 0, 300)
        applied = cluster.wait_equal()
        for node in cluster.nodes:
            answer = node.ask("POST", "/v1/snapshot")
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.json()["index"], applied)
            self.assertEqual(node.status()["snapshot"], answer.json())
            self.assertEqual(node.ask("POST", "/v1/snapshot").json(), answer.json())
            download = node.ask("GET", "/v1/snapshot")
            self.assertEqual(download.status, 200)
            self.assertEqual(len(download.body), answer.json()["size_bytes"])
            self.assertEqual(int(download.headers["Content-Length"]), len(download.body))
            self.assertEqual(download.headers["Content-Type"], "application/octet-stream")
            self.assertIn("attachment", download.headers["Content-Disposition"])
            with open(snapshot_files(node)[0], "rb") as file:
                self.assertEqual(download.body, file.read())
            head = node.ask("HEAD", "/v1/snapshot")
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(head.headers["Content-Length"], download.headers["Content-Length"])
        metrics = cluster.nodes[0].ask("GET", "/metrics").body.decode()
        self.assertIn(f"raftd_snapshot_index {applied}\n", metrics)
        put_many(cluster.leader(), 0, 1)
        applied = cluster.wait_equal()
        node = cluster.nodes[0]
        self.assertGreater(len(node.ask("GET", "/v1/snapshot").body), 0)
        self.assertEqual(node.status()["snapshot"]["index"], applied, "a download covers what is applied")

    def test_a_node_that_waits_to_form_has_none(self):
        cluster = self.cluster(2)
        node = cluster.nodes[0].start()
        wait_for(lambda: node.ask("GET", "/healthz").status == 200, "it serves")
        for method in ("POST", "GET"):
            answer = node.ask(method, "/v1/snapshot")
            self.assertEqual((answer.status, answer.json()["code"]), (503, "not_ready"))
        self.assertIsNone(node.status()["snapshot"])

    def test_killed_at_any_moment_nothing_is_lost(self):
        node = self.cluster(1, extra=["--snapshot-entries", "50"]).start().nodes[0]
        told, number = {}, 0
        dice = random.Random(7)
        for _ in range(25):
            stop = time.monotonic() + dice.uniform(0.0, 0.3)
            done = threading.Event()

            def write():
                nonlocal number
                client = Client(node.port, timeout=10.0)
                while not done.is_set():
                    number += 1
                    try:
                        answer = client.ask("POST", "/v1/propose", json.dumps(
                            {"op": "put", "key": f"key-{number % 100}", "value": number}))
                        if answer.status == 200:
                            told[f"key-{number % 100}"] = number
                    except (OSError, http.client.HTTPException):
                        return
                client.close()

            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            time.sleep(max(0.0, stop - time.monotonic()))
            node.kill()
            done.set()
            writer.join(timeout=20.0)
            node.start()
            wait_for(node.ready, "it starts again")
            held = {entry["key"]: entry["value"] for entry in json.loads(contents(node))}
            for key, value in told.items():
                # What was sent last may have been done without being told.
                self.assertIn(held[key], (value, number), key)
            told.update(held)
        self.assertGreater(node.status()["snapshot"]["index"], 0)

    def test_killed_between_the_file_and_its_name(self):
        cluster = self.cluster(1)
        node = cluster.nodes[0]
        hold = os.path.join(cluster.directory, "hold")
        node.environment = {"LD_PRELOAD": HOLD_LIBRARY, "RAFTD_HOLD_FILE": hold}
        cluster.start()
        put_many(node, 0, 300)
        first = node.ask("POST", "/v1/snapshot").json()
        put_many(node, 300, 300)
        before = contents(node)
        kept = snapshot_files(node)
        for _ in range(10):
            # Every sync waits from now on: the file's, the directory's, the log's.
            with open(hold, "w", encoding="ascii"):
                pass
            asking = threading.Thread(target=lambda: self.ask_quietly(node), daemon=True)
            asking.start()
            wait_for(lambda: len(snapshot_files(node)) > len(kept), "a new file is begun")
            # One sync after the other is let through by short gaps, until one of them is the last before the kill.
            os.unlink(hold)
            time.sleep(random.uniform(0.0, 0.004))
            with open(hold, "w", encoding="ascii"):
                pass
            node.kill()
            asking.join(timeout=20.0)
            os.unlink(hold)
            node.start()
            wait_for(node.ready, "it starts again")
            self.assertEqual(contents(node), before)
            self.assertGreaterEqual(node.status()["snapshot"]["index"], first["index"])
            kept = snapshot_files(node)
            self.assertEqual(len(kept), 1, "what no name leads to is removed")
            put_many(node, 300, 1)
            put_many(node, 599, 1)
            before = contents(node)

    @staticmethod
    def ask_quietly(node):
        try:
            node.ask("POST", "/v1/snapshot", timeout=30.0)
        except (OSError, http.client.HTTPException):
            pass

    def test_a_damaged_snapshot_is_refused_with_the_cure(self):
        node = self.cluster(1).start().nodes[0]
        put_many(node, 0, 300)
        self.assertEqual(node.ask("POST", "/v1/snapshot").status, 200)
        self.assertEqual(node.stop(), 0)
        path, = snapshot_files(node)
        with open(path, "rb") as file:
            whole = file.read()
        damages = [whole[:len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1:], whole[:-1],
                   whole + b"\0", None]
        for damage in damages:
            if damage is None:
                os.unlink(path)
            else:
                with open(path, "wb") as file:
                    file.write(damage)
            told = len(node.log())
            node.start()
            self.assertEqual(node.wait_exit(), 1)
            message = node.log()[told:]
            self.assertEqual(len(message.strip().splitlines()), 1, message)
            self.assertRegex(message, "snapshot")
            self.assertRegex(message, "remove .*wipe.* join again")
        with open(path, "wb") as file:
            file.write(whole)
        node.start()
        wait_for(node.ready, "the whole file is taken again")

    def test_another_machine_is_refused_with_a_snapshot(self):
        self.another_machine_is_refused(lambda node: self.assertEqual(node.ask("POST", "/v1/snapshot").status, 200))

    def test_another_machine_is_refused_without_one(self):
        self.another_machine_is_refused(lambda node: None)

    def another_machine_is_refused(self, prepare):
        node = self.cluster(1).start().nodes[0]
        put_many(node, 0, 10)
        prepare(node)
        self.assertEqual(node.stop(), 0)
        node.arguments += ["--machine", "register"]
        node.start()
        self.assertEqual(node.wait_exit(), 1)
        self.assertIn("hashmap", node.log().splitlines()[-1])
        self.assertIn("--machine register", node.log().splitlines()[-1])
        node.arguments[-1] = "hashmap"
        node.start()
        wait_for(node.ready, "with its own machine it goes on")


if __name__ == "__main__":
    unittest.main()
