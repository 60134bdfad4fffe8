"""The process itself: exit codes, signals, what it says, and what it costs when nothing happens."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from harness import LIBRARIES, RAFTD, ClusterTest, free_ports, wait_for


def run(*arguments, environment=None, seconds=20):
    return subprocess.run([RAFTD, *arguments], capture_output=True, text=True, timeout=seconds, check=False,
                          env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL)


class ProcessTest(ClusterTest):
    def assert_one_line(self, text, *parts):
        self.assertEqual(len(text.strip().splitlines()), 1, text)
        for part in parts:
            self.assertIn(part, text)

    def test_a_wrong_option_is_one_line_and_exit_2(self):
        for arguments, part in ((["--nonsense"], "--nonsense"), (["--id", "0"], "--id"), (["--listen", "127.0.0.1:70000"], "--listen"),
                                (["--listen", "0.0.0.0:8001", "--advertise", "http://a:8001"], "--insecure"),
                                (["health", "--nonsense"], "--nonsense")):
            answer = run(*arguments)
            self.assertEqual(answer.returncode, 2, arguments)
            self.assertEqual(answer.stdout, "")
            self.assert_one_line(answer.stderr, "raftd: ", part)

    def test_help_and_version_go_to_standard_output(self):
        self.assertIn("--election-timeout", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"^raftd \d+\.\d+\.\d+\n$")

    def test_a_data_directory_that_cannot_be_used_is_one_line_and_exit_1(self):
        with tempfile.NamedTemporaryFile() as file:
            answer = run("--data-dir", file.name, "--listen", f"127.0.0.1:{free_ports(1)[0]}")
            self.assertEqual(answer.returncode, 1)
            self.assert_one_line(answer.stderr, file.name)

    def test_a_directory_in_use_is_one_line_and_exit_1(self):
        node = self.cluster(count=1).start().nodes[0]
        answer = run("--data-dir", node.directory, "--listen", f"127.0.0.1:{free_ports(1)[0]}")
        self.assertEqual(answer.returncode, 1)
        self.assert_one_line(answer.stderr, node.directory)
        self.assertTrue(node.ready())

    @staticmethod
    def naps(node):
        with open(f"/proc/{node.process.pid}/status", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("voluntary_ctxt_switches")).split()[1])

    def test_a_directory_whose_last_user_is_about_to_be_gone_is_waited_for(self):
        cluster = self.cluster(count=1)
        node = cluster.start().nodes[0]
        self.assertEqual(node.stop(), 0)
        lock = os.path.join(node.directory, "lock")
        with open(lock, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            node.start()
            # It has tried a few times, with a nap after each.
            wait_for(lambda: self.naps(node) > 20, "it looks at the lock")
            self.assertIsNone(node.process.poll())
        wait_for(node.ready, "it has the directory")

    def test_an_address_in_use_is_one_line_and_exit_1(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            answer = run("--data-dir", os.path.join(folder, "data"), "--listen", f"127.0.0.1:{port}")
            self.assertEqual(answer.returncode, 1)
            self.assert_one_line(answer.stderr, str(port))

    def test_it_says_who_it_is_when_it_starts(self):
        node = self.cluster(count=1).start().nodes[0]
        first = node.log().splitlines()[0]
        for part in ("node 1", f"port {node.port}", node.directory, "hashmap", run("--version").stdout.split()[1]):
            self.assertIn(part, first)

    def test_logs_can_be_json(self):
        node = self.cluster(count=1, extra=("--log-format", "json")).start().nodes[0]
        self.assertEqual(node.stop(), 0)
        for line in node.log().splitlines():
            self.assertEqual(set(json.loads(line)), {"time", "level", "node", "part", "message"})

    def test_health_tells_by_its_exit_code(self):
        node = self.cluster(count=1).start().nodes[0]
        url = f"http://127.0.0.1:{node.port}"
        self.assertEqual(run("health", url).returncode, 0)
        self.assertEqual(run("health", "--ready", url + "/").returncode, 0)
        self.assertEqual(run("health", environment={"RAFTD_LISTEN": f"0.0.0.0:{node.port}"}).returncode, 0)
        node.kill()
        answer = run("health", url)
        self.assertEqual(answer.returncode, 1)
        self.assert_one_line(answer.stderr, url)

    def test_a_node_without_a_majority_is_well_but_not_ready(self):
        cluster = self.cluster()
        node = cluster.nodes[0].start()
        url = f"http://127.0.0.1:{node.port}"
        wait_for(lambda: run("health", url).returncode == 0, "the node serves")
        self.assertEqual(run("health", "--ready", url).returncode, 1)

    def test_sigterm_and_sigint_end_it_with_code_0_and_the_data_stays(self):
        node = self.cluster(count=1).start().nodes[0]
        for number, ending in enumerate((signal.SIGTERM, signal.SIGINT), 1):
            self.assertEqual(node.propose({"op": "put", "key": f"k{number}", "value": number}).status, 200)
            node.process.send_signal(ending)
            self.assertEqual(node.wait_exit(), 0)
            node.start()
            wait_for(node.ready, "the node is back")
            self.assertEqual(node.query({"op": "count"}).json()["result"], {"count": number})

    def test_sigterm_ends_it_although_clients_stay_connected(self):
        node = self.cluster(count=1).start().nodes[0]
        idle = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(20)]
        idle[0].sendall(b"POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        begin = time.monotonic()
        self.assertEqual(node.stop(), 0)
        self.assertLess(time.monotonic() - begin, 10)
        for connection in idle:
            connection.close()

    def held_node(self):
        """A node alone whose disk takes writes and does not end them while a file exists."""
        cluster = self.cluster(count=1)
        node = cluster.nodes[0]
        hold = os.path.join(cluster.directory, "hold")
        node.environment = {"LD_PRELOAD": os.path.join(LIBRARIES, "hold_sync.so"), "RAFTD_HOLD_FILE": hold}
        cluster.start()
        return node, hold

    def propose_held(self, node, hold):
        """A command that waits for the disk; answers where its answer will be."""
        answers = []
        index = node.status()["last_index"]
        with open(hold, "w", encoding="ascii"):
            pass

        def propose():
            try:
                answers.append(node.propose({"op": "put", "key": "held", "value": 1}))
            except OSError as error:
                answers.append(error)
        client = threading.Thread(target=propose, daemon=True)
        client.start()
        wait_for(lambda: node.status()["last_index"] > index, "the command is in the log")
        return client, answers

    def test_a_service_manager_hears_when_it_serves_what_it_does_and_that_it_ends(self):
        path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), "notify")
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(manager.close)
        manager.bind(path)
        manager.settimeout(20)
        cluster = self.cluster(count=1, environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000"})
        node = cluster.nodes[0].start()

        def heard():
            return manager.recv(1000).decode()

        def await_word(word):
            while (said := heard()) != word and not said.startswith(word):
                self.assertRegex(said, "^(WATCHDOG=1|STATUS=)")

        self.assertEqual(heard(), "READY=1")
        self.assertEqual(node.ask("GET", "/healthz").status, 200)
        await_word("STATUS=node 1 leads in term ")
        await_word("WATCHDOG=1")
        await_word("WATCHDOG=1")
        node.process.terminate()
        await_word("STOPPING=1\n")
        self.assertEqual(node.wait_exit(), 0)

    def test_what_is_in_flight_is_answered_before_the_end(self):
        node, hold = self.held_node()
        client, answers = self.propose_held(node, hold)
        node.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "SIGTERM" in node.log(), "the signal is taken")
        os.unlink(hold)
        client.join()
        self.assertEqual(node.wait_exit(), 0)
        self.assertEqual(answers[0].status, 200)

    def test_a_second_signal_ends_it_at_once_even_if_the_disk_hangs(self):
        node, hold = self.held_node()
        client, answers = self.propose_held(node, hold)
        node.process.send_signal(signal.SIGTERM)
        client.join()
        self.assertEqual(answers[0].status, 503)
        self.assertEqual(answers[0].json()["outcome"], "unknown")
        self.assertIsNone(node.process.poll())
        node.process.send_signal(signal.SIGTERM)
        self.assertEqual(node.wait_exit(), -signal.SIGTERM)

    def test_an_idle_cluster_costs_nearly_nothing(self):
        cluster = self.cluster(heartbeat="100ms", election="1s").start()

        def ticks(node):
            with open(f"/proc/{node.process.pid}/stat", encoding="ascii") as file:
                return sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:13])
        before = [ticks(node) for node in cluster.nodes]
        seconds = 5
        time.sleep(seconds)  # What is measured is that nothing happens.
        for node, then in zip(cluster.nodes, before):
            share = (ticks(node) - then) / os.sysconf("SC_CLK_TCK") / seconds
            self.assertLess(share, 0.02, "of a core")  # About 0.4 %; the margin is for a busy machine.
            with open(f"/proc/{node.process.pid}/status", encoding="ascii") as file:
                resident_kib = int(next(line for line in file if line.startswith("VmRSS")).split()[1])
            self.assertLess(resident_kib, 20 * 1024)


if __name__ == "__main__":
    unittest.main()
