#!/usr/bin/env python3
"""Debian's Prometheus scrapes a live cluster: every expression of the dashboard gets data, every rule is evaluated, and what happens to the
nodes fires the alerts that it should, and no other. Skipped where there is no `prometheus`."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from harness import ROOT, Client, ClusterTest, free_ports, wait_for

FOLDER = os.path.join(ROOT, "api", "prometheus")
PROMETHEUS = shutil.which(os.environ.get("PROMETHEUS", "prometheus"))


def expressions():
    """What each panel asks, as Grafana sends it."""
    with open(os.path.join(FOLDER, "dashboard.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"].replace("$job", "raftd").replace("$__rate_interval", "10s")


@unittest.skipUnless(PROMETHEUS, "no prometheus here (Debian: prometheus)")
class Prometheus(ClusterTest):
    def start_prometheus(self, cluster):
        """With the configuration that is shipped, quicker, and with shorter waits."""
        folder = os.path.join(cluster.directory, "prometheus")
        os.mkdir(folder)
        for name in ("prometheus.yml", "alerts.yml"):
            with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
                text = file.read()
            targets = ", ".join(f'"127.0.0.1:{node.port}"' for node in cluster.nodes)
            text = re.sub(r"targets: \[.*\]", f"targets: [{targets}]", text).replace("interval: 15s", "interval: 1s")
            text = re.sub(r"for: \d+[smh]", "for: 2s", text)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        port = free_ports(1)[0]
        with open(os.path.join(folder, "log"), "wb") as log:
            process = subprocess.Popen([PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.prometheus = port
        wait_for(lambda: len(self.ask("query", query='up{job="raftd"} == 1')["result"]) == 3, "Prometheus has all three nodes")

    def ask(self, what, **parameters):
        client = Client(self.prometheus)
        try:
            answer = client.ask("GET", f"/api/v1/{what}?{urllib.parse.urlencode(parameters)}")
        finally:
            client.close()
        if answer.status != 200:  # It may be starting.
            raise ValueError(answer)
        return answer.json()["data"]

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}

    def load(self, cluster):
        """A little of everything, until the test ends."""
        stopping = threading.Event()

        def work():
            number = 0
            while not stopping.wait(0.02):
                number += 1
                try:
                    cluster.nodes[number % 3].propose({"op": "put", "key": f"k{number % 100}", "value": number})
                    cluster.nodes[number % 3].query({"op": "count"}, f"?consistency={('linearizable', 'lease', 'stale')[number % 3]}")
                except (OSError, ValueError):
                    pass  # One that is down.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stopping.set)

    def test_a_live_cluster(self):
        cluster = self.cluster()
        cluster.start()
        self.load(cluster)
        self.start_prometheus(cluster)
        self.assertEqual(cluster.nodes[0].ask("POST", "/v1/snapshot").status, 200)
        with self.subTest("every expression of the dashboard gets data"):
            for title, expression in expressions():
                self.data_of(title, expression)
        with self.subTest("every rule is evaluated, and a healthy cluster gives no alarm"):
            rules = wait_for(self.evaluated, "all rules have been evaluated")
            self.assertEqual([rule["name"] for rule in rules if rule["health"] != "ok"], [])
            self.assertEqual(self.firing(), set())
        with self.subTest("a node that dies"):
            victim = cluster.followers()[0]
            victim.kill()
            wait_for(lambda: self.firing() == {"RaftdNodeDown", "RaftdNoReserve"}, "two alerts fire")
        with self.subTest("a majority that dies"):
            other = next(node for node in cluster.nodes if node.process is not None)
            other.kill()
            wait_for(lambda: {"RaftdNoLeader", "RaftdNotReady"} <= self.firing(), "nobody leads")
            for node in (victim, other):
                node.start()
            cluster.wait_ready()
            wait_for(lambda: not self.firing() & {"RaftdNoLeader", "RaftdNotReady", "RaftdNodeDown"}, "calm again")

    def data_of(self, title, expression):
        def numbers():
            values = [float(sample["value"][1]) for sample in self.ask("query", query=expression)["result"]]
            return [value for value in values if value == value]  # NaN: nothing was measured yet.
        wait_for(numbers, f"{title}: {expression}")

    def evaluated(self):
        rules = [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]
        return rules if len(rules) > 20 and all(rule["health"] != "unknown" for rule in rules) else None


if __name__ == "__main__":
    unittest.main()
