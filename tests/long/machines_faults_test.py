#!/usr/bin/env python3
"""Each machine under kills (kill -9 of one, of most, of all), stopped processes and nodes that sleep until only a snapshot helps, while clients
propose: what was acknowledged is there and what was rejected is not, on every node and on one that begins from a backup.
MACHINE_FAULT_SECONDS (60) for each machine; MACHINE_FAULT_SEED repeats a choice."""

import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
import machines_test
from harness import ClusterTest, Node, Writer, free_ports, wait_for

SECONDS = float(os.environ.get("MACHINE_FAULT_SECONDS", "60"))
SEED = int(os.environ.get("MACHINE_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


class Hashmap:
    argument, first = machines_test.Hashmap.argument, None

    def command(self, key, number):
        return {"op": "put", "key": key, "value": number}

    def kept(self, node):
        found, more = [], True
        while more:
            answer = node.query({"op": "list", "limit": 1000, **({"after": found[-1]} if found else {})}).json()["result"]
            found, more = found + [entry["key"] for entry in answer["entries"]], answer["more"]
        return found


class Tags:
    argument, first = machines_test.Tags.argument, None

    def command(self, key, number):
        return {"tag": f"tag{number % 3}", "thing": key}

    def kept(self, node):
        return [thing for tag in range(3) for thing in node.query({"tag": f"tag{tag}"}).json()["result"]]


class Sqlite:
    argument = machines_test.Sqlite.argument
    first = {"batch": [{"sql": "CREATE TABLE t (key TEXT PRIMARY KEY, n REAL)"}, {"sql": "CREATE TABLE total (n INTEGER)"},
                       {"sql": "INSERT INTO total VALUES (0)"}]}

    def command(self, key, number):
        return {"batch": [{"sql": "INSERT INTO t VALUES (?, ?)", "args": [key, number]}, {"sql": "UPDATE total SET n = n + 1"}]}

    def kept(self, node):
        """Page by page; and the sum that each transaction kept beside its row."""
        found, page = [], [""]
        total = node.query({"sql": "SELECT n, (SELECT count(*) FROM t) FROM total"}).json()["result"]["rows"][0]
        while page:
            page = [row[0] for row in node.query({"sql": "SELECT key FROM t WHERE key > ? ORDER BY key LIMIT 1000",
                                                  "args": [page[-1]]}).json()["result"]["rows"]]
            found += page
        assert total == [len(found), len(found)], (total, len(found))
        return found


class Counter:
    argument, first = machines_test.Counter.argument, None

    def command(self, _key, _number):
        return 1

    def kept(self, node):
        return node.query(None).json()["result"]


class Client(Writer):
    def __init__(self, node, name, machine):
        super().__init__(node, name)
        self.machine = machine

    def command(self, key, number):
        time.sleep(0.005)
        return self.machine.command(key, number)


class MachinesFaultsTest(ClusterTest):
    def one_dies(self, cluster, dice):
        node = cluster.leader() if dice.random() < 0.5 else dice.choice(cluster.nodes)
        self.kill(cluster, [node], dice)

    def most_die(self, cluster, dice):
        self.kill(cluster, dice.sample(cluster.nodes, 2), dice)

    def all_die(self, cluster, dice):
        self.kill(cluster, cluster.nodes, dice)

    def kill(self, cluster, nodes, dice):
        for node in nodes:
            node.kill()
        time.sleep(dice.uniform(0, 1.0))  # How long they are gone.
        for node in nodes:
            node.start()
        cluster.wait_ready()

    def one_stops(self, cluster, dice):
        node = cluster.leader() if dice.random() < 0.5 else dice.choice(cluster.nodes)
        node.freeze()
        time.sleep(dice.uniform(0.1, 1.5))
        node.thaw()
        cluster.wait_ready()

    def one_sleeps(self, cluster, dice):
        """Until the others have forgotten what it lacks."""
        sleeper = dice.choice(cluster.nodes)
        last = sleeper.status()["last_index"]
        sleeper.kill()
        awake = [node for node in cluster.nodes if node is not sleeper]
        wait_for(lambda: all(node.status()["first_index"] > last + 1 for node in awake), "the others cut their logs", 60)
        before = sleeper.log().count("takes effect")
        sleeper.start()
        cluster.wait_ready()
        wait_for(lambda: sleeper.log().count("takes effect") > before, "it got a snapshot")
        self.snapshots += 1

    def check(self, node, machine, clients):
        acknowledged = [key for client in clients for key in client.acknowledged]
        unknown = [key for client in clients for key in client.unknown]
        kept = machine.kept(node)
        if isinstance(kept, int):  # A sum of ones.
            self.assertTrue(len(acknowledged) <= kept <= len(acknowledged) + len(unknown), (len(acknowledged), kept, len(unknown)))
        else:
            self.assertEqual(len(kept), len(set(kept)), "something is there twice")
            self.assertEqual(sorted(set(acknowledged) - set(kept)), [], f"acknowledged, but not there on node {node.number}")
            self.assertEqual(sorted(set(kept) - set(acknowledged) - set(unknown)), [], f"not acknowledged, but there on node {node.number}")
        return kept

    def suffer(self, machine):
        dice = random.Random(f"{SEED} {machine.argument.rsplit('/', 1)[-1]}")
        cluster = self.cluster(extra=["--machine", machine.argument, "--snapshot-entries", "200"]).start()
        if machine.first is not None:
            self.assertEqual(cluster.leader().propose(machine.first).status, 200)
        clients = [Client(node, f"c{node.number}", machine) for node in cluster.nodes]
        for client in clients:
            client.start()
        faults, self.snapshots, end = 0, 0, time.monotonic() + SECONDS
        kinds = [self.one_sleeps, self.one_dies, self.most_die, self.all_die, self.one_stops]
        while faults < len(kinds) or time.monotonic() < end:
            (kinds[faults] if faults < len(kinds) else dice.choice(kinds))(cluster, dice)
            faults += 1
        for client in clients:
            client.stop()
        cluster.wait_ready()
        cluster.wait_equal()

        def equal():
            hashes = [node.status()["state_hash"] for node in cluster.nodes]
            return hashes[0] and all(found == hashes[0] for found in hashes)
        wait_for(equal, "the same hash on every node")
        states = [self.check(node, machine, clients) for node in cluster.nodes]
        self.assertTrue(all(state == states[0] for state in states))
        for node in cluster.nodes:
            self.assertNotIn("differs", node.log())
        done = sum(len(client.acknowledged) for client in clients)
        self.assertGreater(done, 100)
        self.restore(cluster, machine, clients, states[0])
        print(f"seed {SEED}: {faults} faults, {self.snapshots} snapshots from others, {done} acknowledged, "
              f"{sum(len(client.unknown) for client in clients)} unknown", flush=True)

    def restore(self, cluster, machine, clients, state):
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
        self.assertEqual(self.check(node, machine, clients), state)

    def test_hashmap(self):
        self.suffer(Hashmap())

    def test_counter(self):
        self.suffer(Counter())

    def test_tags(self):
        self.suffer(Tags())

    @unittest.skipUnless(os.path.exists(Sqlite.argument), "the example machine sqlite was left out")
    def test_sqlite(self):
        self.suffer(Sqlite())


if __name__ == "__main__":
    unittest.main(verbosity=2)
