"""The load program reads what a server may say, every cell measures something, and what is made of figures is right."""

import base64
import json
import os
import socket
import subprocess
import threading
import unittest
import xml.dom.minidom

import cells
import flame
import outages
import plot
from servers import Raftd, fill


class Server(threading.Thread):
    """Gives the same answer to each request, in pieces of so many bytes."""

    def __init__(self, answer, piece):
        super().__init__(daemon=True)
        self.answer, self.piece = answer, piece
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests = []

    def run(self):
        with self.listener.accept()[0] as connection:
            self.serve(connection)

    def serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                got = connection.recv(65536)
                if not got:
                    return
                head += got
            head, _, body = head.partition(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0)
            while len(body) < length:
                body += connection.recv(65536)
            self.requests.append((head.split(b"\r\n")[0].decode(), body.decode()))
            for at in range(0, len(self.answer), self.piece):
                connection.sendall(self.answer[at:at + self.piece])


def ask(answer, *options, piece=1 << 20, operations=3):
    """What the load program tells, and what it asked."""
    server = Server(answer, piece)
    server.start()
    output = subprocess.run([os.environ["LOAD"], "--operations", str(operations), "--seconds", "10", *options, f"127.0.0.1:{server.port}"],
                            capture_output=True, text=True, check=False).stdout
    server.listener.close()
    return json.loads(output), server.requests


class Load(unittest.TestCase):
    def test_a_success_counts_in_whatever_pieces_it_comes(self):
        for piece in (1, 7, 1 << 20):
            for answer in (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
                           b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\nA;x\r\n}123456789\r\n0\r\nA: b\r\n\r\n",
                           b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"):
                result, _ = ask(answer, piece=piece)
                self.assertEqual((result["operations"], result["failed"], result["all"]["count"]), (3, 0, 3), answer)

    def test_another_status_is_a_failure(self):
        result, _ = ask(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}")
        self.assertEqual((result["operations"], result["failed"]), (0, 3))

    def test_what_is_not_http_is_a_failure(self):
        result, _ = ask(b"SSH-2.0-OpenSSH\r\n\r\n", operations=1)
        self.assertEqual((result["operations"], result["failed"]), (0, 1))

    def test_refused_lines_of_a_batch_are_no_successes(self):
        body = b'{"index":1,"term":1,"result":{}}\n{"status":507,"outcome":"rejected"}\n'
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        for piece in (1, 1 << 20):
            result, requests = ask(answer, "--batch", "2", "--sequential", piece=piece, operations=4)
            self.assertEqual((result["operations"], result["refused"]), (2, 2))
            lines = [json.loads(line) for _, sent in requests for line in sent.splitlines()]
            self.assertEqual([line["key"] for line in lines], [f"k{i:011}" for i in range(4)])

    def test_requests_to_etcd_are_base64_in_json(self):
        good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        for value in range(4):
            _, requests = ask(good, "--etcd", "--sequential", "--first", "7", "--value", str(value), operations=1)
            sent = json.loads(requests[0][1])
            self.assertEqual((requests[0][0], sent["key"]), ("POST /v3/kv/put HTTP/1.1", "azAwMDAwMDAwMDA3"))

            self.assertEqual(len(base64.b64decode(sent["value"], validate=True)), value)
        _, requests = ask(good, "--etcd", "--batch", "3", operations=3)
        self.assertEqual((requests[0][0], len(json.loads(requests[0][1])["success"])), ("POST /v3/kv/txn HTTP/1.1", 3))
        _, requests = ask(good, "--etcd", "--reads", "100", "--consistency", "stale", operations=1)
        self.assertTrue(json.loads(requests[0][1])["serializable"])


class Figures(unittest.TestCase):
    def test_an_outage_lasts_to_the_next_success_and_recovery_to_the_old_rate(self):
        timeline = [10] * 1000 + [0] * 300 + [5] * 200 + [10] * 500
        outage, recovery = outages.judge(timeline, 990)
        self.assertEqual(outage, 0.31)
        self.assertAlmostEqual(recovery, 0.18, delta=0.01)

    def test_an_outage_without_end_is_told(self):
        self.assertEqual(outages.judge([10] * 1000 + [0] * 500, 1000), (None, None))
        self.assertIsNone(outages.judge([10] * 1000 + [0] * 5 + [1] * 500, 1000)[1])

    def test_plots_are_xml(self):
        xml.dom.minidom.parseString(plot.bars("a <b>", [("x & y", {"raftd": 10.0, "etcd": None}), ("z", {"raftd": 1000.0})]))
        xml.dom.minidom.parseString(plot.lines("log", "per second", [(1000, 5.0), (10000, 4.0)]))

    def test_stacks_are_folded_with_their_samples(self):
        script = "raftd 1 [0] 1.0: 250000 cpu-clock:\n\tff run+0x1 (/raftd)\n\tee main+0x2 (/raftd)\n\nraftd 1 1.1: 1 cpu-clock:\n\tee main+0x2 (/raftd)\n\n"
        stacks = flame.fold(script.splitlines())
        self.assertEqual(stacks, {("raftd", "main", "run"): 1, ("raftd", "main"): 1})
        xml.dom.minidom.parseString(flame.draw(stacks, "title"))


class Cells(unittest.TestCase):
    def test_every_cell_measures_something(self):
        server = Raftd().start()
        try:
            for part in cells.PARTS.values():
                for cell in part():
                    found = cell.measure(server, 0.05)
                    self.assertGreater(found["p50_ms"], 0, cell.name)
                    self.assertGreater(found["cpu_us"], 0, cell.name)
            fill(server, 2000)
            self.assertGreater(server.syncs(), 0)
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()
