"""Pages of other people's sites in the browser of somebody who may reach a node: they can neither propose nor read, under a
name of their own or one that they have pointed at the node (DNS rebinding). Each attack is tried on a node that lets its page
in as well: there it comes through, so that a refusal is the node's and not the browser's."""

import http.server
import socket
import threading

from cluster import Cluster, free_ports
from page_case import PageCase
from webdriver import Browser, BrowserError, wait_for

PATIENCE = 20
# Every name of theirs is this machine; nothing is looked up.
RULES = "--host-resolver-rules=MAP *.example 127.0.0.1"

# What each attack brought the page: "" for nothing, else what it read. `arguments`: the node's URL.
ATTACKS = """
const node = arguments[0];
const done = arguments[arguments.length - 1];
const put = (key) => JSON.stringify({ op: "put", key, value: 1 });
const count = encodeURIComponent('{"op":"count"}');
const taken = async (path, options) => {
    try {
        const answer = await fetch(node + path, options);
        return answer.ok ? await answer.text() : "";
    } catch {
        return "";
    }
};
const heard = (path) => new Promise((end) => {
    const events = new EventSource(node + path);
    const close = (text) => { events.close(); end(text); };
    for (const name of ["open", "message", "command", "cluster"]) events.addEventListener(name, () => close(name));
    events.onerror = () => close("");
});
const shown = (element, fields) => new Promise((end) => {
    Object.assign(element, fields);
    element.onload = () => end("loaded");
    element.onerror = () => end("");
    document.body.append(element);
});
const form = (method, path, text) => new Promise((end) => {
    const frame = document.createElement("iframe");
    frame.name = "frame-" + Math.random();
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, { method, action: node + path, enctype: "text/plain", target: frame.name });
    const field = document.createElement("input");
    [field.name, field.value] = text.split("=");
    form.append(field);
    document.body.append(form);
    frame.onload = () => { try { end(frame.contentDocument.body.textContent); } catch { end(""); } };
    form.submit();
});
const json = { "Content-Type": "application/json" };
const tried = {
    "simple post": () => taken("/v1/propose", { method: "POST", body: put("simple") }),
    "post without cors": () => taken("/v1/propose", { method: "POST", mode: "no-cors", body: put("no-cors") }),
    "post with preflight": () => taken("/v1/propose", { method: "POST", headers: json, body: put("preflight") }),
    "post with a key": () => taken("/v1/propose", { method: "POST", headers: { "Idempotency-Key": "k" }, body: put("key") }),
    "put": () => taken("/v1/members", { method: "PUT", headers: json, body: '{"voters":[]}' }),
    "delete": () => taken("/v1/sessions/1", { method: "DELETE" }),
    "session": () => taken("/v1/sessions", { method: "POST" }),
    "beacon": async () => { navigator.sendBeacon(node + "/v1/propose", put("beacon")); return ""; },
    "form": () => form("post", "/v1/propose", '{"op":"put","key":"form","value":"=1"}'),
    "query": () => taken(`/v1/query?q=${count}`),
    "query without cors": () => taken(`/v1/query?q=${count}`, { mode: "no-cors" }),
    "query by post": () => taken("/v1/query", { method: "POST", body: '{"op":"count"}' }),
    "status": () => taken("/v1/status"),
    "log": () => taken("/v1/log"),
    "metrics": () => taken("/metrics"),
    "backup": () => taken("/v1/snapshot"),
    "watch": () => heard("/v1/watch?from=1"),
    "cluster watch": () => heard("/v1/cluster/watch"),
    "script": () => shown(document.createElement("script"), { src: `${node}/v1/query?q=${count}` }),
    "module": () => shown(document.createElement("script"), { type: "module", src: node + "/" }),
    "image": () => shown(document.createElement("img"), { src: node + "/v1/status" }),
    "backup as an image": () => shown(document.createElement("img"), { src: node + "/v1/snapshot" }),
    "frame": () => form("get", "/", "a=b"),
};
(async () => {
    const brought = {};
    for (const [name, attack] of Object.entries(tried)) brought[name] = await attack();
    done(brought);
})();
"""
# What may come through nowhere, whatever the node says: the browser's own walls around the page.
NEVER = {"post without cors", "query without cors", "beacon", "form", "script", "module", "image", "backup as an image", "frame"}
WRITES = {"simple", "no-cors", "preflight", "key", "beacon", "form"}


class Site:
    """Somebody else's site: one empty page, whatever is asked."""

    def __init__(self, port=0):
        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>somebody else</title><body>")

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def get_request(server):
                taken = super().get_request()
                self.connections.append(taken[0])
                return taken

        self.connections = []
        self.server = Server(("127.0.0.1", port), Page)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        """Also what the browser has opened in advance and would use later."""
        self.server.shutdown()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # It has ended.
        self.server.server_close()
        self.thread.join()


class ForeignPages(PageCase):
    """Nodes without tokens, where only Origin and Host keep a page out."""

    def setUp(self):
        if self.raftd is None:
            self.skipTest("needs --raftd to start nodes of its own")
        self.own = Browser(RULES).__enter__()
        self.addCleanup(self.own.__exit__, None, None, None)

    def site(self, port=0):
        site = Site(port)
        self.addCleanup(site.close)
        return site

    def node(self, *flags):
        cluster = Cluster(self.raftd, 1, *flags).__enter__()
        self.addCleanup(cluster.__exit__)
        return cluster

    def brought(self, cluster):
        found = self.own.run_async(ATTACKS, cluster.url(1))
        return {name: text for name, text in found.items() if text}

    def keys(self, cluster):
        found = cluster.ask(1, "/v1/query", b'{"op":"list"}')["result"]["entries"]
        return {entry["key"] for entry in found}

    def wait_for_writes(self, cluster, wanted):
        """A beacon and a form are sent some time."""
        wait_for(lambda: wanted <= self.keys(cluster), PATIENCE, f"the keys {wanted}")

    def test_a_page_of_another_origin_neither_proposes_nor_reads(self):
        site = self.site()
        origin = f"http://evil.example:{site.port}"
        self.own.go(origin)
        listing = self.node("--allow-origin", origin)
        read = self.brought(listing)
        self.wait_for_writes(listing, WRITES)
        refused = {"put", "delete", *NEVER}  # The first two are well-formed and say nothing but problems.
        missing = {"simple post", "post with preflight", "post with a key", "session", "query", "query by post", "status", "log",
                   "metrics", "backup", "watch", "cluster watch"} - set(read)
        self.assertEqual(set(), missing, "a listed origin may read")
        self.assertEqual(set(), refused & set(read), "what no page may read")
        node = self.node()
        before = node.ask(1, "/v1/status")["last_index"]
        for other in (origin, f"http://127.0.0.1:{site.port}", f"http://localhost:{site.port}"):
            with self.subTest(other):
                self.own.go(other)
                self.assertEqual({}, self.brought(node))
        # The beacon of the last page is the only one that nobody waited for; the next request comes after it.
        self.own.go(f"http://evil.example:{site.port}/once-more")
        self.brought(node)
        self.assertEqual(set(), self.keys(node))
        after = node.ask(1, "/v1/status")
        self.assertEqual((before, None), (after["last_index"], after["snapshot"]), "nor was a snapshot taken")
        self.own.take_log("browser")

    def answers_after_rebinding(self, *flags):
        """A page comes from a site of its own; then its name stands for the node, on the very same port."""
        site = Site(free_ports(1)[0])
        try:
            self.own.go(f"http://rebound.example:{site.port}")
        finally:
            site.close()
        cluster = Cluster(self.raftd, 1, *flags)
        cluster.ports[1] = site.port
        cluster.__enter__()
        self.addCleanup(cluster.__exit__)
        asked = self.own.run_async(
            "const done = arguments[0];"
            "const ask = async (path, body) => { const answer = await fetch(path, body && { method: 'POST', body });"
            " return [answer.status, await answer.text()]; };"
            "(async () => done([await ask('/v1/propose', '{\"op\":\"put\",\"key\":\"rebound\",\"value\":1}'),"
            " await ask('/v1/query', '{\"op\":\"count\"}'), await ask('/v1/status'), await ask('/metrics'), await ask('/')]))()")
        return cluster, asked

    def test_a_name_rebound_to_the_node_is_refused(self):
        cluster, asked = self.answers_after_rebinding("--allow-host", "rebound.example")
        self.assertEqual([200] * 5, [status for status, _ in asked], "the browser lets it through")
        self.assertEqual({"rebound"}, self.keys(cluster))
        cluster, asked = self.answers_after_rebinding()
        self.assertEqual([421] * 5, [status for status, _ in asked])
        for _, text in asked:
            self.assertIn('"code":"wrong_host"', text)
        self.assertEqual(set(), self.keys(cluster))
        self.own.go(f"http://rebound.example:{cluster.ports[1]}/")
        self.assertIn("wrong_host", self.own.text("body"))
        with self.assertRaises(BrowserError, msg="the page is not there"):
            self.own.find("#banner")
        self.own.take_log("browser")
