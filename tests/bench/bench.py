"""What the benchmarks share: the clusters of the tests, and medians."""

import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))

from harness import Client, Cluster, Node, free_ports, wait_for  # noqa: E402,F401 (used by the benchmarks)

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def spread(values, unit, digits=3):
    """Median, least and most, in one phrase."""
    shown = [f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return f"median {shown[0]} {unit} (from {shown[1]} to {shown[2]}, {len(values)} runs)"


def cpu_seconds(node):
    """CPU that the node's process has used so far."""
    with open(f"/proc/{node.process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def resident_mib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as file:
        sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in file if "kB" in line}
    return sizes["VmRSS"], sizes["RssAnon"]
