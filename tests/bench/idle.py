"""What three nodes cost that nobody asks anything."""

import time

from bench import Cluster, cpu_seconds, resident_mib

SECONDS = 20


def main():
    cluster = Cluster(heartbeat="100ms", election="1s")
    try:
        cluster.start()
        begin, before = time.monotonic(), [cpu_seconds(node) for node in cluster.nodes]
        time.sleep(SECONDS)
        passed = time.monotonic() - begin
        for node, used in zip(cluster.nodes, before):
            whole, anonymous = resident_mib(node)
            role = node.status()["role"]
            print(f"node {node.number} ({role}): {(cpu_seconds(node) - used) / passed * 100:.2f} % of a core, "
                  f"{whole:.1f} MiB resident, {anonymous:.1f} MiB of it anonymous")
    finally:
        cluster.destroy()


if __name__ == "__main__":
    main()
