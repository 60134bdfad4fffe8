"""The programs of README's chapter for scripts, taken from there and run: while leaders are killed, nothing is lost, nothing is applied twice, and a
watch shows everything once, in order."""

import json
import os
import re
import shutil
import subprocess
import threading
import unittest

from client_test import COUNTER
from harness import ROOT, ClusterTest, wait_for
from tokens_test import TOKENS, bearer, put_tokens

COMMANDS = 90
KILLS = 2


def programs():
    """{name: text} of the chapter's programs."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as readme:
        chapter = re.search(r"^## From scripts\n(.*?)^## ", readme.read(), re.MULTILINE | re.DOTALL)[1]
    return {name: text for name, text in re.findall(r"`(raft\.\w+)`:\n\n```\w+\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)}


class ScriptsTest(ClusterTest):
    def begin(self, name):
        cluster = self.cluster(extra=["--machine", COUNTER])
        path = os.path.join(cluster.directory, "tokens")
        put_tokens(path, TOKENS)
        for node in cluster.nodes:
            node.arguments += ["--token-file", path]
            node.headers = bearer("r-1")
        self.script = os.path.join(cluster.directory, name)
        with open(self.script, "w", encoding="utf-8") as file:
            file.write(programs()[name])
        self.urls = " ".join(f"http://127.0.0.1:{node.port}" for node in cluster.nodes)
        return cluster.start()

    def start(self, *arguments, token="w-1", **options):
        interpreter = {"sh": ["bash"], "py": ["python3", "-B"], "mjs": ["node"]}[self.script.rsplit(".", 1)[1]]
        process = subprocess.Popen([*interpreter, self.script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "RAFTD_URLS": self.urls, "RAFTD_TOKEN": token, "no_proxy": "127.0.0.1"}, start_new_session=True, **options)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, 9))
        return process

    def ask(self, what, lines, **options):
        process = self.start(what, **options)
        out, error = process.communicate(lines, timeout=120)
        answers = [json.loads(line) for line in out.splitlines()]
        # bash has the whole answer, the others take the result out of it.
        return process.returncode, [answer["result"] if isinstance(answer, dict) else answer for answer in answers], error

    def check(self, name):
        cluster = self.begin(name)
        watcher, seen = self.start("watch", "1"), []
        reader = threading.Thread(target=lambda: seen.extend(json.loads(line) for line in watcher.stdout), daemon=True)
        reader.start()

        def sum_at(node):
            return node.query(None, "?consistency=stale").json()["result"]

        def kill_leaders():
            for kill in range(1, KILLS + 1):
                wait_for(lambda kill=kill: max(sum_at(node) for node in cluster.nodes) >= kill * COMMANDS // (KILLS + 2), "it proposes")
                leader = cluster.leader()
                leader.kill()
                wait_for(lambda leader=leader: any(node.status()["role"] == "leader" for node in cluster.nodes if node is not leader), "another leads")
                leader.start()
                cluster.wait_ready()
        killer = threading.Thread(target=kill_leaders)
        killer.start()
        code, results, error = self.ask("propose", "1\n" * COMMANDS)
        killer.join()
        self.assertEqual((code, error), (0, ""))
        self.assertEqual(results, list(range(1, COMMANDS + 1)), "each result is the sum: none is missing, none comes twice")
        self.assertEqual(self.ask("query", "null\n\nnull"), (0, [COMMANDS, COMMANDS], ""))
        wait_for(lambda: len(seen) >= COMMANDS, "the watch has seen all")
        self.assertEqual(watcher.poll(), None)
        os.killpg(watcher.pid, 9)
        reader.join()
        watcher.communicate()
        told = cluster.nodes[0].committed()
        # A retry of what had been applied is an entry too, under the same key; the watch shows it as it is.
        self.assertEqual([event["index"] for event in seen], [entry["index"] for entry in told if entry["type"] == "command"][:len(seen)])
        self.assertEqual(len({event["idempotency_key"] for event in seen}), COMMANDS)
        # What is refused ends it, and is not tried again and again.
        code, results, error = self.ask("propose", '1\n"no number"\n1\n')
        self.assertNotEqual(code, 0)
        self.assertEqual(results, [COMMANDS + 1])
        self.assertIn("invalid_command", error)
        code, _, error = self.ask("propose", "1\n", token="r-1")
        self.assertNotEqual(code, 0)
        self.assertIn("forbidden", error)
        refused = self.start("watch", token="nobody")
        self.assertNotEqual(refused.wait(timeout=60), 0)
        refused.communicate()

    def test_there_are_three(self):
        self.assertEqual(set(programs()), {"raft.sh", "raft.py", "raft.mjs"})

    @unittest.skipUnless(shutil.which("curl"), "there is no curl")
    def test_bash(self):
        self.check("raft.sh")

    def test_python(self):
        self.check("raft.py")

    @unittest.skipUnless(shutil.which("node"), "there is no node")
    def test_javascript(self):
        self.check("raft.mjs")


if __name__ == "__main__":
    unittest.main()
