"""Real raftd processes on loopback for tests: start, kill, freeze, ask, and wait for conditions."""

import fcntl
import functools
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RAFTD = os.environ.get("RAFTD", os.path.join(ROOT, "build", "raftd"))
LIBRARIES = os.environ.get("RAFTD_TEST_LIBRARIES", os.path.join(ROOT, "build", "tests", "cluster"))
DEADLINE = 30.0  # Seconds until a condition that must come true counts as failed.


PORTS = range(10000, 32000)  # Below those that the kernel gives to whoever connects.
PORTS_EACH = 200


class Ports:
    """A block of ports that no other test has: the process holds a lock on the block's file. Given out in turn, so that one that was
    closed is not somebody else's soon."""

    def __init__(self):
        directory = os.path.join(tempfile.gettempdir(), f"raftd-test-ports-{os.getuid()}")
        os.makedirs(directory, exist_ok=True)
        for first in range(PORTS.start, PORTS.stop, PORTS_EACH):
            self.file = open(os.path.join(directory, str(first)), "w", encoding="ascii")  # pylint: disable=consider-using-with
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.file.close()
                continue
            self.turn = itertools.cycle(range(first, first + PORTS_EACH))
            return
        raise RuntimeError("all ports for tests are taken: do many tests run?")

    def take(self):
        for port in itertools.islice(self.turn, PORTS_EACH):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    pass  # Something that is no test listens there.
        raise RuntimeError("no port is free")


@functools.lru_cache(maxsize=None)
def our_ports():
    return Ports()


def free_ports(count):
    """Ports that nobody listens on, and that no other test will take."""
    return [our_ports().take() for _ in range(count)]


def wait_for(condition, what, seconds=DEADLINE):
    """Asks until the condition's answer is true, and answers it. Errors of a node that is not there count as not yet."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what} (last: {last!r})")


class Answer:
    """One HTTP answer: status, headers, body as bytes, and the body as JSON where it is."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Client:
    """One keep-alive connection to one node. Not for more than one thread at a time."""

    def __init__(self, port, timeout=20.0, host="127.0.0.1"):
        self.port = port
        self.connection = http.client.HTTPConnection(host, port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None):
        try:
            self.connection.request(method, path, body=body, headers=headers or {})
            return Answer(self.connection.getresponse())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

    def close(self):
        self.connection.close()


class Node:
    """One raftd process and its data directory."""

    def __init__(self, number, port, directory, arguments, environment=None, host="127.0.0.1", within=()):
        self.number = number
        self.host = host
        self.port = port
        self.within = list(within)  # A command that starts it where it shall be.
        self.directory = directory
        self.arguments = arguments
        self.environment = dict(environment or {})
        self.make_client = Client
        self.headers = {}  # Of every request, unless it has others.
        self.log_path = os.path.join(os.path.dirname(directory), f"node{number}.log")
        self.process = None
        self.program = RAFTD

    def start(self):
        assert self.process is None
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.within, self.program, *self.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **self.environment})
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """SIGTERM; answers the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=DEADLINE)
        self.process = None
        return code

    def wait_exit(self):
        code = self.process.wait(timeout=DEADLINE)
        self.process = None
        return code

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def ask(self, method, path, body=None, headers=None, timeout=20.0):
        client = self.make_client(self.port, timeout, self.host)
        try:
            return client.ask(method, path, body, headers if headers is not None else self.headers)
        finally:
            client.close()

    def status(self):
        return self.ask("GET", "/v1/status", timeout=2.0).json()

    def propose(self, command, query="", **options):
        return self.ask("POST", "/v1/propose" + query, json.dumps(command), **options)

    def query(self, question, query="", **options):
        return self.ask("POST", "/v1/query" + query, json.dumps(question), **options)

    def ready(self):
        return self.ask("GET", "/readyz", timeout=2.0).status == 200

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def committed(self):
        """All committed entries, read page by page."""
        entries, start = [], 1
        while True:
            page = self.ask("GET", f"/v1/log?from={start}&limit=1000").json()
            entries += [entry for entry in page["entries"] if entry["index"] <= page["commit_index"]]
            if not page["entries"] or page["entries"][-1]["index"] >= page["commit_index"]:
                return entries
            start = page["entries"][-1]["index"] + 1


class Cluster:
    """Nodes that list each other in --cluster, in one temporary directory."""

    def __init__(self, count=3, heartbeat="50ms", election="300ms", extra=(), environment=None, urls=None):
        self.directory = tempfile.mkdtemp(prefix="raftd-test-")
        ports = free_ports(count)
        urls = urls(ports) if urls else [f"http://127.0.0.1:{port}" for port in ports]
        self.list = ",".join(f"{i + 1}={url}" for i, url in enumerate(urls))
        self.nodes = []
        for i, port in enumerate(ports):
            data = os.path.join(self.directory, f"data{i + 1}")
            arguments = ["--id", str(i + 1), "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--cluster", self.list,
                         "--heartbeat", heartbeat, "--election-timeout", election, *extra]
            if urls[i] != f"http://127.0.0.1:{port}":
                arguments += ["--client-url", f"http://127.0.0.1:{port}"]
            self.nodes.append(Node(i + 1, port, data, arguments, environment))

    def start(self):
        for node in self.nodes:
            node.start()
        self.wait_ready()
        return self

    def wait_ready(self, nodes=None):
        for node in nodes or self.nodes:
            wait_for(node.ready, f"node {node.number} is ready")

    def leader(self):
        """The node that a majority of the running ones follow."""
        def find():
            votes = {}
            for node in self.nodes:
                if node.process is None:
                    continue
                try:
                    leader = node.status()["leader"]
                except (OSError, http.client.HTTPException):
                    continue
                if leader:
                    votes[leader["id"]] = votes.get(leader["id"], 0) + 1
            for number, count in votes.items():
                if count > len(self.nodes) // 2:
                    return self.nodes[number - 1]
            return None
        return wait_for(find, "a leader that a majority follows")

    def followers(self):
        leader = self.leader()
        return [node for node in self.nodes if node is not leader]

    def wait_equal(self):
        """All nodes have applied the same index; answers it."""
        def equal():
            applied = {node.status()["applied_index"] for node in self.nodes}
            last = {node.status()["last_index"] for node in self.nodes}
            return applied == last and len(applied) == 1 and applied.pop()
        return wait_for(equal, "all nodes have applied all there is")

    def destroy(self):
        for node in self.nodes:
            if node.process is not None:
                node.thaw()
                node.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Writer(threading.Thread):
    """Proposes unique commands through one node, each sent once, and remembers what was said of each."""

    def __init__(self, node, name):
        super().__init__(daemon=True)
        self.node = node
        self.label = name
        self.stopping = threading.Event()
        self.acknowledged, self.rejected, self.unknown = {}, set(), set()
        self.last_success = time.monotonic()
        self.longest_gap = 0.0

    def run(self):
        client, number = Client(self.node.port, timeout=10.0), 0
        while not self.stopping.is_set():
            number += 1
            key = f"{self.label}-{number}"
            try:
                answer = client.ask("POST", "/v1/propose?timeout=4s", json.dumps(self.command(key, number)))
            except ConnectionRefusedError:
                self.rejected.add(key)
                time.sleep(0.05)
                continue
            except (OSError, http.client.HTTPException):
                self.unknown.add(key)
                continue
            self.note(key, answer)
        client.close()

    def command(self, key, number):
        return {"op": "put", "key": key, "value": number}

    def note(self, key, answer):
        if answer.status == 200:
            self.acknowledged[key] = answer.json()["index"]
            now = time.monotonic()
            self.longest_gap = max(self.longest_gap, now - self.last_success)
            self.last_success = now
        elif answer.json().get("outcome") == "rejected":
            self.rejected.add(key)
        else:
            self.unknown.add(key)

    def stop(self):
        self.stopping.set()
        self.join(timeout=DEADLINE)
        assert not self.is_alive()


class ClusterTest(unittest.TestCase):
    """A test that leaves the nodes' logs in its message when it fails."""

    def cluster(self, *arguments, **options):
        cluster = Cluster(*arguments, **options)
        self.addCleanup(self.end, cluster)
        return cluster

    def end(self, cluster):
        result = getattr(self._outcome, "result", None)
        failed = result and any(test is self for test, _ in result.failures + result.errors)
        if failed or os.environ.get("RAFTD_TEST_LOGS"):
            for node in cluster.nodes:
                if os.path.exists(node.log_path):
                    print(f"--- log of node {node.number} (last lines)\n" + "\n".join(node.log().splitlines()[-40:]))
        cluster.destroy()

    def check_history(self, cluster, writers):
        """Nothing acknowledged is missing, nothing is there twice, nothing rejected is there; the same on every node."""
        cluster.wait_equal()
        for node in cluster.nodes:
            seen = {}
            for entry in node.committed():
                if entry["type"] == "command":
                    seen.setdefault(entry["command"]["key"], []).append(entry["index"])
            for writer in writers:
                for key, index in writer.acknowledged.items():
                    self.assertEqual(seen.get(key), [index], f"{key} on node {node.number}")
                for key in writer.rejected:
                    self.assertNotIn(key, seen, f"rejected, but in the log of node {node.number}")
                for key in writer.unknown:
                    self.assertLessEqual(len(seen.get(key, [])), 1, f"{key} twice on node {node.number}")
