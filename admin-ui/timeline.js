// What happened in the last hour, a lane for each node and as sentences. Every node notes its own events; ages are told
// relative, so that clocks which differ do no harm.

import { element, make, set_attribute, set_text } from "./dom.js";
import { duration } from "./format.js";
import { draw, make_svg, scale, set_size } from "./svg.js";

const hour_ms = 3600000;
const spans_ms = [60000, 5 * 60000, 15 * 60000, hour_ms];
const sentences_shown = 40;
const lane_height = 30;

const words = {
    started: () => "started",
    pre_candidate: () => "hears no leader and asks whether it may stand",
    candidate: (event) => `stands for election in term ${event.term}`,
    leader: (event) => `leads in term ${event.term}`,
    follows: (event) => `follows node ${event.subject} in term ${event.term}`,
    no_leader: (event) => `knows no leader any more (it was node ${event.subject})`,
    members: (event) => `has another configuration, of index ${event.subject}`,
    snapshot: (event) => `has a snapshot up to index ${event.subject}`,
    disk_full: () => "has no room on its disk",
    disk_stalled: () => "waits for its disk",
    disk_well: () => "has a healthy disk again",
    diverged: () => "has a state that differs from the majority's",
    mended: () => "agrees with the majority again",
    removed: () => "was removed from the cluster",
    silent: () => "does not answer",
    answers: () => "answers again",
};
const alarms = new Set(["disk_full", "disk_stalled", "diverged", "removed", "silent"]);
const signs = { candidate: "◆", members: "M", snapshot: "S", started: "▸", disk_well: "✓", mended: "✓", answers: "✓" };

export function tell(event) {
    return (words[event.kind] ?? (() => event.kind.replaceAll("_", " ")))(event);
}

export class time_line {
    constructor() {
        this.events = new Map(); // id -> what is drawn of it
        this.by_node = new Map(); // id -> its events, oldest first: {at_ms, kind, term, subject}, at_ms on this page's clock.
        this.own = new Map(); // id -> what this page saw of it: whether it answered.
        this.reached = new Map();
        this.told = "";
        this.svg = make_svg("svg", { role: "img", class: "time", preserveAspectRatio: "none" });
        element("time").append(this.svg);
        element("time-span").addEventListener("change", () => this.update());
        this.width = 600;
        new ResizeObserver(() => {
            this.width = Math.max(200, this.svg.clientWidth / scale());
            this.update();
        }).observe(this.svg);
    }

    take({ id, late_ms, told }) {
        const now = performance.now();
        this.by_node.set(id, told.events.map(({ age_ms, ...event }) => ({ ...event, at_ms: now - late_ms - age_ms })));
    }

    // A node that is down notes nothing: that is seen from here.
    see(nodes) {
        const now = performance.now();
        for (const { id, reachable } of nodes) {
            const before = this.reached.get(id);
            if (before !== undefined && before !== reachable) {
                const seen = this.own.get(id) ?? [];
                seen.push({ at_ms: now, kind: reachable ? "answers" : "silent", term: 0, subject: 0 });
                this.own.set(id, seen.slice(-64));
            }
            this.reached.set(id, reachable);
        }
        this.ids = nodes.map((node) => node.id);
        for (const map of [this.reached, this.own, this.by_node]) for (const id of map.keys()) if (!this.ids.includes(id)) map.delete(id);
    }

    // Of all nodes, oldest first; put together once for each drawing.
    gather(ids) {
        const oldest = performance.now() - hour_ms;
        const of = (id) => [...(this.by_node.get(id) ?? []), ...(this.own.get(id) ?? [])].filter((event) => event.at_ms > oldest);
        this.events = new Map(ids.map((id) => [id, of(id).sort((a, b) => a.at_ms - b.at_ms)]));
    }

    span() {
        const wanted = Number(element("time-span").value);
        if (wanted > 0) return wanted;
        const oldest = Math.min(performance.now(), ...[...this.events.values()].map((events) => events[0]?.at_ms ?? Infinity));
        return spans_ms.find((span) => performance.now() - oldest < span) ?? hour_ms;
    }

    update() {
        const ids = this.ids ?? [];
        const now = performance.now();
        this.gather(ids);
        const span = this.span();
        const left = this.width < 480 ? 46 : 64;
        const x = (at_ms) => left + Math.max(0, 1 - (now - at_ms) / span) * (this.width - left - 10);
        const shapes = [];
        for (let at = 0; at <= 5; at += 1) {
            const age = span * (1 - at / 5);
            shapes.push(["line", { class: "rule", x1: x(now - age), x2: x(now - age), y1: 0, y2: ids.length * lane_height }]);
            const anchor = at === 5 ? "end" : at === 0 ? "start" : "middle";
            shapes.push(["text", { class: "when", x: x(now - age), y: ids.length * lane_height + 14, "text-anchor": anchor }, age === 0 ? "now" : `−${duration(Math.round(age / 1000)).replace(" 0 s", "").replace(" 0 min", "")}`]);
        }
        for (const [row, id] of ids.entries()) shapes.push(...this.lane(id, row * lane_height, x, now, now - span));
        set_size(this.svg, this.width, ids.length * lane_height + 20);
        set_attribute(this.svg, "aria-label", "Who led when, elections, configurations, snapshots and alarms of each node; the list below tells the same");
        draw(this.svg, shapes);
        this.tell_all(ids, now);
    }

    lane(id, top, x, now, oldest) {
        const middle = top + lane_height / 2;
        const shapes = [["text", { class: "who", x: 0, y: middle + 4 }, `node ${id}`]];
        const events = this.events.get(id);
        let kind = "unknown";
        let from = oldest;
        let term = 0;
        const close = (to) => {
            if (to > oldest && kind !== "unknown") {
                const [begin, end] = [x(from), x(to)];
                const leads = kind === "leader";
                shapes.push(["rect", { class: `spell ${kind}`, x: begin, y: middle - (leads ? 8 : 2), width: Math.max(1, end - begin), height: leads ? 16 : 4 }]);
                if (leads && end - begin > 56) shapes.push(["text", { class: "reign", x: begin + 14, y: middle + 4 }, `term ${term}`]);
            }
            from = to;
        };
        const marks = [];
        for (const event of events) {
            const next = { leader: "leader", follows: "follower", no_leader: "lost", pre_candidate: "lost", candidate: "lost", started: "lost", removed: "unknown", silent: "silent", answers: "follower" }[event.kind];
            if (next) {
                close(event.at_ms);
                kind = next;
                term = event.term;
            }
            if (event.at_ms < oldest) continue;
            if (alarms.has(event.kind) || signs[event.kind]) marks.push(["circle", { class: "chip", cx: x(event.at_ms), cy: middle, r: 8.5 }]);
            if (alarms.has(event.kind)) marks.push(["text", { class: "alarm", x: x(event.at_ms), y: middle + 5 }, event.kind === "silent" ? "✕" : "!"]);
            else if (signs[event.kind]) marks.push(["text", { class: `sign ${event.kind}`, x: x(event.at_ms), y: middle + 5 }, signs[event.kind]]);
        }
        close(now);
        return [...shapes, ...marks];
    }

    tell_all(ids, now) {
        const all = ids.flatMap((id) => this.events.get(id).map((event) => ({ ...event, id })));
        all.sort((a, b) => b.at_ms - a.at_ms);
        const newest = all.slice(0, sentences_shown);
        const key = newest.map((event) => `${event.id}${event.kind}${Math.round(event.at_ms / 200)}`).join();
        const list = element("time-list");
        if (key !== this.told) {
            this.told = key;
            list.replaceChildren(...newest.map((event) => make("li", { class: alarms.has(event.kind) ? "alarm" : "" }, make("span", { class: "ago" }), make("b", {}, `node ${event.id}`), ` ${tell(event)}`)));
        }
        for (const [at, event] of newest.entries()) {
            const age = (now - event.at_ms) / 1000;
            set_text(list.children[at].firstChild, `${age < 60 ? duration(age) : duration(60 * Math.floor(age / 60)).replace(" 0 s", "")} ago`);
        }
        element("time-none").hidden = newest.length > 0;
    }
}
