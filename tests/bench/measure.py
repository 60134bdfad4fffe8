"""Measures raftd, beside etcd where that is installed: measure.py RAFTD LOAD. See README.md for what and how."""

import json
import os
import statistics
import sys
import tempfile
import time

OUTPUT = os.path.abspath(os.environ.get("BENCH_OUTPUT", "build/bench"))
os.environ["RAFTD"], os.environ["LOAD"] = map(os.path.abspath, sys.argv[1:3])
os.makedirs(OUTPUT, exist_ok=True)
tempfile.tempdir = OUTPUT  # The nodes' disks.

import cells  # noqa: E402 (the harness reads RAFTD when it is loaded)
import outages  # noqa: E402
import plot  # noqa: E402
import scale  # noqa: E402
import servers  # noqa: E402

SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
TRIALS = int(os.environ.get("BENCH_TRIALS", "20"))
DELAY_MS = 50
RESTARTS = [int(number) for number in os.environ.get("BENCH_ENTRIES", "200000,1000000").split(",")]
STEADY = list(cells.PARTS)
DEFAULT = [*STEADY, "failover", "restart", "delay"]
PARTS = [*DEFAULT, "scale"]


class Results:
    """For each measurement and system the values of all rounds."""

    def __init__(self):
        self.parts = {}

    def add(self, part, what, system, values):
        rounds = self.parts.setdefault(part, {}).setdefault(what, {}).setdefault(system, {})
        for name, value in values.items():
            if isinstance(value, list):
                rounds.setdefault(name, []).extend(value)
            else:
                rounds.setdefault(name, []).append(value)

    def median(self, part, what, system, name):
        values = [value for value in self.parts[part][what].get(system, {}).get(name, []) if value is not None]
        return statistics.median(values) if values else None

    def save(self):
        with open(os.path.join(OUTPUT, "results.json"), "w", encoding="utf-8") as file:
            json.dump({"seconds": SECONDS, "rounds": ROUNDS, "parts": self.parts}, file, indent=1)
            file.write("\n")


def shown(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def print_part(results, part):
    """For each measurement and figure: raftd, etcd, and how many times etcd's raftd's is. Medians of all rounds."""
    print(f"\n== {part}\n{'':<38} {'figure':<17} {'raftd':>9} {'etcd':>9} {'ratio':>8}")
    for what, systems in results.parts[part].items():
        for number, name in enumerate(systems["raftd"]):
            mine, theirs = (results.median(part, what, system, name) for system in ("raftd", "etcd"))
            ratio = f"{mine / theirs:.3g}" if mine is not None and theirs else "-"
            print(f"{what if number == 0 else '':<38} {name:<17} {shown(mine):>9} {shown(theirs):>9} {ratio:>8}")
    sys.stdout.flush()


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def measure_steady(results, part, kinds):
    for number in range(ROUNDS):
        for kind in kinds:
            say(f"{part}, round {number + 1} of {ROUNDS}, {kind.name}")
            server = kind().start()
            try:
                for cell in cells.PARTS[part]():
                    if cell.fits(server):
                        results.add(part, cell.name, kind.name, cell.measure(server, SECONDS))
            finally:
                server.stop()


def measure_failover(results, kinds):
    for number in range(min(2, TRIALS)):  # Half of the trials at a time: A B A B.
        for kind in kinds:
            trials = TRIALS // 2 + (number == 0) * (TRIALS % 2)
            say(f"failover, {trials} trials, {kind.name}")
            if trials:
                results.add("failover", "kill -9 of the leader", kind.name, outages.failover(kind, trials))
    for kind in kinds:
        found = results.parts["failover"]["kill -9 of the leader"][kind.name]
        for name in ("outage_s", "recovery_s"):  # Medians leave out trials that had no end within the time that was looked at.
            found[f"worst_{name}"] = [max((value for value in found[name] if value is not None), default=None)]
            found[f"without_end_{name[:-2]}"] = [found[name].count(None)]


def measure_restart(results, kinds):
    for entries in RESTARTS:
        for kind in kinds:
            say(f"restart with {entries} entries, {kind.name}")
            results.add("restart", f"restart of all, {entries} entries", kind.name, outages.restart(kind, entries))


def measure_delay(results, kinds):
    for number in range(ROUNDS):
        for kind in kinds:
            say(f"{DELAY_MS} ms between nodes, round {number + 1} of {ROUNDS}, {kind.name}")
            results.add("delay", f"write, 256 conn., {DELAY_MS} ms each way", kind.name, outages.delayed(kind, DELAY_MS, 256, SECONDS))


def wanted_parts():
    parts = os.environ.get("BENCH", "").replace(",", " ").split() or DEFAULT
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        sys.exit(f"BENCH: unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return parts


def main():
    parts = wanted_parts()
    kinds = servers.available()
    results = Results()
    for part in parts:
        if part in STEADY:
            measure_steady(results, part, kinds)
        elif part == "scale":
            scale.measure(results, say, SECONDS)
        else:
            {"failover": measure_failover, "restart": measure_restart, "delay": measure_delay}[part](results, kinds)
        print_part(results, part)
        results.save()
        for name, picture in plot.pictures(results, part):
            with open(os.path.join(OUTPUT, f"{name}.svg"), "w", encoding="utf-8") as file:
                file.write(picture)
    print(f"\nresults.json and plots are in {OUTPUT}")


if __name__ == "__main__":
    main()
