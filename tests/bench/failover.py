"""From kill -9 of the leader to the next acknowledged write through another node."""

import json
import time

from bench import Client, Cluster, spread, wait_for

TRIALS = 10


def outage(cluster):
    """Seconds without an acknowledged write, for a client of a follower."""
    leader = cluster.leader()
    follower = next(node for node in cluster.nodes if node is not leader)
    client = Client(follower.port)
    command = json.dumps({"op": "put", "key": "k", "value": 1})
    wait_for(lambda: client.ask("POST", "/v1/propose", command).status == 200, "writes go through the follower")
    leader.kill()
    begin = time.monotonic()
    while client.ask("POST", "/v1/propose?timeout=10s", command).status != 200:
        pass
    passed = time.monotonic() - begin
    client.close()
    leader.start()
    wait_for(leader.ready, "the killed node is back")
    cluster.wait_equal()
    return passed


def main():
    for heartbeat, election in (("100ms", "1s"), ("20ms", "100ms")):
        cluster = Cluster(heartbeat=heartbeat, election=election)
        try:
            cluster.start()
            times = [outage(cluster) for _ in range(TRIALS)]
        finally:
            cluster.destroy()
        print(f"--heartbeat {heartbeat} --election-timeout {election}: {spread(times, 's')}")


if __name__ == "__main__":
    main()
