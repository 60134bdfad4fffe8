"""A flame graph of the leader under load, in build/bench/profile.svg; the functions that took most are printed."""

import os
import subprocess
import sys

import flame
from servers import Raftd, load

SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
OUTPUT = os.path.abspath(os.environ.get("BENCH_OUTPUT", "build/bench"))
LOAD_OPTIONS = os.environ.get("PROFILE_LOAD", "--connections 64").split()


def record(server, data):
    leader = server.leader()
    pid = server.cluster.nodes[leader].process.pid
    process = load(server, [leader], *LOAD_OPTIONS, seconds=SECONDS + 1, background=True)
    recorded = subprocess.run(["perf", "record", "-q", "-F", "999", "--call-graph", "dwarf,16384", "-p", str(pid), "-o", data, "--", "sleep",
                               str(SECONDS)], capture_output=True, text=True, check=False)
    print(process.communicate()[0], end="")
    if recorded.returncode != 0:
        sys.exit(f"profile: perf record: {recorded.stderr.strip()}")


def main():
    os.makedirs(OUTPUT, exist_ok=True)
    data, picture = os.path.join(OUTPUT, "perf.data"), os.path.join(OUTPUT, "profile.svg")
    server = Raftd().start()
    try:
        record(server, data)
        script = subprocess.run(["perf", "script", "-i", data, "-F", "comm,tid,time,event,ip,sym,dso"], capture_output=True, text=True,
                                errors="replace", check=False)
    finally:
        server.stop()
    stacks = flame.fold(script.stdout.splitlines())
    if not stacks:
        sys.exit(f"profile: no samples: {script.stderr.strip()}")
    with open(picture, "w", encoding="utf-8") as file:
        file.write(flame.draw(stacks, "raftd, leader, load " + " ".join(LOAD_OPTIONS)))
    total = sum(stacks.values())
    for name, samples in flame.hottest(stacks):
        print(f"{samples / total * 100:6.1f} %  {name}")
    print(f"{picture}: {total} samples")


if __name__ == "__main__":
    main()
