"""Throughput, latency and cost of raftd against the length of the log, the size of the state, the number of members and the size
of commands."""

import os

from cells import Cell
from servers import Raftd, fill, load

MOST = int(os.environ.get("BENCH_MOST", "10000000"))  # Entries and keys.
CONNECTIONS = 64
REPEATS = 3  # Of each measurement; the median counts.


def sizes():
    return [size for size in (10 ** exponent for exponent in range(3, 8)) if size <= MOST]


def look(results, server, axis, at, seconds, keys=1000, value=100):
    """Writes and linearizable reads on the leader, over keys that are there."""
    for _ in range(REPEATS):
        cell = Cell("", "--connections", CONNECTIONS, "--keys", keys, value=value)
        found = cell.measure(server, seconds)
        reads = load(server, [server.leader()], "--connections", CONNECTIONS, "--keys", keys, "--reads", 100, seconds=seconds)
        found["read_per_second"] = reads["per_second"]
        found["read_p99_ms"] = reads["all"]["p99_us"] / 1e3
        found["read_cpu_us"] = reads.get("server_cpu_us_per_operation")
        results.add("scale", f"{axis} {at}", "raftd", found)


def log_length(results, say, seconds):
    """The same 1,000 keys over and over, no snapshots: only the log grows."""
    server = Raftd(keep_log=True).start()
    try:
        for size in sizes():
            say(f"scale: a log of {size} entries")
            here = server.cluster.nodes[0].status()["last_index"]
            if here < size:
                fill(server, size - here, keys=1000)
            look(results, server, "log", size, seconds)
    finally:
        server.stop()


def state_size(results, say, seconds):
    """New keys, and the snapshots that are due by default."""
    server, there = Raftd().start(), 0
    try:
        for size in sizes():
            say(f"scale: {size} keys")
            fill(server, size - there, first=there)
            there = size
            server.wait_equal()
            look(results, server, "keys", size, seconds, keys=size, value=16)
    finally:
        server.stop()


def members(results, say, seconds):
    for count in (1, 3, 5, 7):
        say(f"scale: {count} members")
        server = Raftd(count).start()
        try:
            look(results, server, "members", count, seconds)
        finally:
            server.stop()


def command_size(results, say, seconds):
    server = Raftd().start()
    try:
        for size in (16, 64, 256, 1024, 4096, 16384, 65536, 262144):
            say(f"scale: commands of {size} bytes")
            look(results, server, "command bytes", size, seconds, keys=100, value=size)
    finally:
        server.stop()


def measure(results, say, seconds):
    for axis in (log_length, state_size, members, command_size):
        axis(results, say, seconds)
