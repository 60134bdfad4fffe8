#!/usr/bin/env python3
"""Five nodes, each in a network namespace of its own, to which everything is done that may happen to nodes, while clients write and read.
Nothing acknowledged may be lost, no node may end, all states must be equal at the end, and the history of the keys that all clients
share must be linearizable (tests/linear). Needs root; leaves nothing behind. A failure is kept in a folder that is named."""

import argparse
import contextlib
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import nemeses
import network
from clients import Committed, Keys, Pager, User, Watcher, short
from harness import LIBRARIES, RAFTD, ROOT, Node, wait_for
from history import ABSENT, OK, History

LINEAR = os.environ.get("LINEAR", os.path.join(os.path.dirname(RAFTD), "linear"))
NODES, CLIENTS = 5, 10
PROGRESS_SECONDS = 30.0  # With all faults gone a write is acknowledged within these, or the cluster is stuck.
SKIPPED = 77
SEVERAL, MAJORITY = "several at once", ", a majority"


class World:
    """The cluster, its network and its clients."""

    def __init__(self, options):
        self.options = options
        self.directory = tempfile.mkdtemp(prefix="raftd-faults-")
        network.mount(self.directory, 1024)
        self.history = History(os.path.join(self.directory, "history.jsonl"))
        self.failures = []
        self.lock = threading.Lock()
        self.held = set()         # Nodes whose process a nemesis has stopped, or will.
        self.syncs_held = {}      # By node: who holds its syncs.
        self.members_lock = threading.Lock()
        self.keys = Keys()
        self.pause = options.pause / 1000
        self.network = network.Network(NODES)
        self.nodes = [self.make_node(number) for number in self.network.numbers]
        self.users = [User(number, self, options.seed) for number in range(CLIENTS)]
        self.committed = Committed()
        self.workers = self.users + [kind(node, self.committed) for node in self.nodes for kind in (Watcher, Pager)]

    def make_node(self, number):
        address = self.network.address(number)
        listed = ",".join(f"{n}=http://{self.network.address(n)}:{network.PORT}" for n in self.network.numbers)
        disk = os.path.join(self.directory, f"disk{number}")
        os.mkdir(disk)
        network.mount(disk, self.options.disk_mib)
        hold = os.path.join(self.directory, f"hold{number}")
        node = Node(number, network.PORT, os.path.join(disk, "data"), [
            "--id", str(number), "--listen", f"{address}:{network.PORT}", "--advertise", f"http://{address}:{network.PORT}", "--insecure",
            "--data-dir", os.path.join(disk, "data"), "--cluster", listed, "--replace", "--heartbeat", f"{self.options.election // 10}ms",
            "--election-timeout", f"{self.options.election}ms", "--snapshot-entries", str(self.options.snapshot_entries)],
            {"LD_PRELOAD": os.path.join(LIBRARIES, "hold_sync.so"), "RAFTD_HOLD_FILE": hold}, address, self.network.within(number))
        node.log_path = os.path.join(self.directory, f"node{number}.log")
        node.disk, node.hold_file, node.url = disk, hold, f"http://{address}:{network.PORT}"
        return node

    # -- For the nemeses --

    def fail(self, text):
        with self.lock:
            if text not in self.failures:
                self.failures.append(text)
                print(f"FAILURE: {text}", flush=True)

    @contextlib.contextmanager
    def holding(self, nodes):
        """Those of the nodes whose process nobody else has stopped: nobody else will while it lasts."""
        with self.lock:
            held = [node for node in nodes if node not in self.held]
            self.held.update(held)
        try:
            yield held
        finally:
            with self.lock:
                self.held.difference_update(held)

    def others_are_whole(self, node):
        """Everybody votes, and all others are at their places."""
        with self.lock:
            if self.held - {node}:
                return False
        return self.voters_are_all(self.nodes[node.number % NODES])

    def voters_are_all(self, through):
        answer = nemeses.ask(through, "GET", "/v1/members", timeout=2.0)
        if answer is None or answer.status != 200:
            return False
        found = answer.json()
        return len(found["voters"]) == NODES and not found["learners"] and not found["outgoing"]

    def all_vote(self, chance):
        """Asks until all nodes are voters, as they were."""
        body = {"voters": [nemeses.member(node) for node in self.nodes]}
        end = time.monotonic() + 90
        while not self.failures:
            if all(self.voters_are_all(node) for node in self.nodes):
                return
            answer = nemeses.ask(chance.choice(self.nodes), "PUT", "/v1/members?timeout=5s", body, timeout=7.0)
            if time.monotonic() > end:
                self.fail(f"the members do not become voters again: {answer}")
            time.sleep(0.2)

    def hold_syncs(self, nodes, who):
        with self.lock:
            for node in nodes:
                self.syncs_held.setdefault(node, set()).add(who)
                with open(node.hold_file, "w", encoding="ascii"):
                    pass

    def release_syncs(self, nodes, who):
        with self.lock:
            for node in nodes:
                self.syncs_held[node].discard(who)
                if not self.syncs_held[node] and os.path.exists(node.hold_file):
                    os.unlink(node.hold_file)

    # -- The run --

    def wait(self, seconds):
        """Less when something has failed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            if self.failures:
                return
            time.sleep(min(0.1, max(0.0, end - time.monotonic())))

    def look(self):
        """Nobody has ended by itself, no client got an answer that may not be."""
        with self.lock:
            ended = [node for node in self.nodes if node not in self.held and node.process is not None and node.process.poll() is not None]
        for node in ended:
            self.fail(f"node {node.number} ended by itself with {node.process.returncode}:\n{node.log()[-2000:]}")
        for worker in self.workers:
            if worker.failure:
                self.fail(worker.failure)
        if self.network.delays.failure:
            self.fail(f"delays: {self.network.delays.failure}")

    def progress(self):
        begin = self.history.now()
        end = time.monotonic() + PROGRESS_SECONDS
        while not self.failures and not self.history.wrote_since(begin):
            if time.monotonic() > end:
                self.fail(f"no write was acknowledged within {PROGRESS_SECONDS} s after the faults ended")
            self.wait(0.05)

    def suffer(self, name, chance, hold):
        """One nemesis from beginning to end."""
        at, what = self.history.now(), None
        try:
            doing = nemeses.ALL[name](self, chance, hold)
            what = next(doing)
            self.wait(hold)
            next(doing, None)
        except Exception as error:  # pylint: disable=broad-except
            self.fail(f"{name} ({what}): {error!r}")
        self.history.event(name, at, self.history.now(), what)
        return what

    def destroy(self):
        for node in self.nodes:
            if node.process is not None:
                node.thaw()
                node.kill()
            subprocess.run(["umount", node.disk], check=False)
        subprocess.run(["umount", self.directory], check=False)
        os.rmdir(self.directory)


class Schedule:
    """What is done when, drawn from the seed: rounds of one nemesis alone and rounds of several, and calm after each."""

    def __init__(self, world, options):
        self.world = world
        self.chance = random.Random(f"{options.seed} schedule")
        self.names = options.only or sorted(nemeses.ALL)
        self.waiting = []
        self.rounds = 0
        self.spans = []  # (name or "several at once", begin, end): calm after it included.
        self.mixed = options.mixed
        self.last = None  # What was done.

    def one(self, name, hold, after=0.0):
        chance = random.Random(f"{self.chance.random()} {name}")

        def suffer():
            self.world.wait(after)
            self.last = self.world.suffer(name, chance, hold)
        thread = threading.Thread(target=suffer, daemon=True)
        thread.start()
        return thread

    def round(self):
        begin = self.world.history.now()
        self.rounds += 1
        if self.mixed or self.rounds % 2:
            kind = SEVERAL
            chosen = self.chance.choices(self.names, k=self.chance.choice([2, 3, 3, 4]))
            threads = [self.one(name, self.chance.uniform(0.5, 4.0), self.chance.uniform(0, 2.0)) for name in chosen]
        else:
            self.waiting = self.waiting or self.chance.sample(self.names, len(self.names))
            kind = self.waiting.pop()
            threads = [self.one(kind, self.chance.uniform(1.0, 4.0))]
        for thread in threads:
            thread.join()
        self.world.progress()
        self.world.wait(self.chance.uniform(0.5, 2.0))
        if kind != SEVERAL:
            words = self.last or nemeses.NOTHING
            if words.startswith(nemeses.NOTHING):
                return
            kind += MAJORITY if words.startswith(nemeses.MAJORITY) else ""
        self.spans.append((kind, begin, self.world.history.now()))


def run(world, options):
    for node in world.nodes:
        node.start()
    for node in world.nodes:
        wait_for(node.ready, f"node {node.number} is ready")
    for worker in world.workers:
        worker.start()
    world.wait(2.0)
    schedule = Schedule(world, options)
    schedule.spans.append(("calm", int(0.5e6) + world.history.now() - int(2e6), world.history.now()))
    end = time.monotonic() + options.seconds
    while time.monotonic() < end and not world.failures:
        schedule.round()
    for worker in world.workers:
        worker.stopping.set()
    for worker in world.workers:
        worker.join(timeout=60)
        if worker.is_alive():
            world.fail(f"{worker.label} does not end")
    world.look()
    return schedule.spans


# -- What must hold at the end --

def listing(node):
    """All keys and values, as the node has them."""
    entries, after = {}, None
    while True:
        question = {"op": "list", "limit": 1000, **({"after": after} if after is not None else {})}
        answer = node.query(question, "?consistency=stale").json()["result"]
        entries.update((entry["key"], entry["value"]) for entry in answer["entries"])
        if not answer["more"]:
            return entries
        after = answer["entries"][-1]["key"]


def final_reads(world):
    """Of the keys in use through every node, of those given up through one."""
    for key in world.keys.all():
        for node in world.nodes if key in world.keys.current() else world.nodes[:1]:
            invoked = world.history.now()
            result = node.query({"op": "get", "key": key}).json()["result"]
            world.history.record(client=CLIENTS, node=node.number, op="get", key=key, consistency="linearizable",
                                 seen=short(result["value"]) if result["found"] else ABSENT, invoked=invoked,
                                 returned=world.history.now(), outcome=OK)


def check_end(world):
    """The same state everywhere, and in it what was acknowledged and not what was refused."""
    for node in world.nodes:
        wait_for(node.ready, f"node {node.number} is ready at the end", 60)

    def equal():
        found = {(status["applied_index"], status["last_index"]) for status in (node.status() for node in world.nodes)}
        return len(found) == 1 and len(set(found.pop())) == 1
    wait_for(equal, "all nodes have applied all there is", 60)
    wait_for(lambda: all(world.voters_are_all(node) for node in world.nodes), "everybody knows everybody as a voter", 60)
    final_reads(world)
    statuses = [node.status() for node in world.nodes]
    hashes = {(status["state_hash"]["index"], status["state_hash"]["hash"]) for status in statuses}
    if len(hashes) != 1:
        world.fail(f"the state hashes differ: {hashes}")
    states = [listing(node) for node in world.nodes]
    for node, state in zip(world.nodes, states):
        if state != states[0]:
            world.fail(f"nodes {node.number} and 1 have different states")
        for user in world.users:
            lost = [key for key, (value, _) in user.kept.items() if state.get(key) != value]
            if lost:
                world.fail(f"acknowledged, but not there on node {node.number}: {[(key, user.kept[key]) for key in lost[:5]]}, {len(lost)} in all")
            there = [key for key in user.refused if key in state]
            if there:
                world.fail(f"refused, but there on node {node.number}: {there[:5]}, {len(there)} in all")
    for watcher in (worker for worker in world.workers if isinstance(worker, Watcher)):
        missing = world.committed.missing(watcher.seen, watcher.skipped)
        if missing:
            world.fail(f"{watcher.label} left out {missing[:10]}, {len(missing)} in all, of {len(watcher.seen)} commands; gone were {watcher.skipped}")
    for status in statuses:
        if status.get("diverged"):
            world.fail(f"node {status['id']} says that its state differs")


def check_history(world):
    began = time.monotonic()
    done = subprocess.run([LINEAR, world.history.path], capture_output=True, text=True, check=False)
    said = f"{(done.stdout + done.stderr).strip()} ({time.monotonic() - began:.1f} s)"
    if done.returncode == 0:
        print(said)
    else:
        world.fail(f"tests/linear ended with {done.returncode}: {said}")


def table(world, spans):
    """The longest time without any acknowledged write, per kind of what was done alone."""
    kinds = {}
    for kind, begin, end in spans:
        kinds.setdefault(kind, []).append(world.history.outage(begin, end) / 1e6)
    lines = [f"{'what was done':22} {'rounds':>6} {'longest outage':>15} {'median':>9}"]
    order = sorted(kinds, key=lambda kind: (kind == SEVERAL, kind != "calm", kind))
    for kind in order:
        found = sorted(kinds[kind])
        lines.append(f"{kind:22} {len(found):6} {found[-1]:13.2f} s {found[len(found) // 2]:7.2f} s")
    return "\n".join(lines)


def keep(world, options, spans):
    """What is needed to understand a failure."""
    subprocess.run([LINEAR, "--html", os.path.join(world.directory, "timeline.html"), world.history.path], check=False, capture_output=True)
    folder = os.path.join(options.keep, f"seed-{options.seed}-{time.strftime('%H%M%S')}")
    shutil.copytree(world.directory, folder, ignore=lambda path, names: [name for name in names if name.startswith(("disk", "hold"))])
    with open(os.path.join(folder, "failure.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join([" ".join(sys.argv), *world.failures, table(world, spans) if spans else ""]) + "\n")
    return folder


def inside(options):
    for path in (RAFTD, LINEAR, os.path.join(LIBRARIES, "hold_sync.so")):
        if not os.path.exists(path):
            print(f"{path} is missing: make cluster-tests builds it")
            return 1
    world = World(options)
    spans = []
    try:
        try:
            spans = run(world, options)
            if not world.failures:
                check_end(world)
        except (AssertionError, RuntimeError, OSError, ValueError, http.client.HTTPException) as error:
            world.fail(repr(error))
        world.history.close()
        if options.history:
            shutil.copy(world.history.path, options.history)
        print(f"{world.history.operations} operations on shared keys ({world.history.outcomes}), {len(world.history.writes)} writes "
              f"acknowledged, {len(world.history.events)} faults, {world.committed.told} looks at {len(world.committed.at)} committed commands")
        check_history(world)
        if spans:
            print(table(world, spans))
        if world.failures:
            print(f"kept in {keep(world, options, spans)}")
    finally:
        world.destroy()
    return 1 if world.failures else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of faults (60)")
    parser.add_argument("--seed", type=int, default=0, help="repeats a choice of faults")
    parser.add_argument("--election", type=int, default=1000, help="--election-timeout in ms; heartbeats a tenth (1000)")
    parser.add_argument("--snapshot-entries", type=int, default=1000)
    parser.add_argument("--disk-mib", type=int, default=256, help="of each node")
    parser.add_argument("--pause", type=float, default=15, help="of each client between operations, on average, in ms (15)")
    parser.add_argument("--only", action="append", choices=sorted(nemeses.ALL), help="these faults (all)")
    parser.add_argument("--mixed", action="store_true", help="only rounds of several faults at once")
    parser.add_argument("--history", help="write the history to this file, whatever came of it")
    parser.add_argument("--keep", default=os.path.join(ROOT, "build", "faults"), help="where failures are kept (build/faults)")
    options = parser.parse_args()
    options.seed = options.seed or random.SystemRandom().randrange(1, 1 << 32)
    return options


def main():
    options = arguments()
    if os.environ.get(network.INSIDE):
        return inside(options)
    why = network.why_not()
    if why:
        print(f"skipped: {why}")
        return SKIPPED
    print(f"seed {options.seed}", flush=True)
    return network.go_inside(os.path.abspath(__file__), [*sys.argv[1:], "--seed", str(options.seed)])


if __name__ == "__main__":
    sys.exit(main())
