"""An hour of updates in seconds: the page is handed pictures as fast as it draws them, and its clock is moved on with each."""

from page_case import PageCase
from webdriver import wait_for

ROUNDS = 6
UPDATES = 400
STEP_MS = 1500  # 6 x 400 x 1.5 s is an hour; the page takes a node for dead after 1.7 s.
GROWTH = 1.15

# A stream of our own behind fetch, a clock that runs ahead, and frames that come at once. `pump` draws one picture after the other: the log
# grows, terms change, nodes go and come back, and every tenth picture brings a node's events.
SETTING = """
const channel = new MessageChannel(); const queue = [];
channel.port1.onmessage = () => queue.shift()();
const soon = (act) => { queue.push(act); channel.port2.postMessage(0); };
const real_now = performance.now.bind(performance); let past = 0;
performance.now = () => real_now() + past;
window.requestAnimationFrame = (act) => { soon(() => act(performance.now())); return 1; };
const bytes = new TextEncoder(); let out = null; let at = 0;
const real_fetch = window.fetch;
const entries = (asked) => Array.from({ length: Number(asked.get('limit')) }, (_, more) => ({ index: Number(asked.get('from')) + more,
    term: 3 + Math.floor(at / 200), type: more % 9 ? 'command' : 'noop' }));
window.fetch = (path, how) => {
    if (String(path).endsWith('watch')) return Promise.resolve(new Response(new ReadableStream({ start(made) { out = made; } }), { headers: { 'Raft-Node': '1' } }));
    if (String(path).startsWith('v1/log')) return Promise.resolve(Response.json({ entries: entries(new URL(path, location.href).searchParams) }));
    return real_fetch(path, how);
};
const say = (name, value) => out.enqueue(bytes.encode(`event: ${name}\\ndata: ${JSON.stringify(value)}\\n\\n`));
window.pump = async (picture, updates, step) => {
    for (let more = 0; more < updates; more += 1) {
        at += 1; past += step;
        const commit = 2000000 + 7 * at; const term = 3 + Math.floor(at / 200);
        for (const node of picture.nodes) {
            node.reachable = node.id !== 3 || at % 40 < 30;
            Object.assign(node.status, { term, last_term: term, commit_index: commit, applied_index: commit, last_index: commit + 1, first_index: commit - 3000,
                log_terms: [{ from: commit - 3000, term: term - 1 }, { from: commit - 20, term }], uptime_seconds: at });
        }
        say('cluster', { ...picture, term, nodes: picture.nodes.map((node) => (node.reachable ? node : { ...node, status: null })) });
        if (at % 10 === 0) say('events', { id: 1, late_ms: 3, told: { id: 1, events: Array.from({ length: 60 }, (_, one) =>
            ({ age_ms: one * 50000, kind: one % 2 ? 'leader' : 'no_leader', term, subject: 1 })) } });
        const figure = document.getElementById('figure-commit');
        while (figure.textContent !== String(commit)) await new Promise(soon);
    }
    return at;
};
"""


class HourOfUpdates(PageCase):
    def setUp(self):
        self.stand_in.state = "fine"

    def set_hidden(self, hidden):
        self.browser.run("Object.defineProperty(document, 'hidden', { value: arguments[0], configurable: true });"
                         "document.dispatchEvent(new Event('visibilitychange'))", hidden)

    def used(self):
        """(bytes of the heap, nodes of the document, listeners) once the garbage is gone."""
        self.browser.devtools("HeapProfiler.collectGarbage")
        told = {one["name"]: one["value"] for one in self.browser.devtools("Performance.getMetrics")["metrics"]}
        return told["JSHeapUsedSize"], told["Nodes"], told["JSEventListeners"]

    def test_an_hour_of_updates_leaves_the_heap_and_the_document_as_they_were(self):
        self.open_page()
        self.set_hidden(True)
        wait_for(lambda: self.stand_in.streams == 0, 5, "no stream")
        self.browser.devtools("Performance.enable")
        self.browser.run(SETTING)
        self.set_hidden(False)
        seen = []
        for _ in range(ROUNDS):
            self.browser.run_async("const [updates, step, done] = arguments; window.canned ??= fetch('v1/cluster').then((answer) => answer.json());"
                                   "window.canned.then((picture) => window.pump(picture, updates, step)).then(done)", UPDATES, STEP_MS)
            seen.append(self.used())
        print("\n  heap after each round: " + ", ".join(f"{heap / 1e6:.2f} MB" for heap, _, _ in seen)
              + f"; nodes of the document {seen[1][1]} then {seen[-1][1]}")
        for first, last, what in zip(seen[1], seen[-1], ("heap", "nodes", "listeners")):
            self.assertLess(last, GROWTH * first, what)
