#!/usr/bin/env python3
"""A machine for tests that runs as a program; faulty in the way that RAFTD_FAULT names, or that a command asks for unless RAFTD_FAULT is mended.
Its state is the list of its commands, its query gives it."""

import json
import os
import signal
import sys
import time

FAULT = os.environ.get("RAFTD_FAULT", "")
HELLO = {
    "": {"name": "faulty.program", "version": 1, "deadline_ms": 2000},
    "hasty": {"name": "faulty.program", "version": 1, "deadline_ms": 200},
    "mended": {"name": "faulty.program", "version": 1},
    "version": {"name": "faulty", "version": 2},
    "versionless": {"name": "faulty"},
    "name": {"name": "a b", "version": 1},
    "nul": {"name": "a\0b", "version": 1},
    "nameless": {"name": 5, "version": 1},
    "long": {"name": "x" * 65, "version": 1},
    "shipped": {"name": "hashmap", "version": 1},
    "deadline": {"name": "faulty", "version": 1, "deadline_ms": 9},
    "deadline_max": {"name": "faulty", "version": 1, "deadline_ms": 60001},
}
DEEP = b"[" * 514 + b"]" * 514
state = []


def say(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def frame(text):
    say(b"%d\n%s\n" % (len(text), text))


def faulty(what):
    """True when what is said is said."""
    if what == "exit":
        sys.exit(7)
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "hang":
        time.sleep(100)
    said = {"junk": b"no frame", "mute": b'{"well":1}', "deep": b'{"result":%s}' % DEEP, "huge": b'{"result":"%s"}' % (b"x" * 16777216),
            "rude": b'{"refused":"\\n"}', "refuse": b'{"refused":"it says no"}'}.get(what) if isinstance(what, str) else None
    if said is not None:
        (say if what == "junk" else frame)(said)
    return said is not None


def answer(question):
    do = question["do"]
    if do == "hello":
        return frame(json.dumps(HELLO.get(FAULT, HELLO[""])).encode())
    if do == "snapshot":
        return frame(json.dumps({} if FAULT == "snapshot" else {"snapshot": state}).encode())
    if do == "restore":
        if FAULT == "restore" and question["snapshot"] and faulty(question["snapshot"][0]):
            return None
        state.extend(question["snapshot"])
        return frame(b'{"restored":true}')
    what = question["command" if do == "apply" else "query"]
    if FAULT != "mended" and faulty(what):
        return None
    if do == "apply":
        state.append(what)
    return frame(json.dumps({"result": what if do == "apply" else state}).encode())


while line := sys.stdin.buffer.readline():
    answer(json.loads(sys.stdin.buffer.read(int(line) + 1)))
