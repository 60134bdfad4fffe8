"""A stand-in for raftd that serves the page and canned pictures of a cluster.

Some states of the page (waiting to form, majority lost, an answer that is not what was hoped for) take a real cluster
seconds to reach and cannot be held still; here they are data. It is no Raft: one process, one dictionary.

    tests/browser/stand_in.py --port 8001 --state fine      # to look at the page while working on it
"""

import argparse
import copy
import http.server
import json
import pathlib
import threading
import time

PAGE = pathlib.Path(__file__).resolve().parents[2] / "admin-ui"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HASH = "9f3c1d7aa0b24e55"


def node_address(node_id):
    return f"http://node{node_id}:8001"


def make_status(node_id, role, term, last, *, commit=None, applied=None, leader=1, size=3, **more):
    """One answer of GET /v1/status, as the contract describes it."""
    commit = last if commit is None else commit
    voters = [{"id": i, "url": node_address(i)} for i in range(1, size + 1)]
    status = {
        "id": node_id, "url": node_address(node_id), "client_url": f"http://localhost:800{node_id}",
        "cluster_id": "4b1f0c6e92d74e0ab7f35f0d6a1c88e2", "incarnation": f"{node_id:016x}", "version": "0.1.0",
        "machine": "hashmap", "role": role, "term": term, "voted_for": leader,
        "leader": {"id": leader, "url": node_address(leader)} if leader else None,
        "first_index": 1, "last_index": last, "last_term": term, "commit_index": commit,
        "applied_index": commit if applied is None else applied, "snapshot": None,
        "configuration": {"index": 1, "voters": voters, "learners": [], "outgoing": []},
        "peers": [], "uptime_seconds": 5025 + 3 * node_id, "storage_bytes": 1_320_000 + 90_000 * node_id,
        "disk_write_ms": {"p50": 0.19 + 0.04 * node_id, "p99": 1.71 + 0.62 * node_id},
        "state_hash": {"index": 1_284_000, "hash": HASH}, "diverged": None, "divergence_alarm": False, "waiting_for": [],
        "log_terms": [{"from": begin, "term": run} for begin, run in ((1, term - 2), (1_284_015, term - 1), (1_284_030, term))
                      if begin <= last and run > 0],
        "proposals": {"waiting": 3, "latency_ms": {"p50": 0.9, "p99": 3.1}}, "events": 3,
    }
    status.update(more)
    return status


def make_events(node):
    """An election an hour ago, for each node as it would tell it."""
    leader = (node["status"]["leader"] or {"id": 0})["id"]
    events = [{"age_ms": 290_000, "kind": "started", "term": 2, "subject": 0},
              {"age_ms": 280_000, "kind": "members", "term": 2, "subject": 1}]
    if node["status"]["role"] == "leader":
        events.append({"age_ms": 279_000, "kind": "candidate", "term": 3, "subject": 0})
        events.append({"age_ms": 278_900, "kind": "leader", "term": 3, "subject": leader})
    elif leader:
        events.append({"age_ms": 278_800, "kind": "follows", "term": 3, "subject": leader})
    else:
        events.append({"age_ms": 9_000, "kind": "no_leader", "term": 3, "subject": 1})
    return events


def make_samples(count, last):
    """A look a second until now: forty commits in each."""
    return {"age_ms": [1000 * ago for ago in reversed(range(count))], "commit_index": [last - 40 * ago for ago in reversed(range(count))],
            "waiting": [2] * count, "storage_bytes": [1_300_000] * count, "snapshot_bytes": [812] * count, "latency_p50_ms": [None] + [0.8] * (count - 1),
            "latency_p99_ms": [None] + [2.9] * (count - 1), "disk_write_p50_ms": [0.2] * count, "disk_write_p99_ms": [2.4] * count}


def make_entry(index):
    if index % 50 == 0:
        return {"index": index, "term": 3, "type": "noop", "command": None}
    return {"index": index, "term": 3, "type": "command", "command": {"op": "put", "key": "greeting", "value": index}}


def make_peer(node_id, last, lag=0, contact=12, state="replicate", percent=None):
    return {"id": node_id, "url": node_address(node_id), "state": state, "match_index": last - lag,
            "next_index": last - lag + 1, "last_contact_ms": contact, "snapshot_percent": percent}


def make_cluster(statuses, leader, term, size=3):
    known = {status["id"]: status for status in statuses}
    nodes = [{"id": i, "url": node_address(i), "client_url": f"http://localhost:800{i}", "reachable": i in known,
              "status": known.get(i)} for i in range(1, size + 1)]
    return {"leader": leader, "term": term, "nodes": nodes}


def picture_fine(last):
    peers = [make_peer(2, last, contact=8), make_peer(3, last, lag=2, contact=23)]
    return make_cluster([
        make_status(1, "leader", 3, last, commit=last - 1, peers=peers),
        make_status(2, "follower", 3, last, commit=last - 1),
        make_status(3, "follower", 3, last - 2, commit=last - 2),
    ], 1, 3)


def picture_unreachable(last):
    peers = [make_peer(2, last, contact=11), make_peer(3, last, lag=5210, contact=48211, state="probe")]
    return make_cluster([make_status(1, "leader", 3, last, peers=peers), make_status(2, "follower", 3, last)], 1, 3)


def picture_no_leader(last):
    return make_cluster([
        make_status(1, "pre_candidate", 4, last, leader=0),
        make_status(2, "candidate", 5, last, leader=0, voted_for=2),
        make_status(3, "follower", 5, last - 3, commit=last - 3, leader=0, voted_for=2),
    ], 0, 5)


def picture_majority_lost(last):
    return make_cluster([make_status(1, "pre_candidate", 5, last, commit=last - 12, leader=0)], 0, 5)


def picture_waiting(_last):
    nothing = {"cluster_id": None, "configuration": None, "machine": "hashmap", "state_hash": None}
    why = [{"id": 2, "url": node_address(2), "why": "connection refused"},
           {"id": 3, "url": node_address(3), "why": "the name does not resolve"}]
    return make_cluster([make_status(1, "waiting", 0, 0, leader=0, waiting_for=why, **nothing)], 0, 0, size=1)


def picture_alone(last):
    return make_cluster([make_status(1, "leader", 1, last, size=1)], 1, 1, size=1)


def picture_catching_up(last):
    """Five voters, one far behind, and a learner on its way that gets a snapshot."""
    peers = [make_peer(2, last, contact=9), make_peer(3, last, lag=3140, contact=14), make_peer(4, last, lag=1, contact=7),
             make_peer(5, last, contact=31), make_peer(6, last, lag=last, contact=5, state="snapshot", percent=42)]
    statuses = [make_status(1, "leader", 7, last, peers=peers, size=5)]
    for node_id in (2, 4, 5):
        statuses.append(make_status(node_id, "follower", 7, last, size=5))
    statuses.append(make_status(3, "follower", 7, last - 3140, applied=last - 3600, size=5))
    statuses.append(make_status(6, "learner", 7, 0, size=5, state_hash=None, voted_for=0))
    for status in statuses:
        status["first_index"] = max(0, min(last - 4000, status["last_index"]))
        status["snapshot"] = {"index": last - 4001, "term": 7, "size_bytes": 812} if status["id"] != 6 else None
        status["configuration"]["learners"] = [{"id": 6, "url": node_address(6), "promote": True}]
    return make_cluster(statuses, 1, 7, size=6)


def picture_conflict(last):
    """Node 3 led term 3, and has four entries of it that nobody else has; node 2 has just been elected by node 1."""
    base = last - last % 1000
    runs = [{"from": 1, "term": 2}, {"from": base - 12, "term": 3}]
    led = [*runs, {"from": base + 1, "term": 4}]
    peers = [make_peer(1, base + 4), make_peer(3, base + 4, lag=4, state="probe", contact=20)]
    return make_cluster([
        make_status(1, "follower", 4, base + 4, leader=2, log_terms=led, last_term=4),
        make_status(2, "leader", 4, base + 4, leader=2, log_terms=led, last_term=4, peers=peers),
        make_status(3, "follower", 4, base + 5, commit=base, leader=2, log_terms=runs, last_term=3),
    ], 2, 4)


def picture_repaired(last):
    picture = picture_conflict(last)
    picture["nodes"][2]["status"].update({name: picture["nodes"][0]["status"][name]
                                          for name in ("log_terms", "last_term", "last_index", "commit_index", "applied_index")})
    return picture


def picture_diverged(last):
    picture = copy.deepcopy(picture_fine(last))
    picture["nodes"][2]["status"]["state_hash"]["hash"] = "0000000000000000"
    return picture


def picture_out_of_service(last):
    picture = picture_diverged(last)
    picture["nodes"][2]["status"]["diverged"] = {"since_index": 1_283_968}
    return picture


def picture_disk_full(last):
    picture = picture_fine(last)
    picture["nodes"][1]["status"]["disk"] = {"full": True, "stalled": False, "free_bytes": 3_400_000, "oldest_write_ms": 0}
    return picture


def picture_seven(last):
    peers = [make_peer(i, last, contact=9 + i) for i in range(1, 8) if i != 4]
    return make_cluster([make_status(i, "leader" if i == 4 else "follower", 12, last, leader=4, size=7,
                                     peers=peers if i == 4 else []) for i in range(1, 8)], 4, 12, size=7)


def picture_partition(last):
    """Seen from the smaller side: the other three of five may well go on."""
    return make_cluster([make_status(1, "pre_candidate", 5, last, commit=last - 2, leader=0, size=5),
                         make_status(2, "follower", 5, last - 1, commit=last - 2, leader=0, size=5)], 0, 5, size=5)


def picture_deaf_leader(last):
    """All answer this node, and the leader has heard nobody for a while: it will step down."""
    picture = picture_fine(last)
    for peer in picture["nodes"][0]["status"]["peers"]:
        peer.update(last_contact_ms=1420, state="probe")
    return picture


def picture_transfer(last):
    """Node 2 has been told to stand at once: it has the votes of a new term, and node 1 has not heard so yet."""
    runs = [{"from": 1, "term": 2}, {"from": last - 9, "term": 3}]
    return make_cluster([
        make_status(1, "leader", 3, last, log_terms=runs, peers=[make_peer(2, last), make_peer(3, last)]),
        make_status(2, "candidate", 4, last, leader=0, voted_for=2, last_term=3, log_terms=runs),
        make_status(3, "follower", 4, last, leader=0, voted_for=2, last_term=3, log_terms=runs),
    ], 0, 4)


def picture_joint(last):
    """From 1, 2, 3 to 1, 4, 5 by joint consensus; node 3 does not answer."""
    peers = [make_peer(2, last), make_peer(3, last, lag=212, contact=5200, state="probe"), make_peer(4, last), make_peer(5, last, lag=1)]
    statuses = [make_status(i, "leader" if i == 1 else "follower", 6, last, size=5, peers=peers if i == 1 else []) for i in (1, 2, 4, 5)]
    for status in statuses:
        status["configuration"] = {"index": last - 1, "voters": [{"id": i, "url": node_address(i)} for i in (1, 4, 5)], "learners": [],
                                   "outgoing": [{"id": i, "url": node_address(i)} for i in (1, 2, 3)]}
    return make_cluster(statuses, 1, 6, size=5)


def picture_removed(last):
    """This page's own node was removed; it still knows the others by their configuration."""
    picture = picture_fine(last)
    for node in picture["nodes"]:
        node["status"]["configuration"] = {"index": last - 3, "voters": [{"id": i, "url": node_address(i)} for i in (2, 3)], "learners": [],
                                           "outgoing": []}
    picture["nodes"][0]["status"].update(role="removed", peers=[])
    picture["nodes"][1]["status"].update(role="leader", peers=[make_peer(3, last, lag=2)])
    return {**picture, "leader": 2}


def picture_empty(_last):
    """Just formed: the configuration and the first leader's no-op are all there is."""
    peers = [make_peer(2, 2, contact=8), make_peer(3, 2, contact=23)]
    return make_cluster([make_status(i, "leader" if i == 1 else "follower", 1, 2, peers=peers if i == 1 else [], state_hash=None, uptime_seconds=4,
                                     log_terms=[{"from": 1, "term": 1}]) for i in (1, 2, 3)], 1, 1)


def picture_extremes(_last):
    """The longest numbers the contract allows, and names as long as those of a container platform."""
    last = 2**53 - 2
    picture = picture_fine(last)
    for node in picture["nodes"]:
        node["url"] = f"http://raftd-{node['id']}.raftd-headless.production-europe.svc.cluster.local:8001"
        node["status"].update(term=2**53 - 1, voted_for=2**53 - 1, uptime_seconds=10**9, storage_bytes=2**53,
                              disk_write_ms={"p50": 9999, "p99": 99999})
        for peer in node["status"]["peers"]:
            peer.update(match_index=1, next_index=last, last_contact_ms=10**9)
    return picture


PICTURES = {
    name.removeprefix("picture_").replace("_", "-"): make for name, make in globals().items() if name.startswith("picture_")
}


class StandIn:
    """Serves until closed. `state` may be changed at any time: a name in PICTURES, `silent` or `token`."""

    def __init__(self, port=0, state="fine"):
        self.state = state
        self.last_index = 1_284_017
        self.values = {}
        self.requests = []
        self.streams = 0  # Open now.
        self.samples = 0  # So many seconds each node tells of its past; 0: as a node that knows nothing of them.
        self.keys = []  # The Idempotency-Key of each proposal.
        self.operations = []  # (method, path, body) of each request that changes the cluster.
        self.operate_gate = threading.Event()  # While it is clear, they wait for it.
        self.operate_gate.set()
        self.gate = threading.Event()  # While it is clear, GET /v1/cluster waits for it.
        self.gate.set()
        self.lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            house = outer

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def picture(self):
        with self.lock:
            self.last_index += 7
            return PICTURES[self.state](self.last_index)

    def propose(self, body):
        command = json.loads(body)
        with self.lock:
            self.last_index += 1
            previous = self.values.get(command["key"])
            # The value goes back byte for byte as it came, which no parsed and printed one would.
            self.values[command["key"]] = value_bytes(body)
            return self.last_index, b'{"previous":%s}' % previous if previous else b"{}"

    def query(self, body):
        question = json.loads(body)
        with self.lock:
            if question["op"] == "count":
                return self.last_index, b'{"count":%d}' % len(self.values)
            value = self.values.get(question["key"])
            return self.last_index, b'{"found":true,"value":%s}' % value if value else b'{"found":false}'


def value_bytes(body):
    """The member "value" of a flat command whose value comes last, as sent."""
    return body[body.index(b'"value":') + len(b'"value":'):].strip()[:-1].strip()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, content_type, body, **headers):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        try:
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:  # The page was left while it waited.
            self.close_connection = True

    def answer_problem(self, status, title, code, detail, **more):
        problem = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail, **more}
        self.answer(status, "application/problem+json", json.dumps(problem).encode(), Raft_Node="1")

    def refuses(self):
        """A node that is down, or that wants a token, has said all there is to say."""
        if self.house.state == "silent":
            self.close_connection = True
            return True
        if self.house.state == "token" and self.headers.get("Authorization") != "Bearer open-sesame":
            self.answer_problem(401, "Unauthorized", "unauthorized", "a token is needed")
            return True
        return False

    def do_GET(self):
        path = self.path.split("?")[0]
        self.house.requests.append((time.monotonic(), path))
        if path == "/v1/cluster/watch":
            if not self.refuses():
                self.stream()
            return
        if path == "/v1/log":
            if not self.refuses():
                self.answer_log()
            return
        if path == "/v1/snapshot":
            self.send_backup()
            return
        if path == "/v1/cluster":
            self.house.gate.wait(10)
            if self.refuses():
                return
            state = self.house.state
            picture = self.house.picture() if state != "token" else picture_fine(1_284_017)
            self.answer(200, "application/json", json.dumps(picture).encode(), Raft_Node="1")
            return
        file = PAGE / ("index.html" if path == "/" else path[1:])
        if file.parent != PAGE or not file.is_file():
            self.answer_problem(404, "Not found", "not_found", f"there is nothing at {path}")
            return
        self.answer(200, TYPES[file.suffix], file.read_bytes(), Content_Security_Policy=POLICY, Cache_Control="no-cache")

    def send_backup(self):
        """2 MiB, of which the second comes when the gate of the operations is open."""
        half = b"x" * 1024 * 1024
        self.send_response(200)
        for name, value in (("Content-Type", "application/octet-stream"), ("Content-Length", str(2 * len(half))), ("Raft-Node", "1"),
                            ("Content-Disposition", 'attachment; filename="raftd-9-3.snapshot"')):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(half)
        self.wfile.flush()
        self.house.operate_gate.wait(10)
        self.wfile.write(half)

    def answer_log(self):
        asked = dict(pair.split("=") for pair in self.path.partition("?")[2].split("&") if pair)
        empty = self.house.state == "empty"
        first, last = (1, 2) if empty else (max(1, self.house.last_index - 4000), self.house.last_index)
        begin = int(asked.get("from", 0)) or first
        if begin < first:
            self.answer_problem(410, "Compacted", "compacted", "it is in the snapshot", first_index=first)
            return
        entries = [make_entry(index) for index in range(begin, min(last, begin + int(asked.get("limit", 100)) - 1) + 1)]
        body = {"first_index": first, "last_index": last, "commit_index": last - 1, "entries": entries}
        self.answer(200, "application/json", json.dumps(body).encode(), Raft_Node="1")

    def stream(self):
        """The live picture, as often as a node tells it, until the node is down, wants a token, or nobody listens."""
        self.send_response(200)
        for name, value in (("Content-Type", "text/event-stream"), ("Raft-Node", "1"), ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        state = self.house.state
        told = None
        with self.house.lock:
            self.house.streams += 1
        try:
            while self.house.state not in ("silent", "token") or self.house.state == state == "token":
                self.house.requests.append((time.monotonic(), "/v1/cluster"))
                self.house.gate.wait(10)
                state = self.house.state
                if state == "silent":
                    return
                picture = self.house.picture() if state != "token" else picture_fine(1_284_017)
                self.wfile.write(b"event: cluster\ndata: %s\n\n" % json.dumps(picture).encode())
                if told != state:
                    told = state
                    for node in picture["nodes"]:
                        if node["reachable"]:
                            happened = {"id": node["id"], "late_ms": 5, "told": {"id": node["id"], "events": make_events(node)}}
                            if self.house.samples:
                                happened["told"]["samples"] = make_samples(self.house.samples, node["status"]["commit_index"])
                            self.wfile.write(b"event: events\ndata: %s\n\n" % json.dumps(happened).encode())
                self.wfile.flush()
                time.sleep(0.2)
        except OSError:
            return
        finally:
            with self.house.lock:
                self.house.streams -= 1

    def do_DELETE(self):
        self.operate()

    def operate(self):
        """What changes the cluster: noted as it came, and refused while another change is under way."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.house.operations.append((self.command, self.path, json.loads(body) if body else None))
        self.house.operate_gate.wait(10)
        if self.house.state == "catching-up" and self.command == "POST":
            self.answer_problem(409, "Change in progress", "change_in_progress", "node 6 is being added", outcome="rejected")
        else:
            self.answer(200, "application/json", b'{"index":9}', Raft_Node="1")

    def do_POST(self):
        if not self.path.startswith(("/v1/propose", "/v1/query")):
            self.operate()
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path, _, question = self.path.partition("?")
        self.house.requests.append((time.monotonic(), self.path))
        if path == "/v1/propose":
            self.house.keys.append(self.headers["Idempotency-Key"])
        if self.refuses():
            return
        try:
            json.loads(body)
        except ValueError as error:
            self.answer_problem(400, "Not JSON", "bad_json", "the body is not JSON", offset=error.pos, outcome="rejected")
            return
        if self.house.state in ("no-leader", "majority-lost") and "stale" not in question:
            self.answer_problem(503, "No leader", "no_leader", "node 1 knows no leader in term 5; an election may be under way",
                                outcome="rejected")
            return
        index, result = self.house.propose(body) if path == "/v1/propose" else self.house.query(body)
        more = {} if path == "/v1/propose" else {"Raft_Consistency": "stale" if "stale" in question else "linearizable"}
        self.answer(200, "application/json", b'{"index":%d,"term":3,"result":%s}' % (index, result), Raft_Node="1",
                    Raft_Leader="1", Raft_Term="3", Raft_Index=str(index), **more)


def main():
    parser = argparse.ArgumentParser(description="Serve the page and canned pictures of a cluster.")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--state", default="fine", choices=[*PICTURES, "token"])
    options = parser.parse_args()
    stand_in = StandIn(options.port, options.state)
    print(stand_in.url, flush=True)
    stand_in.thread.join()


if __name__ == "__main__":
    main()
