"""How long nothing can be written: the leader is killed, or all nodes are started again; and a network in which everything takes long."""

import json
import time

from delay_proxy import DelayProxies
from servers import fill, load, now, wait_for

BEFORE, AFTER = 1.5, {"raftd": 4.0, "etcd": 9.0}  # Seconds of load around each kill.
GAP_BEGINS = 50  # Milliseconds after the kill in which answers may still be on their way.
WINDOW = 100


def longest_gap(timeline, begin):
    """First and last millisecond of the longest time without any success after `begin`."""
    best, start = (begin, begin), None
    for at in range(begin, len(timeline)):
        if timeline[at]:
            start = None
        else:
            start = at if start is None else start
            if at - start > best[1] - best[0]:
                best = (start, at)
    return best


def judge(timeline, killed):
    """Seconds from the kill to the next success, and from there to 90 % of the old rate; None: not in this time."""
    before = sum(timeline[killed // 3:killed]) / (killed - killed // 3)
    end = longest_gap(timeline, max(0, killed - GAP_BEGINS))[1] + 1
    if end >= len(timeline):
        return None, None
    for at in range(end, len(timeline) - WINDOW):
        if sum(timeline[at:at + WINDOW]) / WINDOW >= 0.9 * before:
            return (end - killed) / 1e3, (at - end) / 1e3
    return (end - killed) / 1e3, None


def kill_leader(server):
    leader = server.leader()
    everyone = list(range(len(server.ports())))
    seconds = BEFORE + AFTER[server.name]
    process = load(server, everyone, "--connections", 64, "--timeline", seconds=seconds, background=True)
    time.sleep(BEFORE)
    killed = now()
    server.kill(leader)
    result = json.loads(process.communicate()[0])
    outage, recovery = judge(result["timeline"][:int(seconds * 1e3)], int((killed - result["begin"]) * 1e3))
    server.restart(leader)
    wait_for(lambda: server.is_ready(leader), "the killed node is back")
    server.wait_equal()
    return outage, recovery


def failover(kind, trials):
    server = kind().start()
    try:
        found = [kill_leader(server) for _ in range(trials)]
    finally:
        server.stop()
    return {"outage_s": [each[0] for each in found], "recovery_s": [each[1] for each in found]}


def restart(kind, entries):
    """Seconds until a leader, and until all are ready, after all nodes were killed with so many entries in the log."""
    server = kind(keep_log=True).start()
    try:
        fill(server, entries, value=100)
        server.wait_equal()
        count = len(server.ports())
        for number in range(count):
            server.kill(number)
        begin = now()
        for number in range(count):
            server.restart(number)
        server.leader()
        led = now() - begin
        for number in range(count):
            wait_for(lambda number=number: server.is_ready(number), "a node is ready again", 120)
        return {"leader_s": led, "ready_s": now() - begin}
    finally:
        server.stop()


def delayed(kind, milliseconds, connections, seconds):
    """Writes to the leader when everything that nodes send to each other takes so long, each way."""
    proxies = DelayProxies(milliseconds / 1e3)
    server = kind(urls=lambda ports: [f"http://127.0.0.1:{proxies.to(port)}" for port in ports])
    try:
        server.start()
        options = ["--connections", connections]
        load(server, [server.leader()], *options, seconds=1)
        result = load(server, [server.leader()], *options, seconds=seconds)
    finally:
        server.stop()
        proxies.close()
    bound = connections / (2 * milliseconds / 1e3)
    return {"per_second": result["per_second"], "p50_ms": result["all"]["p50_us"] / 1e3, "p99_ms": result["all"]["p99_us"] / 1e3,
            "share_of_bound": result["per_second"] / bound}
