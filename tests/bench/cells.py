"""What is measured under a steady load: each cell is one kind of load on a cluster that was there before."""

from servers import load, memory_mib, written_bytes

LEADER, FOLLOWER, FOLLOWERS, ALL = "leader", "follower", "followers", "all"
CONSISTENCIES = {"raftd": ("linearizable", "lease", "stale"), "etcd": ("linearizable", "stale")}


class Cell:
    def __init__(self, name, *options, on=LEADER, value=100, reads=0, only=None):
        self.name = name
        self.options = [*options, "--value", value, "--reads", reads]
        self.on = on
        self.value = value
        self.reads = reads
        self.only = only  # Its consistency, if not every system has it.

    def targets(self, server):
        leader, count = server.leader(), len(server.ports())
        others = [number for number in range(count) if number != leader] or [leader]
        return {LEADER: [leader], FOLLOWER: others[:1], FOLLOWERS: others, ALL: list(range(count))}[self.on]

    def fits(self, server):
        return self.only is None or self.only in CONSISTENCIES[server.name]

    def measure(self, server, seconds):
        targets = self.targets(server)
        load(server, targets, *self.options, seconds=min(0.3, seconds))  # Connections' caches, branch predictors, learned rates.
        syncs, written = server.syncs(), written_bytes(server)
        result = load(server, targets, *self.options, seconds=seconds)
        measured = {
            "per_second": result["per_second"],
            "p50_ms": result["all"]["p50_us"] / 1e3,
            "p99_ms": result["all"]["p99_us"] / 1e3,
            "p999_ms": result["all"]["p999_us"] / 1e3,
            "cpu_us": result.get("server_cpu_us_per_operation"),
            "load_cpu_us": result["load_cpu_us_per_request"],
            "failed": result["failed"] + result["refused"],
            "anonymous_mib": memory_mib(server)[0],
            "mapped_mib": memory_mib(server)[1],
        }
        if self.reads < 100:
            proposed = result["operations"] * (100 - self.reads) / 100 * self.value
            measured["syncs_per_second"] = (server.syncs() - syncs) / result["seconds"]
            measured["written_per_byte"] = (written_bytes(server) - written) / max(1, proposed)
        return measured


def writes():
    for connections in (1, 16, 64, 256):
        for where in (LEADER, ALL):
            yield Cell(f"write, {connections} conn., {where}", "--connections", connections, on=where)


def batches():
    for batch in (1, 10, 100, 1000):
        yield Cell(f"batch of {batch}, 16 conn.", "--connections", 16, "--batch", batch)


def reads():
    for consistency in CONSISTENCIES["raftd"]:
        for where in (LEADER, FOLLOWER, ALL):
            yield Cell(f"{consistency} read, 64 conn., {where}", "--connections", 64, "--consistency", consistency, on=where, reads=100,
                       only=consistency)
    yield Cell("linearizable read, 1 conn., leader", "--connections", 1, reads=100)


def mixtures():
    for where in (LEADER, ALL):
        yield Cell(f"80 % reads, 64 conn., {where}", "--connections", 64, on=where, reads=80)


def values():
    for value, connections in ((16, 64), (1024, 64), (16384, 64), (262144, 16)):
        yield Cell(f"write of {value} B, {connections} conn.", "--connections", connections, value=value)


PARTS = {"writes": writes, "batches": batches, "reads": reads, "mixtures": mixtures, "values": values}
