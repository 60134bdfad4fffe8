"""Clients of a cluster to which things are done: a mixed workload on few keys, every operation recorded with its outcome."""

import http.client
import json
import random
import threading
import time

from harness import Client
from history import ABSENT, OK, REJECTED, UNKNOWN, UNTOLD

NO_ANSWER = (OSError, http.client.HTTPException)
KEYS = 4               # Live at a time;
KEY_OPERATIONS = 1200  # each is given up for a fresh one after so many, so that no search for an order is long.
RETRIES_SECONDS = 8.0
ASKED_KEPT = 1000
PADDING = "~"
TRANSIENT = {429, 503, 504, 507}


def short(value):
    """How a value stands in the history."""
    return value.rstrip(PADDING) if isinstance(value, str) else value


class Failure(Exception):
    """An answer that may never be given, whatever was done to the nodes."""


class Keys:
    """The keys that everybody uses."""

    def __init__(self):
        self.lock = threading.Lock()
        self.uses = [0] * KEYS

    def draw(self, chance):
        slot = chance.randrange(KEYS)
        with self.lock:
            self.uses[slot] += 1
            return f"k{slot}.{self.uses[slot] // KEY_OPERATIONS}"

    def current(self):
        return [f"k{slot}.{uses // KEY_OPERATIONS}" for slot, uses in enumerate(self.uses)]

    def all(self):
        return [f"k{slot}.{generation}" for slot, uses in enumerate(self.uses) for generation in range(uses // KEY_OPERATIONS + 1)]


class Worker(threading.Thread):
    """Goes on until it is stopped; its first failure is kept."""

    def __init__(self, label):
        super().__init__(daemon=True)
        self.label = label
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
        except Exception as error:  # pylint: disable=broad-except
            self.failure = f"{self.label}: {error!r}"


class User(Worker):
    """One client: one operation after the other. Speaks mostly to one node."""

    def __init__(self, number, world, seed):
        super().__init__(f"client {number}")
        self.number = number
        self.world = world
        self.history = world.history
        self.random = random.Random(f"{seed} client {number}")
        self.home = world.nodes[number % len(world.nodes)]
        self.clients = {}  # Kept open, by node.
        self.values = 0
        self.known = {}    # What was last seen of a key: swaps that succeed need it.
        self.session, self.sequence = None, 0
        self.asked = []    # Proposals with an Idempotency-Key that were answered: (headers, body, answer).
        self.kept = {}     # Keys of our own that were acknowledged, with their values,
        self.refused = []  # and those that must not be there.
        self.own = 0

    def step(self):
        self.operate()
        time.sleep(self.random.uniform(0, 2 * self.world.pause))

    def operate(self):
        chance = self.random.random()
        if chance < 0.01:
            self.ask_again()
        elif chance < 0.06:
            self.keep_one()
        elif chance < 0.08:
            self.keep_many()
        elif chance < 0.10:
            self.look_stale()
        elif chance < 0.45:
            self.get(self.world.keys.draw(self.random))
        else:
            self.change(self.world.keys.draw(self.random))

    # -- Asking --

    def node(self):
        return self.home if self.random.random() < 0.8 else self.random.choice(self.world.nodes)

    def ask(self, node, method, path, body=None, headers=None, patience=2.0):
        client = self.clients.get(node.number)
        if client is None:
            client = self.clients[node.number] = Client(node.port, 20.0, node.host)
        connection = client.connection
        connection.timeout = patience + 1.0
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        return client.ask(method, path, body, headers)

    def allowed(self, answer, what, statuses=()):
        """An answer that was no 200: one that faults explain, and that says what became of the request."""
        problem = answer.json()
        if answer.status not in TRANSIENT and answer.status not in statuses:
            raise Failure(f"{what}: {answer}")
        return problem

    def attempt(self, node, path, body, headers=None):
        """One propose: its outcome, and the answer if there is one."""
        patience = self.random.choice([0.5, 1.0, 2.0])
        try:
            answer = self.ask(node, "POST", f"/v1/propose?timeout={int(patience * 1000)}ms{path}", body, headers, patience)
        except ConnectionRefusedError:
            return REJECTED, None
        except NO_ANSWER:
            return UNKNOWN, None
        if answer.status == 200:
            return OK, answer.json()
        problem = self.allowed(answer, f"propose {body} {headers} {path}", (409, 410) if path else ())
        if problem.get("outcome") not in (REJECTED, UNKNOWN):
            raise Failure(f"propose without an outcome: {answer}")
        if answer.status == 410:
            self.session = None
        time.sleep(0.02)
        return problem["outcome"], None

    def insist(self, node, path, body, headers):
        """The same request, which takes effect once, again and again at any node. It was rejected if each attempt was."""
        end = time.monotonic() + RETRIES_SECONDS
        outcomes = set()
        while True:
            outcome, answer = self.attempt(node, path, body, headers)
            outcomes.add(outcome)
            if outcome == OK:
                if answer.get("duplicate") and UNKNOWN not in outcomes:
                    raise Failure(f"a duplicate of nothing: {answer}")
                return OK, answer
            if time.monotonic() > end or self.stopping.is_set() or (path and self.session is None):
                return (REJECTED if outcomes == {REJECTED} else UNKNOWN), None
            if self.random.random() < 0.5:
                node = self.random.choice(self.world.nodes)

    # -- Operations on the keys that all share --

    def fresh(self):
        """A value that nobody else writes; a few are long, so that it takes several packets, and snapshots several pieces."""
        self.values += 1
        return f"c{self.number}.{self.values}" + PADDING * (self.random.randrange(20_000, 200_000) if self.random.random() < 0.003 else 0)

    def change(self, key):
        kind = self.random.choices(["put", "cas", "delete"], [5, 5, 1])[0]
        command = {"op": kind, "key": key}
        if kind != "delete":
            command["value"] = self.fresh()
        if kind == "cas" and (known := self.known.get(key, ABSENT)) is not ABSENT:
            command["expected"] = known
        node, how = self.node(), self.random.choices(["plain", "key", "session"], [6, 3, 3])[0]
        if how == "session" and not self.open_session(node):
            return
        invoked = self.history.now()
        outcome, answer = self.propose(node, json.dumps(command), how)
        returned = self.history.now()
        seen, swapped = self.effect(command, answer)
        asked = {name: short(value) for name, value in command.items()}
        self.history.record(client=self.number, node=node.number, **asked, how=how, swapped=swapped, seen=short(seen), invoked=invoked,
                            returned=returned, outcome=outcome)

    def propose(self, node, body, how):
        if how == "key":
            self.values += 1
            headers = {"Idempotency-Key": f"{self.number}-{self.values}"}
            outcome, answer = self.insist(node, "", body, headers)
            if outcome == OK:
                if len(self.asked) == ASKED_KEPT:
                    self.asked.pop(self.random.randrange(ASKED_KEPT))
                self.asked.append((headers, body, answer))
            return outcome, answer
        if how == "session":
            self.sequence += 1
            outcome, answer = self.insist(node, f"&session={self.session}&seq={self.sequence}", body, None)
            if outcome == OK and self.random.random() < 0.1:
                self.look_at_session(answer)
            return outcome, answer
        return self.attempt(node, "", body)

    def ask_again(self):
        """What was answered long ago, asked again: it is not done again, and the answer is the first one."""
        if not self.asked:
            return
        headers, body, first = self.random.choice(self.asked)
        outcome, answer = self.attempt(self.node(), "", body, headers)
        if outcome == OK and answer != {**first, "duplicate": True}:
            raise Failure(f"{headers} {body}: first {first}, then {answer}")

    def open_session(self, node):
        if self.session is None:
            try:
                answer = self.ask(node, "POST", "/v1/sessions?timeout=2s")
            except NO_ANSWER:
                return False
            if answer.status != 201:
                self.allowed(answer, "a session")
                return False
            self.session, self.sequence = answer.json()["session"], 0
        return True

    def look_at_session(self, answer):
        """It shows the last proposal, whose answer we have."""
        node = self.random.choice(self.world.nodes)
        try:
            found = self.ask(node, "GET", f"/v1/sessions/{self.session}?timeout=2s")
        except NO_ANSWER:
            return
        if found.status != 200:
            self.allowed(found, "a look at a session")
            return
        expected = {**answer, "session": self.session, "seq": self.sequence}
        expected.pop("duplicate", None)
        if found.json() != expected:
            raise Failure(f"the session on node {node.number} is {found.json()}, not {expected}")

    def effect(self, command, answer):
        """What an answer tells of the value before, and whether a swap took place."""
        if answer is None:
            return UNTOLD, UNTOLD
        result, key = answer["result"], command["key"]
        if command["op"] == "cas":
            swapped = result["swapped"]
            seen = command.get("expected", ABSENT) if swapped else result.get("current", ABSENT)
            self.known[key] = command["value"] if swapped else seen
            return seen, swapped
        self.known[key] = command.get("value", ABSENT)
        return result.get("previous", ABSENT), UNTOLD

    def get(self, key):
        node, consistency = self.node(), self.random.choice(["linearizable", "lease"])
        patience = self.random.choice([0.5, 1.0, 2.0])
        invoked = self.history.now()
        try:
            answer = self.ask(node, "POST", f"/v1/query?consistency={consistency}&timeout={int(patience * 1000)}ms",
                              json.dumps({"op": "get", "key": key}), None, patience)
        except NO_ANSWER:
            return
        returned = self.history.now()
        if answer.status != 200:
            self.allowed(answer, f"{consistency} read of {key}")
            time.sleep(0.02)
            return
        if answer.headers["Raft-Consistency"] != consistency:
            raise Failure(f"{consistency} was asked for: {answer.headers}")
        result = answer.json()["result"]
        seen = self.known[key] = result["value"] if result["found"] else ABSENT
        self.history.record(client=self.number, node=node.number, op="get", key=key, consistency=consistency, seen=short(seen), invoked=invoked,
                            returned=returned, outcome=OK)

    # -- Keys of our own, written once, which are all looked for at the end --

    def own_command(self):
        self.own += 1
        key = f"own.{self.number}.{self.own}"
        return key, json.dumps({"op": "put", "key": key, "value": self.own})

    def note(self, key, value, outcome, index):
        if outcome == OK:
            self.kept[key] = (value, index)
            self.history.acknowledged(self.history.now())
        elif outcome == REJECTED:
            self.refused.append(key)

    def keep_one(self):
        """Then reads it at any node, as a client that tells what it wrote last."""
        key, body = self.own_command()
        outcome, answer = self.attempt(self.node(), "", body)
        self.note(key, self.own, outcome, answer and answer["index"])
        if outcome != OK:
            return
        node = self.random.choice(self.world.nodes)
        try:
            read = self.ask(node, "POST", f"/v1/query?consistency=stale&timeout=1s&min_index={answer['index']}",
                            json.dumps({"op": "get", "key": key}))
        except NO_ANSWER:
            return
        if read.status != 200:
            self.allowed(read, "a read of our own write")
        elif read.json()["result"] != {"found": True, "value": self.own}:
            raise Failure(f"{key}, written at {answer['index']}, is not there on node {node.number}: {read}")

    def look_stale(self):
        """A state as of some entry: what was written up to that is there, and nothing later."""
        if not self.kept:
            return
        key = f"own.{self.number}.{self.random.randint(max(1, self.own - 50), self.own)}"
        value, index = self.kept.get(key, (None, None))
        if index is None:
            return
        node = self.random.choice(self.world.nodes)
        try:
            read = self.ask(node, "POST", "/v1/query?consistency=stale&timeout=1s", json.dumps({"op": "get", "key": key}))
        except NO_ANSWER:
            return
        if read.status != 200:
            self.allowed(read, "a stale read")
            return
        expected = {"found": True, "value": value} if index <= read.json()["index"] else {"found": False}
        if read.json()["result"] != expected:
            raise Failure(f"{key}, written at {index}, on node {node.number}: {read}")

    def keep_many(self):
        commands = [(self.own_command(), self.own) for _ in range(20)]
        try:
            answer = self.ask(self.node(), "POST", "/v1/propose?timeout=2s", "\n".join(body for (_, body), _ in commands),
                              {"Content-Type": "application/x-ndjson"})
        except NO_ANSWER:
            return
        if answer.status != 200:
            if self.allowed(answer, "a batch").get("outcome") == REJECTED:
                self.refused += [key for (key, _), _ in commands]
            return
        lines = [json.loads(line) for line in answer.body.splitlines()]
        if len(lines) != len(commands):
            raise Failure(f"{len(lines)} answers to {len(commands)} commands")
        for ((key, _), value), line in zip(commands, lines):
            self.note(key, value, line["outcome"] if "code" in line else OK, line.get("index"))



# -- What everybody sees at an index --

class Committed:
    """At an index of the log there is one entry, whoever tells of it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.at = {}
        self.told = 0

    def missing(self, seen, skipped):
        """Indexes of commands that somebody saw, and who saw `seen` did not, though it is past them."""
        last = max(seen, default=0)
        with self.lock:
            return sorted(index for index in self.at if index <= last and index not in seen and not any(a <= index < b for a, b in skipped))

    def saw(self, index, term, command, who):
        seen = (term, hash(json.dumps(command)), who)  # Millions of them: the commands themselves would be too much.
        with self.lock:
            first = self.at.setdefault(index, seen)
            self.told += 1
        if first[:2] != seen[:2]:
            raise Failure(f"at {index} {who} saw {command} of term {term}, and {first[2]} something else, of term {first[0]}")


class Watcher(Worker):
    """Follows the committed commands of one node, from where it was."""

    def __init__(self, node, committed):
        super().__init__(f"the watcher of node {node.number}")
        self.node, self.committed, self.last = node, committed, 0
        self.seen, self.skipped = set(), []  # Indexes; ranges that its log had no more (410).

    def step(self):
        connection = http.client.HTTPConnection(self.node.host, self.node.port, timeout=2.0)
        try:
            connection.request("GET", "/v1/watch?from=1", headers={"Last-Event-ID": str(self.last)})
            response = connection.getresponse()
            if response.status == 410:
                first = json.loads(response.read())["first_index"]
                if first <= self.last + 1:
                    raise Failure(f"{self.label}: compacted, though its log begins with {first} and {self.last + 1} was asked for")
                self.skipped.append((self.last + 1, first))
                self.last = first - 1
            elif response.status == 200:
                self.follow(response)
            elif response.status != 503:
                raise Failure(f"watch: {response.status} {response.read()!r}")
        except NO_ANSWER:
            pass
        finally:
            connection.close()
        time.sleep(0.1)

    def follow(self, response):
        event = None
        while not self.stopping.is_set():
            line = response.readline()
            if not line.endswith(b"\n"):
                return
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif line.startswith(b"data: ") and event == b"command":
                data = json.loads(line[6:])
                if data["index"] <= self.last:
                    raise Failure(f"{data} after {self.last}")
                self.committed.saw(data["index"], data["term"], data["command"], self.label)
                self.last = data["index"]
                self.seen.add(self.last)
            elif line.startswith(b"data: ") and event == b"end":
                problem = json.loads(line[6:])
                if problem["code"] not in ("compacted", "shutting_down", "timeout", "not_ready"):
                    raise Failure(f"a watch ended with {problem}")


class Pager(Worker):
    """Reads the committed part of one node's log, page by page, no-ops and configurations too."""

    def __init__(self, node, committed):
        super().__init__(f"the log of node {node.number}")
        self.node, self.committed, self.next = node, committed, 1

    def step(self):
        client = Client(self.node.port, 2.0, self.node.host)
        try:
            answer = client.ask("GET", f"/v1/log?from={self.next}&limit=500")
        except NO_ANSWER:
            answer = None
        client.close()
        if answer is not None and answer.status == 410:
            self.next = answer.json()["first_index"]
        elif answer is not None and answer.status == 200:
            self.turn(answer.json())
        elif answer is not None and answer.status not in (503, 504):
            raise Failure(f"{self.label}: {answer}")
        time.sleep(0.2)

    def turn(self, page):
        entries = page["entries"]
        if [entry["index"] for entry in entries] != list(range(self.next, self.next + len(entries))):
            raise Failure(f"{self.label} from {self.next}: {page}")
        for entry in entries:
            if entry["index"] <= page["commit_index"]:
                if entry["type"] == "command":
                    self.committed.saw(entry["index"], entry["term"], entry["command"], self.label)
                self.next = entry["index"] + 1
