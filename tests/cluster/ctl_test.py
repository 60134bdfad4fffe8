"""raftctl: every command against a real cluster, as a table and as JSON; exit codes; tokens, TLS, progress on a terminal; its manual page."""

import json
import os
import pty
import re
import signal
import subprocess
import threading
import unittest

from harness import RAFTD, ROOT, ClusterTest, Node, free_ports, wait_for
from tls_test import SecureClient, context_with, make_certs
from tokens_test import TOKENS, bearer, put_tokens

RAFTCTL = os.path.join(os.path.dirname(os.path.abspath(RAFTD)), "raftctl")
DONE, FAILED, WRONG, UNKNOWN, UNAVAILABLE = range(5)


def ctl(*arguments, endpoints=None, given=None, environment=None, code=DONE):
    """Standard output and error of a run that must end with `code`."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("RAFTCTL_")}
    if endpoints is not None:
        surroundings["RAFTCTL_ENDPOINTS"] = endpoints
    ran = subprocess.run([RAFTCTL, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False,
                         env={**surroundings, **(environment or {})})
    assert ran.returncode == code, f"{arguments}: {ran.returncode} instead of {code}: {ran.stdout}{ran.stderr}"
    return ran.stdout, ran.stderr


def url(node):
    return f"http://127.0.0.1:{node.port}"


def put(key, value):
    return json.dumps({"op": "put", "key": key, "value": value})


def get(key):
    return json.dumps({"op": "get", "key": key})


class CtlTest(ClusterTest):
    def begin(self, *arguments, **options):
        self.nodes = self.cluster(*arguments, **options).start()
        self.endpoints = url(self.nodes.nodes[0])  # The others are learnt.
        return self.nodes

    def ctl(self, *arguments, **options):
        return ctl(*arguments, endpoints=self.endpoints, **options)[0]

    def json(self, *arguments, **options):
        return json.loads(self.ctl(*arguments, "--output", "json", **options))

    def rows(self, table):
        heading, *rows = [re.split(r" {2,}", line) for line in table.splitlines()]
        return [dict(zip(heading, row)) for row in rows]

    def test_propose_query_and_watch(self):
        cluster = self.begin()
        first = self.json("propose", put("a", 1))
        self.assertEqual(first["result"], {})
        self.assertEqual(self.ctl("propose", put("a", 2)), '{"previous":1}\n')
        self.assertEqual(self.ctl("query", get("a")), '{"found":true,"value":2}\n')
        asked = self.json("query", get("a"), "--consistency", "stale", "--min-index", str(first["index"] + 1))
        self.assertEqual(asked["result"]["value"], 2)
        self.assertEqual(self.ctl("query", "-", given=get("a") + "\n\n" + get("b") + "\n"), '{"found":true,"value":2}\n{"found":false}\n')
        # Twice under one name is once; the same name for something else is refused.
        self.assertEqual(self.ctl("propose", put("b", 1), "--key", "k"), "{}\n")
        self.assertTrue(self.json("propose", put("b", 1), "--key", "k")["duplicate"])
        ctl("propose", put("b", 2), "--key", "k", endpoints=self.endpoints, code=FAILED)
        # Many, from standard input and from a file; the first that fails ends it, and the file may be given again.
        self.assertEqual(self.ctl("propose", "-", given=put("c", 1) + "\n" + put("c", 2) + "\n"), '{}\n{"previous":1}\n')
        path = os.path.join(cluster.directory, "commands")
        with open(path, "w", encoding="ascii") as file:
            file.write(put("d", 1) + "\n\n" + '{"op":"nope"}\n' + put("d", 2) + "\n")
        out, error = ctl("propose", "--file", path, "--key", "batch", endpoints=self.endpoints, code=FAILED)
        self.assertEqual(out, "{}\n")
        self.assertIn("invalid_command", error)
        self.assertIn(f"line 3 of {path}; 1 commands before it were done, none after it", error)
        with open(path, "w", encoding="ascii") as file:
            file.write(put("d", 1) + "\n\n" + put("d", 3) + "\n")
        answers = [json.loads(line) for line in self.ctl("propose", "--file", path, "--key", "batch", "--output", "json").splitlines()]
        self.assertEqual([answer.get("duplicate", False) for answer in answers], [True, False])
        self.assertEqual(answers[1]["result"], {"previous": 1})
        ctl("propose", "--file", path + ".not", endpoints=self.endpoints, code=FAILED)
        # Every one of those, in order, though a node dies.
        told = self.ctl("watch", "--from", str(first["index"]), "--count", "4").splitlines()
        self.assertEqual([line.split("\t")[2] for line in told], [put("a", 1), put("a", 2), put("b", 1), put("b", 1)])
        watching = subprocess.Popen([RAFTCTL, "watch", "--output=json", "--count=2", "--from", str(first["index"] + 1), "--endpoints", self.endpoints],
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: watching.poll() is None and watching.kill())
        self.assertEqual(json.loads(watching.stdout.readline())["command"], json.loads(put("a", 2)))
        self.assertEqual(json.loads(watching.stdout.readline())["index"], first["index"] + 2)
        self.assertEqual(watching.wait(timeout=30), DONE)
        watching.stdout.close()

    def test_status_doctor_transfer_and_who_is_dead(self):
        cluster = self.begin()
        leader = cluster.leader()
        table = self.ctl("status")
        self.assertIn(f"node {leader.number} leads in term ", table)
        self.assertIn("3 of 3 nodes can be reached", table)
        rows = self.rows(table.split("\n", 1)[1])
        self.assertEqual([row["ID"] for row in rows], ["1", "2", "3"])
        self.assertEqual([row["URL"] for row in rows], [url(node) for node in cluster.nodes])
        self.assertEqual(rows[leader.number - 1]["ROLE"], "leader")
        self.assertEqual(self.json("status")["leader"], leader.number)
        other = cluster.followers()[0]
        self.assertRegex(self.ctl("transfer", str(other.number)), rf"^node {other.number} leads in term \d+\n$")
        self.assertEqual(self.json("transfer", str(other.number))["leader"], other.number)
        self.assertNotEqual(self.json("transfer")["leader"], other.number)
        ctl("transfer", "9", endpoints=self.endpoints, code=FAILED)

        def well():  # A disk of a machine that runs tests may be slow at any time.
            findings = self.judge()[1]["findings"]
            return not [finding for finding in findings if finding["code"] not in ("disk_slow", "disk_nearly_full", "wall_clock")]
        wait_for(well, "the doctor finds nothing")
        dead = cluster.followers()[0]
        dead.kill()
        self.endpoints = ",".join(url(node) for node in cluster.nodes)
        code, said = wait_for(lambda: (lambda judged: judged if not judged[1]["healthy"] and any(
            finding["code"] == "member_silent" for finding in judged[1]["findings"]) else None)(self.judge()), "the doctor finds the dead node")
        self.assertEqual(code, FAILED)
        self.assertIn(dead.number, [finding["node"] for finding in said["findings"]])
        text, _ = ctl("doctor", endpoints=self.endpoints, code=FAILED)
        self.assertRegex(text, r"^as seen from node \d, http://127\.0\.0\.1:\d+:\n")
        self.assertIn(f"PROBLEM  node {dead.number} is not heard of\n         evidence: ", text)
        self.assertIn("         do:       ", text)
        self.assertIn("2 of 3 nodes can be reached", self.ctl("status"))
        self.assertEqual(self.rows(self.ctl("status").split("\n", 1)[1])[dead.number - 1]["ROLE"], "unreachable")

    def judge(self):
        """(exit code, what the doctor says)"""
        ran = subprocess.run([RAFTCTL, "doctor", "--output", "json", "--endpoints", self.endpoints], capture_output=True, text=True, timeout=60,
                             check=False)
        said = json.loads(ran.stdout)
        self.assertEqual(ran.returncode, DONE if said["healthy"] else FAILED, ran.stderr)
        return ran.returncode, said

    def test_members(self):
        cluster = self.begin(1)
        self.assertEqual(self.rows(self.ctl("members")), [{"ID": "1", "ROLE": "voter", "URL": self.endpoints}])
        port, = free_ports(1)
        data = os.path.join(cluster.directory, "data2")
        late = Node(2, port, data, ["--id", "2", "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--join", self.endpoints, "--learner",
                                    "--heartbeat", "50ms", "--election-timeout", "300ms"])
        cluster.nodes.append(late)
        late.start()
        added = self.rows(self.ctl("members", "add", "2", url(late), "--learner"))
        self.assertEqual(added[1], {"ID": "2", "ROLE": "learner", "URL": url(late)})
        self.assertEqual(self.json("members", "list")["learners"][0]["id"], 2)
        self.assertEqual(len(self.json("members", "promote", "2")["voters"]), 2)
        _, error = ctl("members", "add", "2", "http://127.0.0.1:1", endpoints=self.endpoints, code=FAILED)
        self.assertIn("conflict", error)
        self.assertEqual(self.rows(self.ctl("members", "remove", "2")), [{"ID": "1", "ROLE": "voter", "URL": self.endpoints}])
        ctl("members", "remove", "1", endpoints=self.endpoints, code=FAILED)  # The last voter.

    def test_a_backup_is_saved_and_a_cluster_begins_with_it(self):
        cluster = self.begin()
        self.ctl("propose", put("kept", "in the backup"))
        path = os.path.join(cluster.directory, "a.snapshot")
        with open(path, "w", encoding="ascii") as file:
            file.write("an older one")
        self.assertEqual(self.ctl("snapshot", "save", path), f"{path}: {os.path.getsize(path)} bytes\n")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(self.json("snapshot", "save", path), {"size_bytes": os.path.getsize(path)})
        ctl("snapshot", "save", os.path.join(cluster.directory, "no", "such"), endpoints=self.endpoints, code=FAILED)
        _, error = ctl("snapshot", "save", cluster.directory, endpoints=self.endpoints, code=FAILED)
        self.assertIn("is a folder", error)
        ctl("snapshot", "save", path, "--timeout", "100ms", endpoints=f"http://127.0.0.1:{free_ports(1)[0]}", code=UNAVAILABLE)
        self.assertEqual([name for name in os.listdir(cluster.directory) if name.startswith("a.snapshot")], ["a.snapshot"])
        before = self.json("status")
        found = self.json("snapshot", "restore", path)
        self.assertEqual(("hashmap", os.path.getsize(path)), (found["machine"], found["size_bytes"]))
        self.assertIn(found["index"], range(2, before["nodes"][0]["status"]["last_index"] + 1))
        self.assertEqual(before["nodes"][0]["status"]["cluster_id"], found["cluster_id"])
        hint = self.ctl("snapshot", "restore", path)
        self.assertIn("is whole", hint)
        restored = self.cluster(1)
        said = next(line for line in hint.splitlines() if "--restore" in line).split()  # As it says.
        restored.nodes[0].arguments += said[said.index("--restore"):]
        restored.start()
        self.endpoints = url(restored.nodes[0])
        self.assertEqual(self.ctl("query", get("kept")), '{"found":true,"value":"in the backup"}\n')

    def test_what_is_no_whole_backup_is_told(self):
        cluster = self.begin(1)
        path = os.path.join(cluster.directory, "a.snapshot")
        self.ctl("propose", "-", given=put("big", "x" * 200000) + "\n")
        self.ctl("snapshot", "save", path)
        with open(path, "rb") as file:
            whole = file.read()
        self.assertIn("is whole", ctl("snapshot", "restore", path, endpoints="http://127.0.0.1:1")[0], "no node is asked")
        middle = len(whole) // 2
        for content, words in ((b"", "too short"), (whole[:100], "too short"), (b"x" * 1000, "is no backup"), (whole[:-1], "not as it was written"),
                               (whole[:65700], "not as it was written"), (whole + b"\0", "not as it was written"), (whole[:8] + b"\t" + whole[9:], "newer"),
                               (whole[:middle] + b"y" + whole[middle + 1:], "not as it was written")):
            with open(path, "wb") as file:
                file.write(content)
            self.assertIn(words, ctl("snapshot", "restore", path, code=FAILED)[1])
        self.assertIn("No such file", ctl("snapshot", "restore", path + "-not", code=FAILED)[1])

    def test_who_is_interrupted_leaves_no_half_of_a_backup(self):
        cluster = self.begin(1)
        cluster.nodes[0].freeze()
        saving = subprocess.Popen([RAFTCTL, "snapshot", "save", os.path.join(cluster.directory, "b"), "--endpoints", self.endpoints],
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: saving.poll() is None and saving.kill())
        there = lambda: [name for name in os.listdir(cluster.directory) if name.startswith("b.")]
        wait_for(there, "the temporary file is there")
        saving.send_signal(signal.SIGINT)
        self.assertEqual(saving.wait(timeout=30), -signal.SIGINT)
        self.assertEqual(there(), [])
        cluster.nodes[0].thaw()

    def test_bench(self):
        self.begin()
        said = self.json("bench", "--seconds", "1", "--connections", "4", "--reads", "50", "--value-bytes", "100")
        for part in ("writes", "reads"):
            latency = said[part]["latency_ms"]
            self.assertGreater(said[part]["count"], 10)
            self.assertTrue(0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p999"] <= latency["max"], said)
        self.assertEqual((said["rejected"], said["unavailable"], said["unknown"]), (0, 0, 0))
        self.assertEqual(self.ctl("query", '{"op":"count"}'), '{"count":0}\n', "it has cleaned up")
        self.assertRegex(self.ctl("bench", "--seconds=1", "--connections=2"), r"^writes: \d+ in 1\.\d s, \d+ a second; ms: p50 ")
        out, error = ctl("bench", "--command", '{"op":"nope"}', "--seconds", "1", endpoints=self.endpoints, code=FAILED)
        self.assertIn("invalid_command", error, out)

    def test_exit_codes_and_a_command_that_is_proposed_again_under_its_key(self):
        cluster = self.begin(election="1500ms")  # So long a leader leads whom nobody hears.
        for wrong in ([], ["nope"], ["status", "--nope"], ["status", "too", "much"], ["propose"], ["query"], ["members", "add", "x", "y"], ["watch", "1"],
                      ["doctor", "1"], ["bench", "1"], ["transfer", "x"], ["snapshot"], ["status", "--endpoints", "ftp://x"], ["status", "--token", "t"],
                      ["status", "--token-file", "/no/such"]):
            out, error = ctl(*wrong, endpoints=self.endpoints, code=WRONG)
            self.assertEqual((out, error.count("\n"), error.startswith("raftctl: ")), ("", 1, True), error)
        ctl("propose", "{", endpoints=self.endpoints, code=FAILED)
        nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
        for command in (["status"], ["propose", "1"], ["query", "1"], ["watch"], ["members"], ["members", "remove", "2"], ["transfer", "1"], ["doctor"],
                        ["bench"]):
            _, error = ctl(*command, "--timeout", "200ms", endpoints=nowhere, code=UNAVAILABLE)
            self.assertTrue(error.startswith("raftctl: "), error)
        with open("/dev/full", "w", encoding="ascii") as full:
            ran = subprocess.run([RAFTCTL, "status", "--endpoints", self.endpoints], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual((ran.returncode, ran.stderr), (FAILED, "raftctl: the output could not be written\n"))
        # A leader without a majority takes it, and cannot say what becomes of it.
        leader = cluster.leader()
        for node in cluster.nodes:
            if node is not leader:
                node.freeze()
        _, error = ctl("propose", put("a", 1), "--timeout", "1s", endpoints=url(leader), code=UNKNOWN)
        key = re.search(r"propose it again with --key '([0-9a-f]{32})'", error)[1]
        for node in cluster.nodes:
            node.thaw()
        cluster.wait_ready()
        self.ctl("propose", put("a", 1), "--key", key)
        told = self.ctl("propose", put("a", 1), "--key", key, "--output", "json")
        self.assertTrue(json.loads(told)["duplicate"])
        self.assertEqual(self.ctl("query", get("a")), '{"found":true,"value":1}\n')

    def test_a_file_of_commands_while_the_leader_dies(self):
        cluster = self.begin()
        count = 400
        path = os.path.join(cluster.directory, "commands")
        with open(path, "w", encoding="ascii") as file:
            for number in range(count):
                file.write(json.dumps({"op": "cas", "key": "n", **({"expected": number - 1} if number else {}), "value": number}) + "\n")
        leader = cluster.leader()
        killer = threading.Thread(target=lambda: (wait_for(lambda: self.at(cluster) > 50, "it proposes"), leader.kill()))
        killer.start()
        results = self.ctl("propose", "--file", path).splitlines()
        killer.join()
        self.assertEqual(results, ['{"swapped":true}'] * count)  # One applied twice, or left out, would not swap.

    def at(self, cluster):
        return cluster.nodes[0].query({"op": "get", "key": "n"}, "?consistency=stale").json()["result"]["value"]

    def test_tokens_come_from_a_file_or_the_environment(self):
        cluster = self.cluster(1)
        path = os.path.join(cluster.directory, "tokens")
        put_tokens(path, TOKENS)
        cluster.nodes[0].arguments += ["--token-file", path]
        cluster.nodes[0].headers = bearer("r-1")
        cluster.start()
        self.endpoints = url(cluster.nodes[0])
        _, error = ctl("propose", put("a", 1), endpoints=self.endpoints, code=FAILED)
        self.assertIn("unauthorized", error)
        self.assertIn("--token-file", error)
        _, error = ctl("propose", put("a", 1), endpoints=self.endpoints, environment={"RAFTCTL_TOKEN": "r-1"}, code=FAILED)
        self.assertIn("forbidden", error)
        self.ctl("propose", put("a", 1), environment={"RAFTCTL_TOKEN": "w-1"})
        mine = os.path.join(cluster.directory, "mine")
        put_tokens(mine, " a-1 \n")
        self.assertEqual(self.rows(self.ctl("members", "--token-file", mine))[0]["ID"], "1")
        self.ctl("transfer", "1", environment={"RAFTCTL_TOKEN_FILE": mine})

    def test_tls(self):
        cluster = self.cluster(1, urls=lambda ports: [f"https://127.0.0.1:{port}" for port in ports])
        node = cluster.nodes[0]
        folder = make_certs(os.path.join(cluster.directory, "certs"), 1)
        node.arguments += ["--tls-cert", f"{folder}/node1.pem", "--tls-key", f"{folder}/node1.key", "--tls-ca", f"{folder}/ca.pem"]
        trusted = context_with(folder)
        node.make_client = lambda port, timeout, host: SecureClient(port, trusted)
        at = node.arguments.index("--client-url")  # That of the harness has no TLS.
        node.arguments[at + 1] = f"https://127.0.0.1:{node.port}"
        cluster.start()
        self.endpoints = f"https://127.0.0.1:{node.port}"
        _, error = ctl("status", "--timeout", "2s", endpoints=self.endpoints, code=UNAVAILABLE)  # Whom nobody vouches for is not spoken to.
        self.assertIn("--tls-ca", error)
        _, error = ctl("status", "--timeout", "2s", endpoints=self.endpoints.replace("https", "http"), code=UNAVAILABLE)
        self.assertIn("http or https", error)
        self.assertIn("node 1 leads", self.ctl("status", "--tls-ca", f"{folder}/ca.pem"))

    def test_progress_is_shown_on_a_terminal_only(self):
        self.begin(1)
        arguments = [RAFTCTL, "bench", "--seconds", "1", "--connections", "1", "--endpoints", self.endpoints]
        self.assertEqual(subprocess.run(arguments, capture_output=True, text=True, check=True).stderr, "")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            pass  # The other end is closed.
        os.close(ours)
        self.assertEqual(process.wait(timeout=30), 0)
        self.assertIn(b"\rasking [", shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown[-40:])

    def test_the_manual_page_has_every_option_and_command_of_the_help(self):
        package = os.path.join(ROOT, "server", "package")
        page = subprocess.run([os.path.join(package, "man.sh"), os.path.join(package, "raftctl.1.in"), RAFTCTL, "1", "2026-01-01"], check=True,
                              capture_output=True, text=True).stdout.replace("\\", "")
        commands = re.findall(r"^  raftctl ([a-z]+)", ctl("--help")[0], re.MULTILINE)
        self.assertGreaterEqual(len(set(commands)), 9)
        helps = [ctl("--help")[0], *(ctl(command, "--help")[0] for command in set(commands))]
        lines = page.splitlines()
        for option in {option for text in helps for option in re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE)}:
            self.assertTrue(any(line == f".B {option}" or line.startswith(f".B {option} ") for line in lines), option)
        for command in commands:
            self.assertTrue(any(line.startswith(f".B raftctl {command}") for line in lines), command)
        self.assertRegex(ctl("--version")[0], r"^raftctl \d")


if __name__ == "__main__":
    unittest.main()
