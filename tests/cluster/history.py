"""What clients asked and were answered, and what was done to the nodes meanwhile, by one clock: the input of tests/linear."""

import bisect
import json
import threading
import time

ABSENT = object()   # The key is not there;
UNTOLD = object()   # the answer did not tell.
OK, REJECTED, UNKNOWN = "ok", "rejected", "unknown"


class History:
    def __init__(self, path):
        self.path = path
        self.file = open(path, "w", encoding="utf-8")
        self.lock = threading.Lock()
        self.begun = time.monotonic()
        self.operations = 0
        self.outcomes = {OK: 0, REJECTED: 0, UNKNOWN: 0}
        self.writes = []  # When each write was acknowledged, ascending but for neighbours.
        self.events = []

    def now(self):
        """Microseconds."""
        return int((time.monotonic() - self.begun) * 1e6)

    def write(self, line):
        with self.lock:
            self.file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def record(self, *, outcome, returned, seen=UNTOLD, **operation):
        """An operation that ended. `returned` counts only when the answer was definite."""
        line = dict(operation, outcome=outcome, returned=None if outcome == UNKNOWN else returned)
        line = {name: value for name, value in line.items() if value is not UNTOLD and value is not ABSENT}
        if seen is ABSENT:
            line["seen"] = None
        elif seen is not UNTOLD:
            line["seen"] = seen
        self.write(line)
        with self.lock:
            self.operations += 1
            self.outcomes[outcome] += 1
        if outcome == OK and operation["op"] != "get":
            self.acknowledged(returned)

    def acknowledged(self, at):
        with self.lock:
            self.writes.append(at)

    def event(self, name, at, until, what):
        self.write({"event": name, "at": at, "until": until, "what": what})
        with self.lock:
            self.events.append((name, at, until, what))

    def outage(self, begin, end):
        """The longest time in which no write of anybody was acknowledged, of those that reach into begin..end (microseconds)."""
        with self.lock:
            writes = sorted(self.writes)
        first, last = bisect.bisect_right(writes, begin), bisect.bisect_left(writes, end)
        points = [writes[first - 1] if first else begin, *writes[first:last], writes[last] if last < len(writes) else end]
        return max(after - before for before, after in zip(points, points[1:]))

    def wrote_since(self, begin):
        with self.lock:
            return any(at > begin for at in self.writes[-200:])

    def close(self):
        self.file.close()
