"""Real nodes for the page to show: started on free ports, killed, paused and continued."""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.request

from webdriver import wait_for


def free_ports(count):
    held = [socket.socket() for _ in range(count)]  # Held at once, so that they differ.
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


class Cluster:
    """`size` nodes with ids from 1. A context manager: on leaving, all of them have ended and their data is gone."""

    def __init__(self, raftd, size, *flags, token=None):
        self.raftd, self.size, self.flags = raftd, size, flags
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="raftd-page-"))
        self.ports = dict(enumerate(free_ports(size), 1))
        self.nodes = {}

    def __enter__(self):
        try:
            for node_id in self.ports:
                self.start(node_id)
            wait_for(lambda: self.leader() is not None, 20, "a leader")
            for node_id in self.ports:
                wait_for(lambda: self.is_ready(node_id), 20, f"node {node_id} is ready")  # noqa: B023
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes.values():
            if node.poll() is None:
                node.send_signal(signal.SIGCONT)
                node.kill()
        for node in self.nodes.values():
            node.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, node_id):
        return f"http://127.0.0.1:{self.ports[node_id]}"

    def start(self, node_id, *how):
        if not how:
            how = ("--cluster", ",".join(f"{i}={self.url(i)}" for i in range(1, self.size + 1)))
        command = [self.raftd, "--id", str(node_id), "--listen", f"127.0.0.1:{self.ports[node_id]}", *how, *self.flags,
                   "--data-dir", str(self.folder / f"node{node_id}")]
        with open(self.folder / f"node{node_id}.log", "ab") as log:
            self.nodes[node_id] = subprocess.Popen(command, stdout=log, stderr=log)

    def join(self, *how):
        """One more node, which asks a member to be taken in."""
        member = wait_for(self.leader, 20, "a leader")
        node_id = max(self.ports) + 1
        self.ports[node_id] = free_ports(1)[0]
        self.start(node_id, "--join", self.url(member), *how)
        return node_id

    def kill(self, node_id):
        self.nodes[node_id].kill()
        self.nodes[node_id].wait()

    def pause(self, node_id):
        self.nodes[node_id].send_signal(signal.SIGSTOP)

    def go_on(self, node_id):
        self.nodes[node_id].send_signal(signal.SIGCONT)

    def ask(self, node_id, path, body=None, method=None):
        request = urllib.request.Request(self.url(node_id) + path, body, self.headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def is_ready(self, node_id):
        try:
            with urllib.request.urlopen(self.url(node_id) + "/readyz", timeout=2):
                return True
        except OSError:
            return False

    def leader(self, among=None):
        """The id that every node asked agrees on; None: they do not."""
        told = set()
        for node_id in among or self.ports:
            try:
                told.add((self.ask(node_id, "/v1/status")["leader"] or {}).get("id"))
            except OSError:
                told.add(None)
        return told.pop() if len(told) == 1 else None

    def propose(self, node_id, count, size=16):
        lines = b"".join(b'{"op":"put","key":"key-%d","value":"%s"}\n' % (i % 50, b"x" * size) for i in range(count))
        request = urllib.request.Request(self.url(node_id) + "/v1/propose", lines, {"Content-Type": "application/x-ndjson"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().count(b'"result"')
