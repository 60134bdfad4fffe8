#!/usr/bin/env python3
"""A whole raftd, with clients, whose system calls are written down (tests/crash/calls.c), restarted in the middle; then one raftd on each
of CRASH_IMAGES (200) directories that a loss of power could have left, spread over all of that. Every command that had been answered is
there, none that was not sent, and it takes new ones. CRASH_SEED repeats what is drawn, not when threads run."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
from harness import Client, Node, RAFTD, free_ports, wait_for

TOOLS = os.environ.get("CRASH_TOOLS", os.path.join(os.path.dirname(RAFTD), "tests", "crash"))
IMAGES = int(os.environ.get("CRASH_IMAGES", "200"))
SEED = int(os.environ.get("CRASH_SEED", "1"))
CLIENTS, ROUNDS, COMMANDS = 3, 3, 150
RECORD = struct.Struct("=IIQQHHI")  # journal.h
MARK = 11


class Marks:
    """What clients do, in the journal between raftd's system calls: a loss of power after a mark comes after what it says."""

    def __init__(self, journal):
        self.journal = open(journal, "ab", buffering=0)
        self.lock = threading.Lock()
        self.list = []

    def add(self, kind, key, value):
        with self.lock:
            padding = b"\0" * 8
            self.journal.write(RECORD.pack(RECORD.size + len(padding), MARK, 0, 0, 0, 0, len(padding)) + padding)
            self.list.append((kind, key, value))

    def at(self, count):
        """(answered, sent) after that many marks, each by key."""
        answered = {key: value for kind, key, value in self.list[:count] if kind == "answered"}
        sent = {key: value for kind, key, value in self.list[:count] if kind == "sent"}
        return answered, sent


def make_node(port, data):
    node = Node(1, port, data, ["--id", "1", "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--cluster", f"1=http://127.0.0.1:{port}",
                                "--heartbeat", "20ms", "--election-timeout", "60ms", "--snapshot-entries", "60"])
    node.log_path = os.path.dirname(data) + ".log"
    return node


def write(port, name, marks):
    client = Client(port)
    for number in range(COMMANDS):
        key, value = f"{name}-{number}", str(number) * (1 + number % 7 * 300)
        marks.add("sent", key, value)
        if client.ask("POST", "/v1/propose", json.dumps({"op": "put", "key": key, "value": value})).status == 200:
            marks.add("answered", key, value)
    client.close()


def contents(node):
    found, after = {}, ""
    while True:
        page = node.query({"op": "list", "after": after, "limit": 1000}).json()["result"]
        found.update((entry["key"], entry["value"]) for entry in page["entries"])
        if not page["more"]:
            return found
        after = page["entries"][-1]["key"]


class RaftdPowerTest(unittest.TestCase):
    def setUp(self):
        self.base = tempfile.mkdtemp(prefix="raftd-crash-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.port = free_ports(1)[0]
        self.addCleanup(shutil.rmtree, self.base, ignore_errors=True)

    def work(self):
        """The journal of a raftd at work, and what its clients did."""
        below, journal = os.path.join(self.base, "disk"), os.path.join(self.base, "journal")
        os.mkdir(below)
        environment = {"LD_PRELOAD": os.path.join(TOOLS, "calls.so"), "CRASH_BELOW": below, "CRASH_JOURNAL": journal}
        marks = None
        for number in range(ROUNDS):
            node = make_node(self.port, os.path.join(below, "data"))
            node.environment = environment
            node.start()
            wait_for(node.ready, "raftd is ready")
            marks = marks or Marks(journal)
            writers = [threading.Thread(target=write, args=(self.port, f"{number}-{i}", marks)) for i in range(CLIENTS)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            self.assertEqual(node.stop(), 0)
        marks.journal.close()
        return journal, marks

    def look(self, directory, answered, sent, how):
        node = make_node(self.port, os.path.join(directory, "data"))
        for key in ("after-1", "after-2"):
            try:
                node.start()
                wait_for(node.ready, f"raftd is ready after {how}")
                found = contents(node)
                for one, value in answered.items():
                    self.assertEqual(found.get(one), value, f"{one} was answered and is not there after {how}")
                for one, value in found.items():
                    self.assertEqual(sent.get(one), value, f"{one} was never sent and is there after {how}")
                self.assertEqual(node.propose({"op": "put", "key": key, "value": key}).status, 200)
                answered, sent = {**answered, key: key}, {**sent, key: key}
            finally:
                if node.process is not None:
                    node.kill()

    def test_whenever_the_power_goes_what_was_answered_is_there(self):
        journal, marks = self.work()
        images = os.path.join(self.base, "images")
        os.mkdir(images)
        lines = subprocess.run([os.path.join(TOOLS, "leave"), journal, str(SEED), str(IMAGES), images],
                               check=True, capture_output=True, text=True).stdout.splitlines()
        self.assertEqual(len(lines), IMAGES)
        for line in lines:
            number, count, how = line.split(" ", 2)
            directory = os.path.join(images, number)
            self.look(directory, *marks.at(int(count)), how)
            shutil.rmtree(directory)
        answered, sent = marks.at(len(marks.list))
        print(f"{len(sent)} commands, {len(answered)} answered, {os.path.getsize(journal)} bytes of journal, {IMAGES} losses of power")


if __name__ == "__main__":
    unittest.main()
