"""Each machine that is not built in the way `hashmap` is goes through what `hashmap` goes through: kills, snapshots, snapshots from others, backups;
the state is what the commands make of it, on every node. And what a program that fails does to its node."""

import json
import os
import random
import re
import subprocess
import unittest

from harness import LIBRARIES, ROOT, ClusterTest, Node, free_ports, wait_for

BUILD = os.path.normpath(os.path.join(LIBRARIES, "..", ".."))
EXAMPLES = os.path.join(ROOT, "server", "machine", "examples")
FAULTY = "exec:" + os.path.join(ROOT, "tests", "machines", "faulty_program.py")


class Hashmap:
    argument = "hashmap"
    question = {"op": "list", "limit": 1000}

    def __init__(self):
        self.model = {}

    def command(self, dice):
        key, value = f"key{dice.randrange(40)}", dice.random()
        self.model[key] = value
        return {"op": "put", "key": key, "value": value}

    def state(self):
        return {"entries": [{"key": key, "value": self.model[key]} for key in sorted(self.model)], "more": False}


class Counter:
    argument = os.path.join(BUILD, "machines", "counter.so")
    question = None

    def __init__(self):
        self.model = 0

    def command(self, dice):
        number = dice.randrange(-100, 100)
        self.model += number
        return number

    def state(self):
        return self.model


class Tags:
    argument = "exec:" + os.path.join(EXAMPLES, "tags.py")
    question = {"tag": "red"}

    def __init__(self):
        self.model = set()

    def command(self, dice):
        thing, put = f"thing{dice.randrange(40)}", dice.random() < 0.7
        (self.model.add if put else self.model.discard)(thing)
        return {"tag" if put else "untag": "red", "thing": thing}

    def state(self):
        return sorted(self.model)


class Sqlite:
    argument = os.path.join(BUILD, "machines", "sqlite.so")
    question = {"sql": "SELECT id, name, n FROM t ORDER BY id"}

    def __init__(self):
        self.model = {}
        self.begun = False

    def command(self, dice):
        if not self.begun:
            self.begun = True
            return {"sql": "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n REAL CHECK (n < 100))"}
        what, number, name = dice.randrange(4), dice.randrange(40), f"n\u00e4me{dice.randrange(9)}"
        if what == 0:
            self.model[number] = [name, 0.5]
            return {"sql": "INSERT OR REPLACE INTO t VALUES (?, ?, 0.5)", "args": [number, name]}
        if what == 1:
            self.model.pop(number, None)
            return {"sql": "DELETE FROM t WHERE id = ?", "args": [number]}
        if what == 2:
            for row in self.model.values():
                row[1] = row[1] + 1 if row[0] == name and row[1] < 90 else row[1]
            return {"sql": "UPDATE t SET n = n + 1 WHERE name = ? AND n < 90", "args": [name]}
        self.model[number] = [name, 2.0]
        self.model.pop(number + 1, None)
        return {"batch": [{"sql": "DELETE FROM t WHERE id IN (?1, ?1 + 1)", "args": [number]},
                          {"sql": "INSERT INTO t (id, name, n) VALUES (?, ?, 2)", "args": [number, name]}]}

    def state(self):
        return {"columns": ["id", "name", "n"], "rows": [[key, *self.model[key]] for key in sorted(self.model)]}


class MachinesTest(ClusterTest):
    def write(self, node, machine, dice, count):
        """So many commands; every one is answered, through whichever node."""
        lines = [machine.command(dice) for _ in range(count)]
        body = "".join(json.dumps(line) + "\n" for line in lines)
        answer = node.ask("POST", "/v1/propose?timeout=20s", body, {"Content-Type": "application/x-ndjson"}, timeout=30)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.body.count(b'"result"'), count, answer)

    def check(self, nodes, machine):
        for node in nodes:
            self.assertEqual(node.query(machine.question).json()["result"], machine.state(), f"node {node.number}")

    def check_hashes(self, cluster):
        def equal():
            hashes = [node.status()["state_hash"] for node in cluster.nodes]
            return hashes[0] and all(report == hashes[0] for report in hashes)
        wait_for(equal, "the same hash on every node")
        for node in cluster.nodes:
            self.assertNotIn("differs", node.log())

    def go_through(self, machine):
        dice = random.Random(9)
        cluster = self.cluster(extra=["--machine", machine.argument, "--snapshot-entries", "50"]).start()
        self.write(cluster.leader(), machine, dice, 120)
        self.write(cluster.followers()[0], machine, dice, 30)
        self.check(cluster.nodes, machine)
        # The leader dies, others go on; it comes back.
        leader = cluster.leader()
        leader.kill()
        others = [node for node in cluster.nodes if node is not leader]
        wait_for(lambda: others[0].status()["leader"] and others[0].status()["leader"]["id"] != leader.number, "another leads")
        cluster.wait_ready(others)
        self.write(others[0], machine, dice, 40)
        leader.start()
        cluster.wait_ready([leader])
        self.check(cluster.nodes, machine)
        # One sleeps through all that the log keeps: it gets a snapshot.
        sleeper = cluster.followers()[0]
        last = sleeper.status()["last_index"]
        sleeper.kill()
        awake = [node for node in cluster.nodes if node is not sleeper]
        while not all(node.status()["first_index"] > last + 1 for node in awake):
            self.write(awake[0], machine, dice, 60)
        sleeper.start()
        cluster.wait_ready([sleeper])
        wait_for(lambda: "takes effect" in sleeper.log(), "it got a snapshot")
        self.write(sleeper, machine, dice, 10)
        cluster.wait_equal()
        self.check(cluster.nodes, machine)
        # All die at once.
        for node in cluster.nodes:
            node.kill()
        for node in cluster.nodes:
            node.start()
        cluster.wait_ready()
        self.write(cluster.nodes[1], machine, dice, 10)
        self.check(cluster.nodes, machine)
        self.check_hashes(cluster)
        self.restore(cluster, machine, dice)

    def restore(self, cluster, machine, dice):
        """A backup begins another cluster."""
        backup = os.path.join(cluster.directory, "backup")
        with open(backup, "wb") as file:
            file.write(cluster.nodes[0].ask("GET", "/v1/snapshot").body)
        port, data = free_ports(1)[0], os.path.join(cluster.directory, "data9")
        node = Node(9, port, data, ["--id", "9", "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--machine", machine.argument,
                                    "--restore", backup])
        cluster.nodes.append(node)
        node.start()
        cluster.wait_ready([node])
        self.check([node], machine)
        self.write(node, machine, dice, 10)
        self.check([node], machine)

    def test_hashmap(self):
        self.go_through(Hashmap())

    def test_counter(self):
        self.go_through(Counter())

    def test_tags(self):
        self.go_through(Tags())

    @unittest.skipUnless(os.path.exists(Sqlite.argument), "the example machine sqlite was left out")
    def test_sqlite(self):
        self.go_through(Sqlite())

    @unittest.skipUnless(os.path.exists(Sqlite.argument), "the example machine sqlite was left out")
    def test_the_readmes_database_gives_the_readmes_answers(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            chapter = re.search(r"### A database, replicated\n(.*?)\n##", file.read(), re.DOTALL)[1]
        told = re.findall(r"^\$ (curl .*)\n(.*)$", chapter, re.MULTILINE)
        self.assertEqual(len(told), 4)
        node = self.cluster(count=1, extra=["--machine", Sqlite.argument]).start().nodes[0]
        for command, answer in told:
            said = subprocess.run(["sh", "-c", command.replace("8001", str(node.port)).replace("curl", "curl -s")], capture_output=True,
                                  text=True, timeout=30, check=True).stdout
            self.assertEqual(re.sub(r'"index":\d+,"term":\d+,', "", said.strip()), re.sub(r'"index":\d+,"term":\d+,', "", answer))


class ProgramTest(ClusterTest):
    def test_a_program_that_fails_ends_its_node_and_a_mended_one_goes_on(self):
        cluster = self.cluster(extra=["--machine", FAULTY]).start()
        self.assertEqual(cluster.leader().propose("first").json()["result"], "first")
        # Whoever answers the query stops, with a word why; the others go on, and it comes back.
        victim = cluster.followers()[0]
        with self.assertRaises(OSError):
            victim.query("exit")
        self.assertEqual(victim.wait_exit(), 3)
        self.assertIn("answering a query, has ended with exit code 7, so this node stops", victim.log())
        victim.start()
        cluster.wait_ready([victim])
        self.assertEqual(victim.query(None).json()["result"], ["first"])
        # A command that ends it does so wherever it is applied, and again at each start: a majority stops.
        try:
            answer = cluster.leader().propose("exit")
            self.assertEqual(answer.json()["outcome"], "unknown", answer)
        except OSError:
            pass
        self.wait_stopped(cluster)
        for node in cluster.nodes:
            node.start()
        self.wait_stopped(cluster)
        # The mended program applies it.
        for node in cluster.nodes:
            node.environment["RAFTD_FAULT"] = "mended"
            node.start()
        cluster.wait_ready()
        for node in cluster.nodes:
            self.assertEqual(node.query(None).json()["result"], ["first", "exit"])
        self.assertEqual([node.stop() for node in cluster.nodes], [0, 0, 0])

    def wait_stopped(self, cluster):
        """Who has not heard that the command is committed before nobody was there any more lives on alone."""
        wait_for(lambda: sum(node.process.poll() is not None for node in cluster.nodes) >= 2, "a majority has stopped")
        for node in cluster.nodes:
            if node.process.poll() is None:
                node.kill()
            else:
                self.assertEqual(node.wait_exit(), 3)
                self.assertRegex(node.log(), r"applying the command at index \d+, has ended with exit code 7")

    def test_programs_end_with_their_node(self):
        node = self.cluster(count=1, extra=["--machine", FAULTY]).start().nodes[0]
        with open(f"/proc/{node.process.pid}/task/{node.process.pid}/children", encoding="ascii") as file:
            programs = [int(pid) for pid in file.read().split()]
        self.assertEqual(len(programs), 1)
        self.assertEqual(os.readlink(f"/proc/{programs[0]}/fd/2"), node.log_path)
        self.assertEqual(len([name for name in os.listdir(f"/proc/{programs[0]}/fd") if int(name) < 3]), 3)
        node.kill()
        wait_for(lambda: not os.path.exists(f"/proc/{programs[0]}"), "it ends when its input does")

    def test_what_cannot_be_run_is_one_line_and_exit_2(self):
        for path, fault, part in (("exec:./nowhere", "", "exec:./nowhere cannot be started: No such file"),
                                  (FAULTY, "version", "speaks version 2 of the protocol")):
            node = self.cluster(count=1, extra=["--machine", path], environment={"RAFTD_FAULT": fault}).nodes[0]
            node.start()
            self.assertEqual(node.wait_exit(), 2)
            self.assertEqual(len(node.log().strip().splitlines()), 1, node.log())
            self.assertIn(part, node.log())


if __name__ == "__main__":
    unittest.main()
