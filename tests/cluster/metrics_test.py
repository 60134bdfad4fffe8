"""/metrics against README.md's table, the dashboard and the alert rules, on a cluster that works; `promtool` where it is there."""

import json
import os
import re
import shutil
import subprocess
import unittest

from harness import ROOT, ClusterTest, wait_for

FOLDER = os.path.join(ROOT, "api", "prometheus")
ONLY_WITH_TLS = {"raftd_tls_certificate_expires_seconds"}  # tls_test looks for it.
PROMTOOL = shutil.which(os.environ.get("PROMTOOL", "promtool"))


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def families_of(text):
    """Each family's type and the labels of its samples, without those that a histogram's buckets have."""
    types, labels = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split()
            types[family], labels[family] = kind, set()
        elif not line.startswith("#"):
            labels[family] |= set(re.findall(r"(\w+)=\"", line)) - {"le"}
    return {family: (types[family], labels[family]) for family in types}


def families_in_readme():
    rows = re.findall(r"^\| `((?:raftd|process)_\w+)` \| (\w+) \|([^|]*)\| [^|]+ \|$", read(ROOT, "README.md"), re.MULTILINE)
    return [(family, kind, set(re.findall(r"`(\w+)`", labels))) for family, kind, labels in rows]


def names_in(expression):
    return set(re.findall(r"\b(?:raftd|process)_\w+", expression))


def family_of(name, families):
    for suffix in ("", "_bucket", "_sum", "_count"):
        family = name.removesuffix(suffix)
        if name.endswith(suffix) and family in families and (suffix == "" or families[family][0] == "histogram"):
            return family
    return None


def dashboard_expressions():
    return [target["expr"] for panel in json.loads(read(FOLDER, "dashboard.json"))["panels"] for target in panel.get("targets", [])]


def alert_names():
    return re.findall(r"- alert: (\w+)", read(FOLDER, "alerts.yml"))


def alert_expressions():
    """The text of each rule from its expr to what follows it."""
    return re.findall(r"expr: (.*?)\n +(?:for|labels):", read(FOLDER, "alerts.yml"), re.DOTALL)


class Metrics(ClusterTest):
    def working_cluster(self):
        cluster = self.cluster()
        for node in cluster.nodes:
            node.arguments += ["--audit-log", os.path.join(cluster.directory, f"audit{node.number}"),
                               "--backup-dir", os.path.join(cluster.directory, "backups")]
        cluster.start()
        for number in range(20):
            node = cluster.nodes[number % 3]
            self.assertEqual(node.propose({"op": "put", "key": f"k{number}", "value": number}).status, 200)
            for consistency in ("linearizable", "lease", "stale"):
                self.assertEqual(node.query({"op": "count"}, f"?consistency={consistency}").status, 200)
        self.assertEqual(cluster.nodes[0].propose({"op": "nonsense"}).status, 422)
        self.assertEqual(cluster.nodes[0].ask("POST", "/v1/snapshot").status, 200)
        return cluster

    def test_what_a_working_cluster_tells(self):
        cluster = self.working_cluster()
        leader = cluster.leader()

        def scrape(node):
            return node.ask("GET", "/metrics").body.decode()

        wait_for(lambda: "rpc=\"append_entries\"" in scrape(leader), "the leader has told of AppendEntries")
        texts = {node.number: scrape(node) for node in cluster.nodes}
        families = families_of(texts[leader.number])
        with self.subTest("README.md has every family, with its type and labels, and no other"):
            rows = families_in_readme()
            self.assertEqual(len(rows), len({row[0] for row in rows}), "a family twice")
            documented = {family: (kind, labels) for family, kind, labels in rows if family not in ONLY_WITH_TLS}
            self.assertEqual(set(documented), set(families))
            for family, (kind, labels) in documented.items():
                self.assertEqual(kind, families[family][0], family)
                if family != "raftd_peer_snapshot_ratio":  # While a snapshot is on its way only.
                    self.assertEqual(labels, families[family][1], family)
            self.assertLessEqual(ONLY_WITH_TLS, {row[0] for row in rows})
        with self.subTest("the dashboard and the rules ask for what is there, and no label that is not"):
            expressions = dashboard_expressions() + alert_expressions()
            self.assertGreaterEqual(len(alert_expressions()), len(alert_names()))
            for expression in expressions:
                for name in names_in(expression) - ONLY_WITH_TLS:
                    self.assertIsNotNone(family_of(name, families), f"{name} in {expression}")
                for name, selector in re.findall(r"\b((?:raftd|process)_\w+)\{([^}]*)\}", expression):
                    asked = set(re.findall(r"(\w+)(?:=|!=|=~)\"", selector)) - {"job"}
                    if name not in ONLY_WITH_TLS:
                        self.assertLessEqual(asked, families[family_of(name, families)][1], expression)
        with self.subTest("each alert is tried in calm and in trouble"):
            tried = read(FOLDER, "alerts_test.yml")
            for name in alert_names():
                self.assertRegex(tried, rf"alertname=\"{name}\", alertstate=\"firing\"}}', eval_time: \w+, exp_samples: \[\]")
                self.assertRegex(tried, rf"exp_samples: \[{{labels: 'ALERTS{{alertname=\"{name}\"")
        with self.subTest("the numbers are those of what was done"):
            done = sum(int(re.search(r'raftd_proposals_total\{outcome="done"\} (\d+)', text)[1]) for text in texts.values())
            self.assertEqual(done, 20)
            for text in texts.values():
                self.assertRegex(text, r"(?m)^raftd_ready 1$")
                self.assertRegex(text, r'(?m)^raftd_query_duration_seconds_count\{consistency="lease"\} [67]$')
                self.assertGreaterEqual(int(re.search(r"(?m)^raftd_apply_duration_seconds_count (\d+)", text)[1]), 20)
                self.assertGreaterEqual(int(re.search(r"(?m)^raftd_leader_changes_total (\d+)", text)[1]), 1)
            self.assertRegex(texts[1], r"(?m)^raftd_snapshots_taken_total [12]$")
            self.assertRegex(texts[1], r'(?m)^raftd_proposals_total\{outcome="invalid"\} 1$')
            peers = {node.number for node in cluster.nodes} - {leader.number}
            self.assertEqual({int(peer) for peer in re.findall(r'raftd_peer_lag_entries\{peer="(\d+)"\}', texts[leader.number])}, peers)
            self.assertNotIn("raftd_peer_lag_entries{", texts[min(peers)])
        if PROMTOOL:
            with self.subTest("promtool finds nothing to say against them"):
                for text in texts.values():
                    told = subprocess.run([PROMTOOL, "check", "metrics"], input=text.encode(), capture_output=True, timeout=20)
                    self.assertEqual((told.returncode, told.stdout + told.stderr), (0, b""))

    @unittest.skipUnless(PROMTOOL, "no promtool here (Debian: prometheus)")
    def test_the_rules_hold_in_calm_and_in_trouble(self):
        for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yml"]):
            told = subprocess.run([PROMTOOL, *arguments], cwd=FOLDER, capture_output=True, timeout=60)
            self.assertEqual(told.returncode, 0, told.stdout + told.stderr)


if __name__ == "__main__":
    unittest.main()
