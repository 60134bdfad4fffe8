"""Requests per second and latency under wrk (Debian's package), three nodes and the load on the same machine."""

import os
import re
import shutil
import subprocess
import tempfile

from bench import Cluster, cpu_seconds, resident_mib

SECONDS = 5
QUERY = "/v1/query?q=%7B%22op%22%3A%22get%22%2C%22key%22%3A%22k1%22%7D"
WRITES = """
wrk.method = "POST"
local n = 0
request = function()
    n = n + 1
    return wrk.format("POST", "/v1/propose", nil,
        '{"op":"put","key":"k' .. (n % 1000) .. '","value":"' .. string.rep("x", 100) .. '"}')
end
"""


def wrk(node, connections, path="/", script=None):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
    if script:
        command += ["-s", script]
    output = subprocess.run(command + [f"http://127.0.0.1:{node.port}{path}"], capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    latency = {name: re.search(rf"{name}%\s+(\S+)", output).group(1) for name in ("50", "99")}
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    return rate, latency, int(failed.group(1)) if failed else 0


def measure(cluster, what, node, connections, **options):
    before = sum(cpu_seconds(each) for each in cluster.nodes)
    rate, latency, failed = wrk(node, connections, **options)
    cpu = (sum(cpu_seconds(each) for each in cluster.nodes) - before) / (rate * SECONDS) * 1e6
    print(f"{what:<34} {connections:>4} {rate:>10.0f} {latency['50']:>10} {latency['99']:>10} {cpu:>8.0f} {failed:>7}")


def main():
    if shutil.which("wrk") is None:
        print("skipped: wrk is not installed (Debian package wrk)")
        return
    cluster = Cluster(heartbeat="100ms", election="1s")
    with tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False) as file:
        file.write(WRITES)
    try:
        cluster.start()
        leader, follower = cluster.leader(), cluster.followers()[0]
        print(f"{'what':<34} {'conn':>4} {'per s':>10} {'p50':>10} {'p99':>10} {'µs CPU':>8} {'failed':>7}")
        for connections in (1, 64, 256):
            measure(cluster, "durable write, leader", leader, connections, script=file.name)
        measure(cluster, "durable write, follower", follower, 64, script=file.name)
        for connections in (1, 64):
            measure(cluster, "linearizable read, leader", leader, connections, path=QUERY)
        measure(cluster, "linearizable read, follower", follower, 64, path=QUERY)
        measure(cluster, "stale read, follower", follower, 64, path=QUERY + "&consistency=stale")
        for node in cluster.nodes:
            whole, anonymous = resident_mib(node)
            print(f"node {node.number} afterwards: {whole:.0f} MiB resident, {anonymous:.0f} MiB of it anonymous")
    finally:
        os.unlink(file.name)
        cluster.destroy()


if __name__ == "__main__":
    main()
