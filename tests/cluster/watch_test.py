"""Watches: every committed command, once, in order, whatever dies; readers that are slow, early or late."""

import http.client
import json
import socket
import threading
import time
import unittest

from harness import Client, ClusterTest, Writer, wait_for


class Watch:
    """One stream, read event by event."""

    def __init__(self, node, query="", last_id=None, timeout=20.0):
        self.connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=timeout)
        headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
        try:
            self.connection.request("GET", "/v1/watch" + query, headers=headers)
            self.response = self.connection.getresponse()
            if self.response.status == 200:
                assert self.response.readline().startswith(b":"), "a comment opens the stream"
        except BaseException:
            self.connection.close()
            raise

    def next(self):
        """The next event as (type, id, data); None when the stream is at its end or has broken in the middle of an event."""
        fields = {}
        while True:
            line = self.response.readline()
            if line == b"":
                return None
            line = line.rstrip(b"\n").decode()
            if line == "" and fields:
                return fields.get("event"), fields.get("id"), json.loads(fields["data"])
            if line != "" and not line.startswith(":"):
                name, value = line.split(": ", 1)
                assert name not in fields, f"{name} twice in one event"
                fields[name] = value

    def commands(self, count):
        """The next `count` events, all of them commands, as (index, command)."""
        found = []
        for _ in range(count):
            kind, number, data = self.next()
            assert kind == "command" and number == str(data["index"]), (kind, number, data)
            found.append((data["index"], data["command"]))
        return found

    def close(self):
        self.connection.close()


class Follower(threading.Thread):
    """Watches some node from index 1 on and goes to the next one when its stream breaks, with Last-Event-ID."""

    def __init__(self, nodes, first):
        super().__init__(daemon=True)
        self.nodes = nodes
        self.at = first
        self.seen = []
        self.breaks = 0
        self.ends = []
        self.stopping = False

    def run(self):
        while not self.stopping:
            watch = None
            try:
                last = self.seen[-1][0] if self.seen else None
                watch = Watch(self.nodes[self.at], "?from=1", last, timeout=5.0)
                while not self.stopping:
                    event = watch.next()
                    if event is None:
                        self.breaks += 1
                        break
                    kind, number, data = event
                    if kind == "end":
                        self.ends.append(data)
                        break
                    self.seen.append((int(number), data["term"], data["command"]))
            except (OSError, http.client.HTTPException, AssertionError):
                self.breaks += 1
                time.sleep(0.01)
            finally:
                if watch is not None:
                    watch.close()
            self.at = (self.at + 1) % len(self.nodes)


class WatchTest(ClusterTest):
    def put_many(self, node, count, value="v"):
        body = "".join(json.dumps({"op": "put", "key": f"k{i}", "value": value}) + "\n" for i in range(count))
        answer = node.ask("POST", "/v1/propose?timeout=60s", body, {"Content-Type": "application/x-ndjson"}, timeout=60.0)
        lines = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual([line for line in lines if "result" not in line], [])
        return [line["index"] for line in lines]

    def expected(self, node):
        return [(entry["index"], entry["term"], entry["command"]) for entry in node.committed() if entry["type"] == "command"]

    def check_follows_through_deaths(self, *extra):
        cluster = self.cluster(extra=extra).start()
        followers = [Follower(cluster.nodes, first) for first in range(3)]
        writers = [Writer(node, f"through{node.number}") for node in cluster.nodes]
        for thread in followers + writers:
            thread.start()
        self.addCleanup(lambda: [writer.stop() for writer in writers if writer.is_alive()])
        victim = followers[0]
        for _ in range(5):
            seen = len(victim.seen)
            wait_for(lambda: len(victim.seen) > seen + 50, "the watcher sees what is written")
            node = cluster.nodes[victim.at]
            breaks = victim.breaks
            node.kill()
            wait_for(lambda: victim.breaks > breaks, "the stream breaks")
            node.start()
            cluster.wait_ready()
        for writer in writers:
            writer.stop()
        cluster.wait_equal()
        expected = self.expected(cluster.nodes[0])
        for follower in followers:
            wait_for(lambda: len(follower.seen) >= len(expected), "the watcher has seen all")
            self.assertEqual(follower.seen, expected)
        self.assertGreaterEqual(victim.breaks, 5)
        self.assertEqual(victim.ends, [])
        print(f"{len(expected)} commands seen once each by 3 watchers through {victim.breaks} breaks")
        for follower in followers:
            follower.stopping = True
        self.check_history(cluster, writers)

    def test_a_watcher_that_goes_from_node_to_node_sees_every_command_once_in_order(self):
        self.check_follows_through_deaths()

    def test_the_same_when_everything_comes_from_the_disk(self):
        self.check_follows_through_deaths("--cache-bytes", "0")

    def test_the_past_is_longer_than_the_cache(self):
        for cache in ("0", "20KiB"):
            cluster = self.cluster(count=1, extra=("--cache-bytes", cache)).start()
            node = cluster.nodes[0]
            indexes = self.put_many(node, 5000)
            expected = [(index, {"op": "put", "key": f"k{i}", "value": "v"}) for i, index in enumerate(indexes)]
            watches = [Watch(node, "?from=0"), Watch(node, f"?from={indexes[2500]}"), Watch(node, "?from=1", indexes[4998])]
            for watch, begin in zip(watches, (0, 2500, 4999)):
                self.assertEqual(watch.commands(5000 - begin), expected[begin:])
            # And it goes on with what comes.
            more = self.put_many(node, 100)
            for watch in watches:
                self.assertEqual([index for index, _ in watch.commands(100)], more)
                watch.close()

    def test_the_next_command_and_the_future(self):
        cluster = self.cluster().start()
        follower = cluster.followers()[0]
        indexes = self.put_many(cluster.leader(), 10)
        cluster.wait_equal()
        upcoming = Watch(follower)
        future = Watch(follower, f"?from={indexes[-1] + 5}")
        more = self.put_many(cluster.leader(), 10)
        self.assertEqual(more[0], indexes[-1] + 1)
        self.assertEqual([index for index, _ in upcoming.commands(10)], more)
        self.assertEqual([index for index, _ in future.commands(6)], more[4:])
        upcoming.close()
        future.close()

    def test_a_follower_without_a_leader_shows_what_is_committed(self):
        cluster = self.cluster().start()
        indexes = self.put_many(cluster.leader(), 10)
        cluster.wait_equal()
        alone = cluster.followers()[0]
        for node in cluster.nodes:
            if node is not alone:
                node.kill()
        wait_for(lambda: alone.status()["leader"] is None, "no leader is known")
        watch = Watch(alone, "?from=1")
        self.assertEqual(watch.response.headers["Raft-Leader"], "0")
        self.assertEqual([index for index, _ in watch.commands(10)], indexes)
        watch.close()

    def test_sigterm_ends_every_watch_with_an_event(self):
        cluster = self.cluster().start()
        self.put_many(cluster.leader(), 3)
        for node in (cluster.leader(), cluster.leader()):
            watches = [Watch(node, "?from=1"), Watch(node), Watch(node, "?from=1000000")]
            watches[0].commands(3)
            begin = time.monotonic()
            self.assertEqual(node.stop(), 0)
            self.assertLess(time.monotonic() - begin, 4.0, "nobody has to be waited for")
            for watch in watches:
                kind, number, problem = watch.next()
                self.assertEqual((kind, number, problem["code"], problem["status"]), ("end", None, "shutting_down", 503))
                self.assertIsNone(watch.next())
                watch.close()
            node.start()
            cluster.wait_ready()

    def test_a_node_that_waits_to_form_is_not_ready(self):
        cluster = self.cluster()
        node = cluster.nodes[0].start()
        wait_for(lambda: node.ask("GET", "/healthz").status == 200, "it serves")
        answer = node.ask("GET", "/v1/watch?from=1")
        self.assertEqual((answer.status, answer.json()["code"]), (503, "not_ready"))

    def test_a_reader_that_takes_nothing_is_ended_and_keeps_nobody_back(self):
        cluster = self.cluster(count=1).start()
        node = cluster.nodes[0]
        slow = socket.create_connection(("127.0.0.1", node.port), timeout=20.0)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.sendall(b"GET /v1/watch?from=1 HTTP/1.0\r\nHost: localhost\r\n\r\n")
        quick = Watch(node, "?from=1", timeout=60.0)
        before = self.resident_kib(node)
        count = 300
        for _ in range(3):
            self.put_many(node, count // 3, "x" * 100_000)
        self.assertEqual(len(quick.commands(count)), count)
        quick.close()
        self.assertLess(self.resident_kib(node) - before, 100_000, "30 MB of commands, 4 MiB of cache, and no copy more")
        filled = time.monotonic()
        wait_for(lambda: time.monotonic() > filled + 34.0, "more than 30 s of silence", seconds=60)
        text = self.read_all(slow)
        self.assertIn(b"\nid: 3\n", text)
        self.assertLess(text.count(b"\nevent: command\n"), count)
        last = text.split(b"\n\n")[-2]
        self.assertTrue(last.startswith(b"event: end\ndata: {"), last[:100])
        self.assertEqual(json.loads(last.split(b"data: ")[1])["code"], "timeout")
        # It may come back to where it was.
        seen = int(text.rsplit(b"\nid: ", 1)[1].split(b"\n")[0])
        again = Watch(node, last_id=seen)
        self.assertEqual(len(again.commands(count + 2 - seen)), count + 2 - seen)
        again.close()

    def resident_kib(self, node):
        with open(f"/proc/{node.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def read_all(self, connection):
        pieces = []
        while piece := connection.recv(1 << 20):
            pieces.append(piece)
        connection.close()
        return b"".join(pieces)

    def test_many_watchers_of_one_node(self):
        cluster = self.cluster().start()
        node = cluster.followers()[0]
        watches = [Watch(node, "?from=1") for _ in range(200)]
        client = Client(cluster.leader().port)
        indexes = []
        for i in range(50):
            indexes.append(client.ask("POST", "/v1/propose", json.dumps({"op": "put", "key": "k", "value": i})).json()["index"])
        client.close()
        for watch in watches:
            self.assertEqual([index for index, _ in watch.commands(50)], indexes)
            watch.close()


if __name__ == "__main__":
    unittest.main()
