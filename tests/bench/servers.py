"""Clusters of raftd and of etcd with the same face, so that the same measurements are made on both."""

import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

from bench import Cluster, free_ports, wait_for

# Entries of etcd's transactions: a batch of 1,000 must fit. Elections and heartbeats are as they are by default, for both.
ETCD_OPTIONS = ["--max-txn-ops", "1000", "--max-request-bytes", "67108864", "--quota-backend-bytes", "8589934592", "--logger", "zap"]
NO_SNAPSHOTS = "100000000"  # So many entries later than any run ends.


def get(port, path, body=None, timeout=2.0):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET" if body is None else "POST", path, body=body)
        return connection.getresponse().read()
    finally:
        connection.close()


def metric(port, name):
    """The value of one metric without labels; 0 where there is none."""
    for line in get(port, "/metrics").decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return 0.0


class Raftd:
    name = "raftd"
    flags = []

    def __init__(self, count=3, keep_log=False, urls=None, flags=()):
        extra = [*flags, *(["--snapshot-entries", NO_SNAPSHOTS] if keep_log else [])]
        self.cluster = Cluster(count, heartbeat="100ms", election="1s", extra=extra, urls=urls)
        self.directory = self.cluster.directory

    def start(self):
        self.cluster.start()
        self.leader()
        return self

    def leader(self):
        """Number of the leader, from 0."""
        return self.cluster.leader().number - 1

    def ports(self):
        return [node.port for node in self.cluster.nodes]

    def pids(self):
        return [node.process.pid for node in self.cluster.nodes if node.process]

    def syncs(self):
        return sum(metric(port, "raftd_disk_write_duration_seconds_count") for port in self.ports())

    def wait_equal(self):
        self.cluster.wait_equal()

    def kill(self, number):
        self.cluster.nodes[number].kill()

    def restart(self, number):
        self.cluster.nodes[number].start()

    def is_ready(self, number):
        return self.cluster.nodes[number].ready()

    def stop(self):
        self.cluster.destroy()


class Etcd:
    name = "etcd"
    flags = ["--etcd"]

    def __init__(self, count=3, keep_log=False, urls=None):
        self.directory = tempfile.mkdtemp(prefix="etcd-bench-")
        ports = free_ports(2 * count)
        self.clients, peers = ports[:count], ports[count:]
        advertised = urls(peers) if urls else [f"http://127.0.0.1:{port}" for port in peers]
        self.cluster = ",".join(f"n{i}={url}" for i, url in enumerate(advertised))
        self.commands = [
            ["etcd", "--name", f"n{i}", "--data-dir", os.path.join(self.directory, f"data{i}"),
             "--listen-client-urls", f"http://127.0.0.1:{self.clients[i]}", "--advertise-client-urls", f"http://127.0.0.1:{self.clients[i]}",
             "--listen-peer-urls", f"http://127.0.0.1:{peers[i]}", "--initial-advertise-peer-urls", advertised[i],
             "--initial-cluster", self.cluster, *ETCD_OPTIONS, *(["--snapshot-count", NO_SNAPSHOTS] if keep_log else [])]
            for i in range(count)]
        self.processes = [None] * count

    def start(self):
        for number in range(len(self.commands)):
            self.restart(number)
        for number in range(len(self.commands)):
            wait_for(lambda number=number: self.is_ready(number), "etcd is healthy")
        return self

    def status(self, number):
        return json.loads(get(self.clients[number], "/v3/maintenance/status", "{}"))

    def leader(self):
        def find():
            for number, process in enumerate(self.processes):
                status = self.status(number) if process else {}
                if status and status.get("leader") == status["header"]["member_id"]:
                    return number + 1
            return None
        return wait_for(find, "etcd has a leader") - 1

    def ports(self):
        return self.clients

    def pids(self):
        return [process.pid for process in self.processes if process]

    def syncs(self):
        """Of the log alone; those of the database come besides."""
        return sum(metric(port, "etcd_disk_wal_fsync_duration_seconds_count") for port in self.clients)

    def wait_equal(self):
        wait_for(lambda: len({self.status(i)["raftAppliedIndex"] for i in range(len(self.clients))}) == 1, "etcd's nodes are equal")

    def kill(self, number):
        self.processes[number].kill()
        self.processes[number].wait()
        self.processes[number] = None

    def restart(self, number):
        with open(os.path.join(self.directory, f"node{number}.log"), "ab") as log:
            self.processes[number] = subprocess.Popen(self.commands[number], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_ready(self, number):
        return b"true" in get(self.clients[number], "/health")

    def stop(self):
        for number, process in enumerate(self.processes):
            if process:
                self.kill(number)
        shutil.rmtree(self.directory, ignore_errors=True)


def available():
    """What can be measured here."""
    if shutil.which("etcd"):
        return [Raftd, Etcd]
    print("etcd is left out: it is not installed (Debian package etcd-server: .ci/setup bench)", flush=True)
    return [Raftd]


def load(server, targets, *options, seconds, background=False):
    """Runs the load program against these nodes (numbers); its result, or the process."""
    program = os.environ["LOAD"]
    ports = server.ports()
    command = [program, *server.flags, "--seconds", str(seconds), "--pids", ",".join(map(str, server.pids())), *map(str, options),
               *(f"127.0.0.1:{ports[number]}" for number in targets)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if background:
        return process
    output = process.communicate()[0]
    assert output, f"the load program said nothing: {' '.join(command)}"
    return json.loads(output)


def fill(server, entries, value=16, first=0, keys=None):
    """So many entries in the log: of a new key each, or of so many keys. etcd gets them one by one: a transaction is one entry."""
    batch = min(entries, 100 if server.name == "raftd" else 1)
    connections = 32 if server.name == "raftd" else 256
    spread = ["--keys", str(max(keys, batch))] if keys else ["--sequential", "--first", str(first), "--keys", str(max(entries, batch))]
    result = load(server, [server.leader()], "--connections", min(connections, max(1, entries // batch)), "--batch", batch,
                  "--value", value, "--operations", entries, *spread, seconds=3600)
    assert result["operations"] >= entries * 0.99, f"only {result['operations']} of {entries} entries were written"


def memory_mib(server):
    """Anonymous and file-mapped memory of all nodes, in MiB."""
    sums = {"RssAnon": 0.0, "RssFile": 0.0}
    for pid in server.pids():
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                name = line.split(":")[0]
                if name in sums:
                    sums[name] += int(line.split()[1]) / 1024
    return sums["RssAnon"], sums["RssFile"]


def written_bytes(server):
    """What all nodes had written to disks so far."""
    total = 0
    for pid in server.pids():
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("write_bytes:"))
    return total


def now():
    return time.monotonic()
