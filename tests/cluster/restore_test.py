"""A backup taken under load becomes a new cluster (--restore), whoever is killed on the way."""

import json
import os
import random
import subprocess
import unittest

from harness import RAFTD, ClusterTest, Writer, free_ports, wait_for


def download(node, path):
    answer = node.ask("GET", "/v1/snapshot")
    assert answer.status == 200, answer
    with open(path, "wb") as file:
        file.write(answer.body)
    return path


def restoring(cluster, number, path):
    """Node `number` of the cluster begins with the backup, and is started so every time."""
    cluster.nodes[number - 1].arguments += ["--restore", path]
    return cluster


def all_vote(cluster):
    def voters(node):
        configuration = node.status()["configuration"]
        return configuration and [voter["id"] for voter in configuration["voters"]]
    everybody = [node.number for node in cluster.nodes]
    wait_for(lambda: all(voters(node) == everybody for node in cluster.nodes), "all of the list vote", 60)


class RestoreTest(ClusterTest):
    def backup(self, machine="hashmap", entries=30):
        """A file, and the node that it comes from."""
        node = self.cluster(count=1, extra=["--machine", machine]).start().nodes[0]
        for number in range(entries):
            command = {"op": "put", "key": f"k{number}", "value": number} if machine == "hashmap" else {"op": "write", "value": number}
            answer = node.ask("POST", "/v1/propose", json.dumps(command), {"Idempotency-Key": f"once-{number}"})
            self.assertEqual(answer.status, 200)
        return download(node, os.path.join(os.path.dirname(node.directory), "backup")), node

    def refuse(self, *arguments):
        answer = subprocess.run([RAFTD, "--listen", f"127.0.0.1:{free_ports(1)[0]}", *arguments], capture_output=True, text=True,
                                timeout=20, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(len(answer.stderr.strip().splitlines()), 1, answer.stderr)
        return answer.returncode, answer.stderr

    def test_a_backup_taken_under_load_is_a_new_cluster_with_all_that_it_held(self):
        old = self.cluster(extra=["--snapshot-entries", "500"]).start()
        session = old.nodes[0].ask("POST", "/v1/sessions").json()["session"]
        first = old.nodes[1].propose({"op": "put", "key": "in-session", "value": 1}, f"?session={session}&seq=1").json()
        writers = [Writer(node, f"writer{node.number}") for node in old.nodes]
        for writer in writers:
            writer.start()
        wait_for(lambda: all(len(writer.acknowledged) > 100 for writer in writers), "the writers have written")
        held = {key for writer in writers for key in list(writer.acknowledged)}
        answer = old.followers()[0].ask("POST", "/v1/snapshot")
        path = download(old.followers()[0], os.path.join(old.directory, "backup"))
        for writer in writers:
            writer.stopping.set()
        for writer in writers:
            writer.join()
        cluster_id = old.nodes[0].status()["cluster_id"]
        for node in old.nodes:
            node.kill()

        new = restoring(self.cluster(), 2, path).start()
        all_vote(new)
        self.assertNotEqual(new.nodes[0].status()["cluster_id"], cluster_id)
        for node in new.nodes:
            found = {key for key in held if node.query({"op": "get", "key": key}).json()["result"]["found"]}
            self.assertEqual(found, held)
            again = node.propose({"op": "put", "key": "in-session", "value": 1}, f"?session={session}&seq=1").json()
            self.assertEqual(again, {**first, "duplicate": True})
        written = new.nodes[0].propose({"op": "put", "key": "after", "value": 1}).json()
        self.assertGreater(written["index"], answer.json()["index"])
        new.wait_equal()
        for node in new.nodes:
            log = node.ask("GET", "/v1/log?limit=1").json()
            self.assertGreater(log["first_index"], answer.json()["index"])
            self.assertFalse(os.path.exists(os.path.join(node.directory, "restoring")))

    def test_it_takes_no_command_before_all_of_the_list_are_in_and_says_who_is_missing(self):
        path, _ = self.backup()
        cluster = restoring(self.cluster(), 1, path)
        one, two, three = cluster.nodes
        one.start()
        two.start()
        wait_for(lambda: [voter["id"] for voter in (one.status()["configuration"] or {}).get("voters", [])] == [1, 2], "node 2 is in")
        answer = one.propose({"op": "put", "key": "early", "value": 1})
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["outcome"]), (503, "not_ready", "rejected"))
        self.assertIn("node 3", answer.json()["detail"])
        self.assertEqual([missing["id"] for missing in one.status()["waiting_for"]], [3])
        self.assertFalse(one.ready())
        self.assertEqual(one.query({"op": "get", "key": "k7"}).json()["result"], {"found": True, "value": 7})
        three.start()
        cluster.wait_ready()
        all_vote(cluster)
        self.assertEqual(one.status()["waiting_for"], [])
        self.assertEqual(one.propose({"op": "put", "key": "early", "value": 1}).status, 200)

    def test_whoever_is_killed_while_it_forms_there_is_one_cluster_in_the_end(self):
        path, _ = self.backup()
        drawn = random.Random(5)
        cluster = restoring(self.cluster(heartbeat="20ms", election="100ms"), 3, path)
        for node in cluster.nodes:
            node.start()
        for _ in range(8):
            node = drawn.choice(cluster.nodes)
            log = node.log()
            wait_for(lambda node=node, log=log: node.log() != log or node.process.poll() is None, "it does something")
            node.kill()
            node.start()
        cluster.wait_ready()
        all_vote(cluster)
        self.assertEqual(len({node.status()["cluster_id"] for node in cluster.nodes}), 1)
        for node in cluster.nodes:
            self.assertEqual(node.query({"op": "count"}).json()["result"], {"count": 30})

    def test_the_option_may_stay_and_a_watcher_sees_no_index_go_back(self):
        path, source = self.backup()
        last = source.status()["applied_index"]
        cluster = restoring(self.cluster(count=1), 1, path).start()
        node = cluster.nodes[0]
        index = node.propose({"op": "put", "key": "new", "value": 1}).json()["index"]
        self.assertGreater(index, last)
        self.assertEqual(node.ask("GET", f"/v1/watch?from={last}").status, 410)
        identity = node.status()["cluster_id"]
        node.kill()
        node.start()
        cluster.wait_ready()
        self.assertEqual(node.status()["cluster_id"], identity)
        self.assertEqual(node.query({"op": "get", "key": "new"}).json()["result"], {"found": True, "value": 1})
        self.assertIn("does nothing: the data directory is not blank", node.log())
        retry = node.ask("POST", "/v1/propose", json.dumps({"op": "put", "key": "k3", "value": 3}), {"Idempotency-Key": "once-3"})
        self.assertTrue(retry.json()["duplicate"])

    def test_what_is_no_backup_of_this_machine_is_one_line_and_leaves_the_directory_blank(self):
        path, source = self.backup(machine="register", entries=3)
        place = os.path.dirname(source.directory)
        with open(path, "rb") as file:
            bytes_of = bytearray(file.read())
        damaged = os.path.join(place, "damaged")
        bytes_of[len(bytes_of) // 2] ^= 1
        with open(damaged, "wb") as file:
            file.write(bytes_of)
        for number, (file, part) in enumerate(((path, "state machine register"), (damaged, "damaged"), (place, place),
                                               (os.path.join(place, "nowhere"), "nowhere"), ("/dev/null", "/dev/null"))):
            data = os.path.join(place, f"blank{number}")
            code, line = self.refuse("--data-dir", data, "--restore", file)
            self.assertEqual(code, 1, line)
            self.assertIn(part, line)
            self.assertIn(file, line)
        code, line = self.refuse("--data-dir", data, "--restore", path, "--machine", "hashmap", "--join", "http://127.0.0.1:1", "--id", "4")
        self.assertEqual((code, "--restore" in line), (2, True))
        cluster = self.cluster(count=1, extra=["--machine", "register", "--restore", path])
        cluster.nodes[0].arguments[cluster.nodes[0].arguments.index("--data-dir") + 1] = data
        cluster.nodes[0].start()
        cluster.wait_ready()
        self.assertEqual(cluster.nodes[0].query({"op": "read"}).json()["result"], {"value": 2})


if __name__ == "__main__":
    unittest.main()
