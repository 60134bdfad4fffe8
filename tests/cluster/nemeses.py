"""What is done to a cluster. A nemesis does its thing, waits, and undoes it; several may be at work at once.

Each is a function of (world, chance, hold): the cluster and its network, a random.Random of its own, and how many seconds it
shall last. It yields once, with what it did in words, and undoes it after that. Where it strikes a majority, so that no
cluster could go on, the words begin with MAJORITY; where it found nothing to do, with NOTHING."""

import http.client
import json
import os
import shutil
import threading
import time

from harness import Client

NO_ANSWER = (OSError, http.client.HTTPException, ValueError)
LEFT_ON_A_FULL_DISK = 6 << 20  # Less than the slack of storage/space.h: the reserve is let go.
MAJORITY, NOTHING = "a majority: ", "nothing: "
ALL = {}


def nemesis(function):
    ALL[function.__name__.replace("_", "-")] = function
    return function


def ask(node, method, path, body=None, timeout=5.0):
    """None: no answer."""
    client = Client(node.port, timeout, node.host)
    try:
        return client.ask(method, path, body and json.dumps(body))
    except NO_ANSWER:
        return None
    finally:
        client.close()


def leader(world, chance):
    """The leader, as far as anybody says; else anybody."""
    best = None
    for node in world.nodes:
        answer = ask(node, "GET", "/v1/status", timeout=0.5)
        if answer and answer.status == 200:
            status = answer.json()
            if status["role"] == "leader" and (best is None or status["term"] > best[0]):
                best = (status["term"], node)
    return best[1] if best else chance.choice(world.nodes)


def victims(world, chance):
    """Most often one node or two, the leader in half of the cases; sometimes all."""
    count = chance.choices([1, 2, 3, len(world.nodes)], [6, 4, 1, 1])[0]
    chosen = chance.sample(world.nodes, count)
    if chance.random() < 0.5:
        first = leader(world, chance)
        if first not in chosen:
            chosen[0] = first
    return chosen


def names(nodes):
    return ", ".join(str(node.number) for node in sorted(nodes, key=lambda node: node.number))


def strikes(world, nodes, what):
    """What a nemesis says that did something to these."""
    if not nodes:
        return NOTHING + "others are at work on them"
    return (MAJORITY if len(nodes) > len(world.nodes) // 2 else "") + what.format(names(nodes))


# -- Processes --

@nemesis
def kill(world, chance, hold):
    """kill -9, and a start after a while."""
    chosen = victims(world, chance)
    with world.holding(chosen) as held:
        for node in held:
            node.kill()
        yield strikes(world, held, "kill -9 of {}")
        for node in held:
            node.start()


@nemesis
def kill_leader(world, chance, hold):
    with world.holding([leader(world, chance)]) as held:
        for node in held:
            node.kill()
        yield strikes(world, held, "kill -9 of the leader {}")
        for node in held:
            node.start()


@nemesis
def freeze(world, chance, hold):
    """SIGSTOP and SIGCONT."""
    with world.holding(victims(world, chance)) as held:
        for node in held:
            node.freeze()
        yield strikes(world, held, "SIGSTOP of {}")
        for node in held:
            node.thaw()


@nemesis
def restart(world, chance, hold):
    """SIGTERM: it hands over, finishes what is in flight, and must end with 0."""
    with world.holding(chance.sample(world.nodes, 1)) as held:
        for node in held:
            code = node.stop()
            if code != 0:
                world.fail(f"node {node.number} ended with {code} after SIGTERM")
        yield strikes(world, held, "SIGTERM of {}")
        for node in held:
            node.start()


# -- The network --

def while_on(world, *tokens):
    """Undoes rules of the network however the nemesis ends."""
    class Undo:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            for token in tokens:
                world.network.remove(token)
    return Undo()


@nemesis
def halves(world, chance, hold):
    """Two parts that do not hear each other."""
    order = chance.sample(world.network.numbers, len(world.nodes))
    cut = chance.choice([1, 2, 2, 2])
    with while_on(world, world.network.cut(world.network.between(order[:cut], order[cut:]))):
        yield f"partition {sorted(order[:cut])} | {sorted(order[cut:])}"


@nemesis
def isolate_leader(world, chance, hold):
    alone = leader(world, chance).number
    others = [number for number in world.network.numbers if number != alone]
    with while_on(world, world.network.cut(world.network.between([alone], others))):
        yield f"the leader {alone} alone"


@nemesis
def deaf_transfer(world, chance, hold):
    """The leader hears nobody any more and is told to hand over: another one leads at once, and the old one does not know."""
    old = leader(world, chance)
    others = [node for node in world.nodes if node is not old]
    with while_on(world, world.network.cut([(old.number, node.number) for node in others])):
        new = chance.choice(others)
        asking = threading.Thread(target=ask, daemon=True, args=(old, "POST", "/v1/leader/transfer?timeout=1s", {"to": new.number}, 2.0))
        asking.start()
        yield f"the leader {old.number} hears nobody, and hands over to {new.number}"
    asking.join()


@nemesis
def ring(world, chance, hold):
    """Everybody hears a majority, and no two the same one."""
    order = chance.sample(world.network.numbers, len(world.nodes))
    count = len(order)
    far = [(order[i], order[j]) for i in range(count) for j in range(count) if min((i - j) % count, (j - i) % count) > 1]
    with while_on(world, world.network.cut(far)):
        yield f"a ring {order}: only neighbours hear each other"


@nemesis
def one_way(world, chance, hold):
    """Requests, answers or all packets get lost, in one direction only."""
    how = chance.choice(["requests", "answers", "packets"])
    receiver = leader(world, chance).number if chance.random() < 0.5 else chance.choice(world.network.numbers)
    others = [number for number in world.network.numbers if number != receiver]
    senders = chance.sample(others, chance.choice([1, 2, 4]))
    pairs = [(receiver, sender) for sender in senders]
    if chance.random() < 0.5:
        pairs = [(sender, receiver) for receiver, sender in pairs]
    rule = {"requests": world.network.cut_requests, "answers": world.network.cut_answers, "packets": world.network.cut}[how]
    with while_on(world, rule(pairs)):
        yield f"no {how} " + ", ".join(f"{sender}>{receiver}" for receiver, sender in pairs)


@nemesis
def loss(world, chance, hold):
    share = chance.choice([0.05, 0.1, 0.2, 0.4])
    pairs = world.network.all_pairs()
    if chance.random() < 0.3:
        pairs = chance.sample(pairs, len(pairs) // 2)
    with while_on(world, world.network.lose(pairs, share)):
        yield f"{share:.0%} of the packets are lost between {len(pairs)} pairs"


@nemesis
def delay(world, chance, hold):
    least, most = chance.choice([(0.005, 0.02), (0.02, 0.06), (0.0, 0.15), (0.1, 0.3)])
    pairs = world.network.all_pairs()
    if chance.random() < 0.5:
        far = chance.choice(world.network.numbers)
        pairs = [pair for pair in pairs if far in pair]
    with while_on(world, world.network.delay(pairs, least, most)):
        yield f"packets take {least * 1000:.0f} to {most * 1000:.0f} ms between {len(pairs)} pairs, and overtake each other"


@nemesis
def resets(world, chance, hold):
    """Connections between nodes are closed again and again, as if the other one had died."""
    done = threading.Event()

    def reset():
        while not done.is_set():
            struck = leader(world, chance).number if chance.random() < 0.5 else chance.choice(world.network.numbers)
            token = world.network.reset([pair for pair in world.network.all_pairs() if struck in pair])
            done.wait(chance.uniform(0.01, 0.15))
            world.network.remove(token)
            done.wait(chance.uniform(0.1, 1.0))
    thread = threading.Thread(target=reset, daemon=True)
    thread.start()
    try:
        yield "connections are reset"
    finally:
        done.set()
        thread.join()


@nemesis
def flapping(world, chance, hold):
    """Links that go and come several times a second."""
    done = threading.Event()

    def flap():
        while not done.is_set():
            token = world.network.cut(chance.sample(world.network.all_pairs(), 6))
            done.wait(chance.uniform(0.05, 0.4))
            world.network.remove(token)
            done.wait(chance.uniform(0.05, 0.4))
    thread = threading.Thread(target=flap, daemon=True)
    thread.start()
    try:
        yield "random links go and come"
    finally:
        done.set()
        thread.join()


# -- Disks --

def free(node):
    found = os.statvfs(node.disk)
    return found.f_bavail * found.f_frsize


def serves(node):
    answer = ask(node, "GET", "/v1/status", timeout=1.0)
    return answer is not None and answer.status == 200


def is_filled(node):
    return any(name.startswith("somebody-else") for name in os.listdir(node.disk))


def fill(node, path, left):
    """Takes all that is free but `left`, in an instant, and once: what the node gives back of its reserve is its own. False: the node
    wrote so much meanwhile that it did not fit; not tried again, since the reserve may be gone by now."""
    with open(path, "ab") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, max(1, free(node) - left))
            return True
        except OSError:
            os.unlink(path)
            return False


@nemesis
def full_disk(world, chance, hold):
    """Somebody else takes all of the disk, to the last byte or nearly so, and gives it back. A node that is just starting uses its reserve:
    it is spared."""
    paths = {}
    left = chance.choice([0, LEFT_ON_A_FULL_DISK])
    with world.holding(victims(world, chance)) as held:
        for node in held:
            if serves(node) and not is_filled(node):
                path = os.path.join(node.disk, "somebody-else")
                if fill(node, path, left):
                    paths[node] = path
    try:
        yield strikes(world, list(paths), "the disks of {} are full")
    finally:
        for path in paths.values():
            os.unlink(path)


@nemesis
def slow_disk(world, chance, hold):
    """Syncs do not end for a while, once or again and again."""
    chosen = victims(world, chance)
    steady = chance.random() < 0.5
    done = threading.Event()
    tag = chance.randrange(1 << 30)

    def stall():
        while not done.is_set():
            world.hold_syncs(chosen, tag)
            done.wait(hold if steady else chance.uniform(0.02, 0.3))
            world.release_syncs(chosen, tag)
            done.wait(chance.uniform(0.01, 0.1))
    thread = threading.Thread(target=stall, daemon=True)
    thread.start()
    try:
        yield strikes(world, chosen, "the disks of {} " + ("stand still" if steady else "are slow"))
    finally:
        done.set()
        thread.join()


# -- What an operator does --

def member(node):
    return {"id": node.number, "url": node.url}


@nemesis
def remove_and_add(world, chance, hold):
    """A member is removed, the leader too, and comes back with the disk that it had."""
    with world.members_lock:
        node = leader(world, chance) if chance.random() < 0.3 else chance.choice(world.nodes)
        through = chance.choice(world.nodes)
        answer = ask(through, "DELETE", f"/v1/members/{node.number}?timeout=3s")
        yield f"node {node.number} is removed ({answer.status if answer else 'no answer'}) and added again"
        world.all_vote(chance)


@nemesis
def demote_and_promote(world, chance, hold):
    """Voters become learners by joint consensus, and voters again."""
    with world.members_lock:
        learners = chance.sample(world.nodes, chance.choice([1, 2]))
        body = {"voters": [member(node) for node in world.nodes if node not in learners], "learners": [member(node) for node in learners]}
        answer = ask(chance.choice(world.nodes), "PUT", "/v1/members?timeout=3s", body)
        yield f"{names(learners)} are learners ({answer.status if answer else 'no answer'}) and then voters again"
        world.all_vote(chance)


@nemesis
def lost_disk(world, chance, hold):
    """A node loses all that it had stored, and takes its own place again with --replace."""
    with world.members_lock:
        with world.holding([chance.choice(world.nodes)]) as held:
            if not held or is_filled(held[0]):
                yield NOTHING + "the node is away, or has no room to start anew"
                return
            node = held[0]
            if not world.others_are_whole(node):
                yield NOTHING + "others are on their way"
                return
            node.kill()
            shutil.rmtree(node.directory)
            yield f"the disk of {node.number} is lost, and it takes its place with --replace"
            node.start()
        world.all_vote(chance)


@nemesis
def transfer(world, chance, hold):
    """Leadership is handed around."""
    done = threading.Event()

    def hand_over():
        while not done.is_set():
            ask(chance.choice(world.nodes), "POST", "/v1/leader/transfer?timeout=1s", {"to": chance.choice(world.nodes).number}, 2.0)
            done.wait(chance.uniform(0.05, 0.7))
    thread = threading.Thread(target=hand_over, daemon=True)
    thread.start()
    try:
        yield "leadership is handed around"
    finally:
        done.set()
        thread.join()


# -- Deaths in the middle of that --

def under_way(world, chance, doing, least, most):
    """Starts `doing` on a thread, which it answers, and waits a moment for it to be under way."""
    thread = threading.Thread(target=doing, daemon=True)
    thread.start()
    world.wait(chance.uniform(least, most))
    return thread


@nemesis
def kill_in_transfer(world, chance, hold):
    """The leader, or who is to lead, dies while leadership is handed over."""
    old = leader(world, chance)
    new = chance.choice([node for node in world.nodes if node is not old])
    with world.holding([chance.choice([old, old, new])]) as held:
        body = {"to": new.number}
        asking = under_way(world, chance, lambda: ask(old, "POST", "/v1/leader/transfer?timeout=1s", body, 2.0), 0.0, 0.012)
        for node in held:
            node.kill()
        yield strikes(world, held, f"kill -9 of {{}} while {old.number} hands over to {new.number}")
        for node in held:
            node.start()
    asking.join()


@nemesis
def kill_in_change(world, chance, hold):
    """The leader dies while the members change."""
    with world.members_lock:
        old = leader(world, chance)
        out = chance.sample([node for node in world.nodes if node is not old], chance.choice([1, 2]))
        body = {"voters": [member(node) for node in world.nodes if node not in out], "learners": [member(node) for node in out]}
        with world.holding([old]) as held:
            asking = under_way(world, chance, lambda: ask(old, "PUT", "/v1/members?timeout=2s", body, 3.0), 0.0, 0.03)
            for node in held:
                node.kill()
            yield strikes(world, held, f"kill -9 of {{}} while {names(out)} become learners")
            for node in held:
                node.start()
        asking.join()
        world.all_vote(chance)


@nemesis
def kill_in_install(world, chance, hold):
    """A node that needs a snapshot, because the others have cut their logs while it was away, dies while it gets it; then the leader."""
    behind = chance.choice(world.nodes)
    with world.holding([behind]) as held:
        for node in held:
            node.kill()
        world.wait(hold)
        for node in world.nodes:
            if node not in held:
                ask(node, "POST", "/v1/snapshot", timeout=2.0)
        yield strikes(world, held, "{} comes back to a snapshot, and dies again and again")
        for node in held:
            for _ in range(3):
                node.start()
                world.wait(chance.uniform(0.02, 0.4))
                node.kill()
            node.start()
    with world.holding([leader(world, chance)]) as held:
        for node in held:
            node.kill()
            node.start()


@nemesis
def restart_all(world, chance, hold):
    """All end at once, by kill -9, and start in any order."""
    with world.holding(world.nodes) as held:
        for node in held:
            node.kill()
        yield strikes(world, held, "kill -9 of {}")
        for node in chance.sample(held, len(held)):
            node.start()
            world.wait(chance.uniform(0.0, 0.3))


@nemesis
def snapshot(world, chance, hold):
    """Snapshots are taken again and again, and downloaded."""
    done = threading.Event()

    def take():
        while not done.is_set():
            ask(chance.choice(world.nodes), chance.choice(["POST", "POST", "GET"]), "/v1/snapshot", timeout=2.0)
            done.wait(chance.uniform(0.02, 0.3))
    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        yield "snapshots are taken"
    finally:
        done.set()
        thread.join()
