// The page: one stream from the node it came from (stream.js), drawn as it comes. Nothing is asked while the tab is hidden.
// When the node falls silent the last picture stays, greyed and with its age, and the asking goes on.

import { request_box } from "./box.js";
import { chart_panel } from "./charts.js";
import { element, is_web_address, make, set_attribute, set_list, set_number, set_text } from "./dom.js";
import { entry_box } from "./entry.js";
import { fold_panels, is_folded } from "./fold.js";
import { duration, rate } from "./format.js";
import { log_lanes } from "./lanes.js";
import { term_at } from "./logs.js";
import { operate_box } from "./operate.js";
import { draw_ring } from "./ring.js";
import { live_stream, silent_after_ms } from "./stream.js";
import { make_tables, update_tables } from "./tables.js";
import { has_token, token_form } from "./token.js";
import { time_line } from "./timeline.js";
import { judge } from "./verdict.js";

const look_ms = 250;
const rate_span_ms = 5000;
const shortest_rate_ms = 500;

class page {
    constructor() {
        this.heard_ms = performance.now(); // When this node was last heard of, or the page began to listen.
        this.last = null; // {cluster, self_id, at_ms, verdict} of the newest picture
        this.samples = []; // {at_ms, commit} of the last seconds
        this.boxes = ["propose", "query"].map((kind) => new request_box(element(kind), kind));
        this.operate = new operate_box(element("operate"));
        this.entry = new entry_box();
        this.lanes = new log_lanes(
            (index) => this.entry.show(index, this.last?.cluster),
            (index) => this.entry.known.get(index),
        );
        this.time = new time_line();
        this.charts = new chart_panel();
        this.stream = new live_stream("v1/cluster/watch", {
            event: (name, value, self_id) => this.on_event(name, value, self_id),
            refused: (status) => this.show_refusal(status),
            lost: () => {
                this.refused = false;
            },
        });
        this.token = new token_form(() => this.on_token());
        make_tables();
        fold_panels();
        document.addEventListener("visibilitychange", () => this.on_visibility());
        this.on_visibility();
    }

    on_visibility() {
        clearInterval(this.timer);
        this.stream.close();
        if (document.hidden) return;
        this.heard_ms = performance.now();
        this.refused = false;
        this.timer = setInterval(() => this.look(), look_ms);
        this.stream.open();
    }

    on_token() {
        for (const box of this.boxes) box.update_curl();
        this.operate.update();
        this.on_visibility();
    }

    look() {
        if (!this.refused && performance.now() - this.heard_ms > silent_after_ms) this.show_silence();
    }

    on_event(name, value, self_id) {
        this.heard_ms = performance.now();
        this.refused = false;
        if (name === "events") {
            this.time.take(value);
            this.charts.take_past(value);
            this.draw_soon();
        }
        if (name !== "cluster") return;
        const id = self_id || this.guess_self(value);
        this.last = { cluster: value, self_id: id, at_ms: performance.now(), verdict: null };
        this.draw_soon();
    }

    // However many pictures come between two frames, the newest is judged and drawn, once.
    draw_soon() {
        this.frame ??= requestAnimationFrame(() => {
            this.frame = null;
            if (this.refused || this.last === null) return;
            this.last.verdict ??= judge(this.last.cluster, this.last.self_id);
            this.draw();
        });
    }

    guess_self(cluster) {
        return (
            cluster.nodes.find(
                (node) => is_web_address(node.client_url) && new URL(node.client_url).origin === location.origin,
            )?.id ?? 0
        );
    }

    show_silence() {
        const name = this.last ? `Node ${this.last.self_id}` : "This node";
        this.set_pulse("silent", "no answer");
        this.set_past(this.last !== null);
        this.set_banner({
            tone: "bad",
            state: "silent",
            mark: "✕",
            headline: `${name} does not answer`,
            sentence: this.last
                ? `Below is the last picture, ${duration(
                      (performance.now() - this.last.at_ms) / 1000,
                  )} old. This page goes on trying.`
                : "No picture of the cluster yet. This page goes on trying.",
            notes: [],
        });
        this.draw_others();
    }

    draw_others() {
        const others = (this.last?.cluster.nodes ?? []).filter(
            (node) => node.id !== this.last.self_id && is_web_address(node.client_url),
        );
        element("others").hidden = others.length === 0;
        if (element("other-links").children.length === others.length) return;
        const links = others.map((node) =>
            make("li", {}, make("a", { href: node.client_url }, `node ${node.id}, ${node.client_url}`)),
        );
        element("other-links").replaceChildren(...links);
    }

    show_refusal(status) {
        this.refused = true;
        this.set_pulse("silent", "no access");
        element("others").hidden = true;
        this.token.ask();
        set_attribute(document.body, "data-locked", String(this.last === null));
        this.set_past(this.last !== null);
        const denied =
            status === 403
                ? "The token given may not read the cluster: enter one with the role read, write or admin."
                : "The token given is not known to this node: enter one that stands in its token file now.";
        this.set_banner({
            tone: "idle",
            state: "token",
            mark: "?",
            headline: "This node asks for a token",
            sentence: has_token() ? denied : "It was started with a token file, and shows the cluster to those who have a token.",
            notes: [],
        });
    }

    draw() {
        const { cluster, self_id, verdict } = this.last;
        const own = cluster.nodes.find((node) => node.id === self_id)?.status;
        element("others").hidden = true;
        element("other-links").replaceChildren();
        this.token.answered();
        set_attribute(document.body, "data-locked", "false");
        this.set_past(false);
        this.set_pulse("live", "live");
        this.set_banner(verdict);
        this.draw_figures(cluster, verdict);
        set_text(element("machine"), own?.machine ?? "–");
        set_text(element("cluster-id"), own?.cluster_id ? own.cluster_id.slice(0, 12) : "none yet");
        set_attribute(element("cluster-id"), "title", own?.cluster_id ?? "");
        set_text(element("version"), own?.version ?? "–");
        set_text(element("seen-from"), self_id > 0 ? `node ${self_id}` : "–");
        update_tables(cluster, self_id);
        draw_ring(cluster, self_id);
        this.lanes.update(cluster);
        this.time.see(cluster.nodes);
        this.charts.take(cluster);
        if (!is_folded("time")) this.time.update();
        this.entry.refresh(cluster);
        this.entry.look(this.lanes.shown, own, (index) => term_at(own, index));
        this.operate.cluster = cluster;
        if (own?.machine) for (const box of this.boxes) box.use_machine(own.machine);
    }

    draw_figures(cluster, verdict) {
        const commits = cluster.nodes.map((node) => node.status?.commit_index ?? -1);
        const commit = Math.max(-1, ...commits);
        set_text(element("figure-leader"), verdict.leader_id > 0 ? `node ${verdict.leader_id}` : "none");
        set_number(element("figure-term"), verdict.term);
        set_number(element("figure-commit"), commit < 0 ? null : commit);
        set_text(element("figure-rate"), rate(this.commit_rate(commit)));
    }

    // Over a few seconds, because the difference between two polls jumps with every batch.
    commit_rate(commit) {
        const now = performance.now();
        if (commit < 0 || commit < (this.samples.at(-1)?.commit ?? 0)) this.samples = [];
        this.samples.push({ at_ms: now, commit });
        this.samples = this.samples.filter((sample) => now - sample.at_ms <= rate_span_ms);
        const first = this.samples[0];
        return now - first.at_ms < shortest_rate_ms ? null : (1000 * (commit - first.commit)) / (now - first.at_ms);
    }

    set_banner({ tone, state, mark, headline, sentence, notes }) {
        const banner = element("banner");
        set_attribute(banner, "data-tone", tone);
        set_attribute(banner, "data-state", state);
        set_text(element("mark"), mark);
        set_text(element("headline"), headline);
        set_text(element("sentence"), sentence);
        set_list(element("notes"), notes);
        const title = `${headline} · raftd`;
        if (document.title !== title) document.title = title;
    }

    set_past(past) {
        for (const part of ["picture", "figures"]) element(part).classList.toggle("past", past);
    }

    set_pulse(pulse, word) {
        set_attribute(element("pulse"), "data-pulse", pulse);
        set_text(element("pulse-word"), word);
    }
}

new page();
