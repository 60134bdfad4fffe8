"""A whole raftd whose system calls on its data directory fail, one after the other in runs of their own: it says so and ends with 1, or carries
on right; started again without that, all that it had answered is there, and nothing that was never sent. FAIL_STRIDE=1 tries each call
(tests/long/failing_calls_test.py), more only each so many."""

import concurrent.futures
import errno
import http.client
import json
import os
import shutil
import tempfile
import unittest

from harness import Client, Node, RAFTD, free_ports, wait_for

CALLS = os.path.join(os.path.dirname(os.path.abspath(RAFTD)), "tests", "crash", "calls.so")
STRIDE = int(os.environ.get("FAIL_STRIDE", "97"))
AT_ONCE = 4
COMMANDS = 24
OPEN = 1  # INJECT_OPEN of tests/crash/inject.h.
TAKEN = "another program listens there"
KINDS = [  # (what, variables of tests/crash/preload.c)
    ("EIO once", {"CRASH_ERROR": str(errno.EIO), "CRASH_ONCE": "1"}),
    ("EIO from then on", {"CRASH_ERROR": str(errno.EIO)}),
    ("ENOSPC once", {"CRASH_ERROR": str(errno.ENOSPC), "CRASH_ONCE": "1"}),
    ("ENOSPC from then on", {"CRASH_ERROR": str(errno.ENOSPC)}),
    ("EMFILE once", {"CRASH_ERROR": str(errno.EMFILE), "CRASH_CALLS": str(OPEN), "CRASH_ONCE": "1"}),
    ("EMFILE from then on", {"CRASH_ERROR": str(errno.EMFILE), "CRASH_CALLS": str(OPEN)}),
]


class Run:
    """One node on a directory of its own, made when it starts."""

    def __init__(self, kind, at):
        self.what = f"{kind[0]}, call {at}"
        self.base = tempfile.mkdtemp(prefix="raftd-failing-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.failing = {"LD_PRELOAD": CALLS, "CRASH_BELOW": os.path.join(self.base, "disk"), "CRASH_AT": str(at), **kind[1]}
        self.costs_nothing = kind[0] == "ENOSPC once"  # Once it is at work.
        self.sent, self.answered = {}, {}
        os.mkdir(os.path.join(self.base, "disk"))
        port = free_ports(1)[0]
        data = os.path.join(self.base, "disk", "data")
        self.node = Node(1, port, data, ["--id", "1", "--listen", f"127.0.0.1:{port}", "--data-dir", data, "--cluster", f"1=http://127.0.0.1:{port}",
                                         "--heartbeat", "20ms", "--election-timeout", "60ms", "--snapshot-entries", "8"])
        self.node.log_path = os.path.join(self.base, "node.log")

    def check(self, holds, words):
        assert holds, f"{self.what}: {words}\n{self.node.log()[-3000:]}"

    def has_ended(self):
        return self.node.process.poll() is not None

    def write(self):
        client = Client(self.node.port)
        try:
            for number in range(COMMANDS):
                key, value = f"k{number % 10}", f"{number} " + "x" * (number % 5 * 3000)
                self.sent.setdefault(key, []).append(value)
                answer = client.ask("POST", "/v1/propose?timeout=2s", json.dumps({"op": "put", "key": key, "value": value}))
                if answer.status == 200:
                    self.answered[key] = value
                else:
                    self.check(answer.status in (503, 504, 507), answer)
        except (OSError, http.client.HTTPException):
            wait_for(self.has_ended, f"{self.what}: it closed the connection and ends")
        finally:
            client.close()

    def fail(self):
        """True: a call failed."""
        node = self.node
        node.environment = self.failing
        node.start()
        wait_for(lambda: self.has_ended() or node.ready(), f"{self.what}: it is ready or ends")
        was_ready = not self.has_ended()
        if was_ready:
            self.write()
        if self.has_ended():
            self.check(not (was_ready and self.costs_nothing), "the reserve was not used")
            code = node.wait_exit()
            self.check(code == 1, f"it ended with {code}")
            last = node.log().strip().splitlines()[-1]
            self.check(os.strerror(int(self.failing["CRASH_ERROR"])) in last, "its last words do not say why")
        else:
            code = node.stop()
            self.check(code in (0, 1), f"it ended with {code}")
        return "made to fail: " in node.log()

    def look(self):
        """What the directory holds now."""
        node = self.node
        node.environment = {}
        node.start()
        wait_for(lambda: self.has_ended() or node.ready(), f"{self.what}: it is ready again")
        self.check(not self.has_ended(), "it does not start again")
        entries = node.query({"op": "list", "limit": 1000}).json()["result"]["entries"]
        found = {entry["key"]: entry["value"] for entry in entries}
        for key, value in found.items():
            self.check(value in self.sent.get(key, []), f"{key} was never sent with what is there")
        for key, value in self.answered.items():
            sent = self.sent[key]
            self.check(found.get(key) in sent[sent.index(value):], f"{key} was answered, and is not there")
        self.check(node.propose({"op": "put", "key": "after", "value": 1}).status == 200, "it takes no command")

    def all(self):
        """None: somebody else took the port, nothing is known."""
        try:
            hit = self.fail()
            if hit:
                self.look()
            return hit
        except AssertionError:
            if TAKEN in self.node.log():
                return None
            raise
        finally:
            if self.node.process is not None:
                self.node.kill()
            shutil.rmtree(self.base)


def run(kind, at):
    hit = None
    while hit is None:
        hit = Run(kind, at).all()
    return hit


class FailingCallsTest(unittest.TestCase):
    @unittest.skipUnless(os.path.exists(CALLS), f"{CALLS} is missing: make preloads")
    def test_whichever_call_fails_what_was_answered_is_there(self):
        runs = 0
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for number, kind in enumerate(KINDS):
                before = runs
                at, hit = 1 + (STRIDE // 3 + number * 17) % STRIDE, True
                while hit:
                    group = range(at, at + AT_ONCE * STRIDE, STRIDE)
                    found = list(pool.map(lambda one, kind=kind: run(kind, one), group))
                    hit = all(found)  # Else the work has fewer calls than that.
                    runs += sum(found)
                    at += AT_ONCE * STRIDE
                print(f"{kind[0]}: {runs - before} runs", flush=True)
        self.assertGreater(runs, len(KINDS))


if __name__ == "__main__":
    unittest.main(verbosity=2)
