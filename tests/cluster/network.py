"""A network of our own for real processes: every node in a network namespace, joined by a bridge, with links that can be cut, lose or delay.

All of it is made inside of a sandbox (`go_inside`), namespaces of network, mounts and processes that end with the process that made
them: whatever becomes of a test, no interface, mount or process of it is left on the machine.

Packets are dropped and queued where they arrive, by iptables in the receiver's namespace. Delays come from the kernel's packet
queue (NFQUEUE), where a thread of ours holds packets back: netem is missing in many kernels. Whoever runs the test reaches all
nodes at any time: only what nodes send to each other is touched."""

import ctypes
import heapq
import itertools
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

PORT = 8001
INSIDE = "RAFTD_TEST_SANDBOX"
SANDBOX = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def why_not():
    """Why no sandbox can be made here; None: it can."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    for tool in ("setpriv", "unshare", "ip", "iptables-restore", "mount"):
        if not shutil.which(tool):
            return f"there is no {tool}"
    script = "ip link add name b type bridge && ip link add name v1 type veth peer name v2 && " \
             "printf '*filter\\n-A INPUT -s 10.0.0.1 -m statistic --mode random --probability 0.5 -j DROP\\n" \
             "-A INPUT -s 10.0.0.2 -j NFQUEUE --queue-num 1 --queue-bypass\\n" \
             "-A INPUT -s 10.0.0.3 -p tcp ! --tcp-flags RST RST -j REJECT --reject-with tcp-reset\\nCOMMIT\\n' | iptables-restore"
    tried = subprocess.run([*SANDBOX, "sh", "-c", script], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else "this kernel or container lets nobody make networks: " + tried.stderr.strip()


def go_inside(program, arguments):
    """This process becomes a Python program in a sandbox of its own, which sees the file systems of this machine."""
    sys.stdout.flush()
    os.execvpe(SANDBOX[0], [*SANDBOX, sys.executable, program, *arguments], {**os.environ, INSIDE: "1"})


def shell(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}\n{text or ''}")


def mount(folder, mebibytes):
    """A file system of its own, in memory."""
    shell("mount", "-t", "tmpfs", "-o", f"mode=755,size={mebibytes}m", "raftd-test", folder)


class Network:
    """`count` namespaces n1, n2... with the addresses 10.77.0.1, 10.77.0.2..., this process at 10.77.0.254."""

    def __init__(self, count):
        assert os.environ.get(INSIDE), "only in a sandbox: see go_inside"
        self.numbers = list(range(1, count + 1))
        self.lock = threading.Lock()
        self.faults = {}  # By a token: rules as (receiver, sender, rest of an iptables rule).
        self.tokens = itertools.count(1)
        os.makedirs("/run/netns", exist_ok=True)
        mount("/run/netns", 1)
        shell("ip", "link", "set", "lo", "up")
        shell("ip", "link", "add", "name", "bridge", "type", "bridge")
        shell("ip", "address", "add", "10.77.0.254/24", "dev", "bridge")
        shell("ip", "link", "set", "bridge", "up")
        for number in self.numbers:
            name = f"n{number}"
            shell("ip", "netns", "add", name)
            shell("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            shell("ip", "link", "set", f"to-{name}", "master", "bridge", "up")
            shell("ip", "-n", name, "address", "add", f"{self.address(number)}/24", "dev", "eth0")
            shell("ip", "-n", name, "link", "set", "eth0", "up")
            shell("ip", "-n", name, "link", "set", "lo", "up")
        self.delays = Delays(self.numbers)

    @staticmethod
    def address(number):
        return f"10.77.0.{number}"

    @staticmethod
    def within(number):
        """What a command begins with to run in that namespace."""
        return ["ip", "netns", "exec", f"n{number}"]

    def apply(self, receivers):
        for number in receivers:
            rules = [f"-A INPUT -s {self.address(sender)} {rest}" for fault in self.faults.values()
                     for receiver, sender, rest in fault if receiver == number]
            # Those that drop first: a packet that was queued does not see the rest.
            rules.sort(key=lambda rule: "NFQUEUE" in rule)
            shell(*self.within(number), "iptables-restore", text="*filter\n" + "\n".join(rules) + "\nCOMMIT\n")

    def add(self, rules):
        """Answers a token for `remove`."""
        with self.lock:
            token = next(self.tokens)
            self.faults[token] = rules
            self.apply({rule[0] for rule in rules})
            return token

    def remove(self, token):
        with self.lock:
            self.apply({rule[0] for rule in self.faults.pop(token)})

    # -- Rules. A pair is (receiver, sender). --

    def cut(self, pairs):
        return self.add([(receiver, sender, "-j DROP") for receiver, sender in pairs])

    def cut_requests(self, pairs):
        """The receiver gets no request of the sender, but answers of it."""
        return self.add([(receiver, sender, f"-p tcp --dport {PORT} -j DROP") for receiver, sender in pairs])

    def cut_answers(self, pairs):
        """What the receiver asks the sender arrives there; the answers do not come back."""
        return self.add([(receiver, sender, f"-p tcp --sport {PORT} -j DROP") for receiver, sender in pairs])

    def reset(self, pairs):
        """Connections are closed, at both ends if the pairs are both ways, and new ones refused."""
        return self.add([(receiver, sender, "-p tcp ! --tcp-flags RST RST -j REJECT --reject-with tcp-reset")
                         for receiver, sender in pairs])

    def lose(self, pairs, share):
        return self.add([(receiver, sender, f"-m statistic --mode random --probability {share} -j DROP")
                         for receiver, sender in pairs])

    def delay(self, pairs, least, most):
        """Each packet by its own time between the two (seconds), so that they overtake each other."""
        for pair in pairs:
            self.delays.between[pair] = (least, most)
        return self.add([(receiver, sender, f"-j NFQUEUE --queue-num {sender} --queue-bypass") for receiver, sender in pairs])

    def all_pairs(self):
        return [(a, b) for a in self.numbers for b in self.numbers if a != b]

    def between(self, these, those):
        """All pairs, both ways."""
        return [pair for a in these for b in those for pair in ((a, b), (b, a))]


# Of linux/netfilter/nfnetlink_queue.h.
NETLINK_NETFILTER = 12
QUEUE_PACKET, QUEUE_VERDICT, QUEUE_CONFIG = 0x300, 0x301, 0x302
ATTRIBUTE_COMMAND, ATTRIBUTE_PARAMETERS, ATTRIBUTE_LENGTH, ATTRIBUTE_MASK, ATTRIBUTE_FLAGS = 1, 2, 3, 4, 5
ATTRIBUTE_PACKET, ATTRIBUTE_VERDICT = 1, 2
BIND, COPY_META, ACCEPT, WHOLE_PACKETS = 1, 1, 1, 4
CLONE_NEWNET = 0x40000000


def attribute(kind, data):
    return struct.pack("=HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def message(kind, queue, attributes):
    return struct.pack("=IHHIIBBH", 20 + len(attributes), kind, 1, 0, 0, 0, 0, socket.htons(queue)) + attributes


class Delays(threading.Thread):
    """Holds back the packets of all namespaces. The queue's number in a namespace is the sender's."""

    def __init__(self, numbers):
        super().__init__(daemon=True)
        self.numbers = numbers
        self.between = {}
        self.failure = None
        self.random = random.Random(1)
        self.sockets = {}
        self.held = []  # A heap of (when, number, socket, queue, packet).
        self.count = itertools.count()
        ready = threading.Event()
        self.ready = ready
        self.start()
        ready.wait()
        if self.failure:
            raise self.failure

    def open(self):
        """A thread is in one network namespace at a time, and a socket stays in the one in which it was made."""
        library = ctypes.CDLL(None, use_errno=True)
        for number in self.numbers:
            descriptor = os.open(f"/run/netns/n{number}", os.O_RDONLY)
            if library.setns(descriptor, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            os.close(descriptor)
            queue = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
            queue.bind((0, 0))
            queue.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.sockets[queue] = number
            for sender in self.numbers:
                queue.send(message(QUEUE_CONFIG, sender, attribute(ATTRIBUTE_COMMAND, struct.pack(">BBH", BIND, 0, 0))))
                queue.send(message(QUEUE_CONFIG, sender, attribute(ATTRIBUTE_PARAMETERS, struct.pack(">IB", 0, COPY_META)) +
                                   attribute(ATTRIBUTE_LENGTH, struct.pack(">I", 16384)) +
                                   attribute(ATTRIBUTE_FLAGS, struct.pack(">I", WHOLE_PACKETS)) +
                                   attribute(ATTRIBUTE_MASK, struct.pack(">I", WHOLE_PACKETS))))

    def run(self):
        try:
            self.open()
        except OSError as error:
            self.failure = error
        self.ready.set()
        while not self.failure:
            wait = max(0.0, self.held[0][0] - time.monotonic()) if self.held else None
            for queue in select.select(list(self.sockets), [], [], wait)[0]:
                try:
                    self.take(queue, queue.recv(65536))
                except OSError:
                    pass  # More came than the buffer holds: those are lost, as packets are.
            self.release()

    def take(self, queue, data):
        at = 0
        while at + 20 <= len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind == QUEUE_PACKET:
                sender = socket.ntohs(struct.unpack_from("=H", data, at + 18)[0])
                packet = self.packet(data[at + 20:at + length])
                least, most = self.between.get((self.sockets[queue], sender), (0, 0))
                heapq.heappush(self.held, (time.monotonic() + self.random.uniform(least, most), next(self.count), queue, sender, packet))
            at += max(20, (length + 3) & ~3)

    @staticmethod
    def packet(attributes):
        at = 0
        while at + 4 <= len(attributes):
            length, kind = struct.unpack_from("=HH", attributes, at)
            if kind == ATTRIBUTE_PACKET:
                return struct.unpack_from(">I", attributes, at + 4)[0]
            at += (length + 3) & ~3
        raise AssertionError("a packet without its number")

    def release(self):
        now = time.monotonic()
        while self.held and self.held[0][0] <= now:
            _, _, queue, sender, packet = heapq.heappop(self.held)
            queue.send(message(QUEUE_VERDICT, sender, attribute(ATTRIBUTE_VERDICT, struct.pack(">II", ACCEPT, packet))))
