// The log view: one lane for each node, all on one scale, entries coloured by term. It follows the end of the log until
// somebody scrolls back.

import { element, make, set_attribute, set_text } from "./dom.js";
import { plural } from "./format.js";
import { conflict_from, find_reference, fit, level, pieces, term_at } from "./logs.js";
import { draw, make_svg, scale, set_size } from "./svg.js";

const few_lanes = 4;
const tall = { height: 62, top: 14, cell: 32 };
const flat = { height: 46, top: 12, cell: 20 };
const cell_px = 24;
const axis_height = 14;
const term_colours = 6;
const repaired_for_ms = 8000;
const letters = { noop: "∅", configuration: "M", session: "S" };

export class log_lanes {
    // on_select(index) is called when another entry is chosen; entry_at(index) gives what is known of one, or nothing.
    constructor(on_select, entry_at) {
        this.on_select = on_select;
        this.entry_at = entry_at;
        this.view = null; // {low, each} of the window; null: it follows the end.
        this.shown = { low: 0, each: 1, cells: 1 };
        this.selected = 0;
        this.cluster = null;
        this.lane = tall;
        this.lanes = new Map(); // By id: {row, name, role, note, svg, conflict, repaired_ms}
        this.box = element("lanes");
        this.slider = element("lanes-slider");
        this.width = 600;
        new ResizeObserver(() => this.measure()).observe(this.slider);
        this.slider.addEventListener("keydown", (event) => this.on_key(event));
        this.slider.addEventListener("click", (event) => this.on_click(event));
        for (const [id, act] of [["log-older", () => this.move(-0.5)], ["log-newer", () => this.move(0.5)], ["log-first", () => this.go_first()],
            ["log-follow", () => this.follow()], ["log-wider", () => this.zoom(2)], ["log-closer", () => this.zoom(0.5)]])
            element(id).addEventListener("click", act);
    }

    measure() {
        this.width = Math.max(120, this.slider.clientWidth / scale());
        if (this.cluster) this.update(this.cluster);
    }

    cells() {
        return Math.max(8, Math.floor(this.width / cell_px));
    }

    update(cluster) {
        this.cluster = cluster;
        const nodes = cluster.nodes;
        this.lane = nodes.length <= few_lanes ? tall : flat;
        this.bring_rows(nodes);
        const reference = find_reference(nodes);
        // What a node that does not answer said last is the best that is known of its log.
        const told = nodes.map((node) => node.status ?? this.lanes.get(node.id).status).filter(Boolean);
        const levelled = level(told, reference);
        for (const status of levelled) this.lanes.get(status.id).status = status;
        this.reference = reference && this.lanes.get(reference.id).status;
        const known = nodes.map((node) => ({ ...node, status: this.lanes.get(node.id).status }));
        const auto = fit(known, this.reference, this.cells());
        const window = this.view ?? auto;
        this.shown = { ...window, cells: this.cells(), high: window.low + this.cells() * window.each };
        this.px = this.width / (this.cells() * window.each);
        for (const node of nodes) this.draw_lane(node);
        this.draw_axis();
        this.tell_slider();
        set_attribute(element("log-follow"), "aria-pressed", String(this.view === null));
        const { each } = window;
        set_text(element("log-scale"), each === 1 ? "one cell is one entry" : `one cell is ${each} entries`);
    }

    // -- Moving

    last() {
        return this.reference?.last_index ?? 0;
    }

    first() {
        return this.reference?.first_index ?? 1;
    }

    set_view(low, each) {
        const most = Math.max(0, this.last() + 1 - this.cells() * each);
        this.view = { low: Math.round(Math.min(most, Math.max(0, low))), each };
        if (this.cluster) this.update(this.cluster);
    }

    move(part) {
        this.set_view(this.shown.low + Math.round(part * this.cells()) * this.shown.each, this.shown.each);
    }

    zoom(factor) {
        const each = Math.max(1, this.shown.each * factor);
        this.set_view(this.shown.high - this.cells() * each, each);
    }

    go_first() {
        this.set_view(Math.max(0, this.first() - 2), 1);
        this.select(this.first());
    }

    follow() {
        this.view = null;
        if (this.cluster) this.update(this.cluster);
    }

    select(index) {
        this.selected = Math.min(Math.max(1, index), Math.max(1, this.last()));
        const { low, high, each } = this.shown;
        if (this.selected <= low || this.selected > high) this.set_view(this.selected - Math.floor(this.cells() / 2) * each, each);
        else if (this.cluster) this.update(this.cluster);
        this.on_select(this.selected);
    }

    on_key(event) {
        const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: this.cells(), PageDown: -this.cells() };
        const from = this.selected || this.last();
        if (event.key in steps) this.select(from + steps[event.key] * this.shown.each);
        else if (event.key === "Home") this.go_first();
        else if (event.key === "End") {
            this.follow();
            this.select(this.last());
        } else return;
        event.preventDefault();
    }

    on_click(event) {
        const x = (event.clientX - this.slider.getBoundingClientRect().left) / scale();
        this.select(this.shown.low + 1 + Math.floor(x / this.px));
    }

    tell_slider() {
        const at = this.selected || this.last();
        set_attribute(this.slider, "aria-valuemin", "1");
        set_attribute(this.slider, "aria-valuemax", String(Math.max(1, this.last())));
        set_attribute(this.slider, "aria-valuenow", String(at));
        set_attribute(this.slider, "aria-valuetext", `index ${at}, ${holders_words(this.cluster.nodes, at)}`);
    }

    // -- Drawing

    bring_rows(nodes) {
        for (const node of nodes) if (!this.lanes.has(node.id)) this.lanes.set(node.id, make_lane(node.id));
        for (const id of [...this.lanes.keys()]) if (!nodes.some((node) => node.id === id)) this.lanes.delete(id);
        const rows = nodes.map((node) => this.lanes.get(node.id).row);
        if (this.box.children.length !== rows.length || rows.some((row, at) => this.box.children[at] !== row)) this.box.replaceChildren(...rows);
    }

    x(index) {
        return Math.min(this.width, Math.max(0, (index - this.shown.low) * this.px));
    }

    draw_lane(node) {
        const parts = this.lanes.get(node.id);
        const { status } = parts;
        const conflict = status ? conflict_from(this.reference, status) : 0;
        if (conflict === 0 && parts.conflict > 0 && node.reachable) parts.repaired_ms = performance.now();
        if (node.reachable) parts.conflict = conflict;
        set_attribute(parts.row, "data-role", node.reachable ? (status?.role ?? "unknown") : "unreachable");
        set_text(parts.role, node.reachable ? (status?.role ?? "").replace("_", "-") : "no answer");
        set_text(parts.note, this.note(node, status, conflict, parts));
        set_size(parts.svg, this.width, this.lane.height);
        set_attribute(parts.row, "data-state", this.state_of(node, status, conflict));
        draw(parts.svg, status ? this.shapes(node, status, conflict) : []);
    }

    state_of(node, status, conflict) {
        if (!node.reachable || !status) return "silent";
        if (conflict > 0) return "conflict";
        return this.reference && status.last_index < this.reference.commit_index ? "behind" : "fine";
    }

    note(node, status, conflict, parts) {
        if (!status) return "never heard of";
        if (conflict > 0) return `✕ ${plural(status.last_index - conflict + 1, "conflicting entry").replace("entrys", "entries")}`;
        if (performance.now() - (parts.repaired_ms ?? -repaired_for_ms) < repaired_for_ms) return "✓ repaired";
        const peer = this.reference?.peers?.find((one) => one.id === node.id);
        if (node.reachable && peer?.state === "snapshot") return "gets a snapshot";
        const lag = (this.reference?.last_index ?? 0) - status.last_index;
        return lag > 0 ? `${lag} behind` : `last ${status.last_index}`;
    }

    shapes(node, status, conflict) {
        const { low, high } = this.shown;
        const { top, cell } = this.lane;
        const shapes = [["rect", { class: "bed", x: 0, y: top, width: this.width, height: cell }]];
        const gone = status.first_index - 1;
        if (gone > low) {
            shapes.push(["rect", { class: "gone", x: 0, y: top, width: this.x(gone), height: cell }]);
            if (this.x(gone) > 70) shapes.push(["text", { class: "in", x: 6, y: top + cell / 2 + 4 }, `snapshot to ${status.snapshot?.index ?? gone}`]);
            shapes.push(["rect", { class: "edge", x: this.x(gone) - 1.5, y: top - 3, width: 3, height: cell + 6 }]);
        }
        const found = pieces(status, low, high);
        for (const piece of found) {
            const x = this.x(piece.from - 1);
            const kind = `term-${piece.term % term_colours}${piece.committed ? "" : " loose"}`;
            shapes.push(["rect", { class: `cells ${kind}`, x, y: top + (piece.committed ? 0 : 1), width: this.x(piece.to) - x, height: cell - (piece.committed ? 0 : 2) }]);
        }
        shapes.push(...this.grid(found), ...this.words(status, found));
        if (conflict > 0 && conflict <= high) {
            const x = this.x(conflict - 1);
            shapes.push(["rect", { class: "conflict", x: x + 1, y: top, width: Math.max(2, this.x(status.last_index) - x - 2), height: cell }]);
        }
        shapes.push(...this.marks(node, status));
        return shapes;
    }

    // Lines between entries, as long as they can be told apart.
    grid(found) {
        if (this.px < 7) return [];
        let path = "";
        for (const { from, to } of found) for (let at = from; at < to; at += 1) path += `M${(this.x(at)).toFixed(1)} ${this.lane.top}v${this.lane.cell}`;
        return [["path", { class: "grid", d: path }]];
    }

    // The term stands where its run begins to be seen: colour alone tells nothing.
    words(status, found) {
        const shapes = [];
        let term = 0;
        for (const piece of found) {
            const x = this.x(piece.from - 1);
            const wide = this.x(piece.to) - x > 22;
            if (piece.term !== term && term !== 0) shapes.push(["rect", { class: "turn", x: x - 1, y: this.lane.top - 2, width: 2, height: this.lane.cell + 4 }]);
            if (piece.term !== term && wide) shapes.push(["text", { class: "in", x: x + 4, y: this.lane.top + this.lane.cell / 2 + 4 }, `${this.px >= 20 || this.x(piece.to) - x < 60 ? "" : "term "}${piece.term}`]);
            term = piece.term;
        }
        if (this.px < 18) return shapes;
        for (const { from, to } of found)
            for (let at = from; at <= to; at += 1) {
                const entry = this.entry_at(at);
                const starts = found.some((piece) => piece.from === at && (piece === found[0] || term_at(status, at - 1) !== piece.term));
                if (entry && !starts && entry.term === term_at(status, at) && letters[entry.type])
                    shapes.push(["text", { class: "in letter", x: this.x(at) - this.px / 2, y: this.lane.top + this.lane.cell / 2 + 4 }, letters[entry.type]]);
            }
        return shapes;
    }

    marks(node, status) {
        const { low, high } = this.shown;
        const { top, cell, height } = this.lane;
        const shapes = [];
        const seen = (index) => index >= low && index <= high && index > 0;
        if (this.reference && status.last_index < this.reference.last_index && this.x(this.reference.last_index) - this.x(status.last_index) > 3)
            shapes.push(["path", { class: "missing", d: `M${this.x(status.last_index) + 2} ${top + cell / 2}H${this.x(this.reference.last_index)}` }]);
        if (seen(status.commit_index)) {
            const x = this.x(status.commit_index);
            shapes.push(["path", { class: "commit", d: `M${x} ${top - 10}v${cell + 12}M${x} ${top - 10}h-9l3 3.5l-3 3.5h9` }]);
        }
        if (seen(status.applied_index)) shapes.push(["circle", { class: "applied", cx: this.x(status.applied_index) - Math.min(5, this.px / 2), cy: top + cell - 4, r: 2.5 }]);
        const peer = this.reference?.role === "leader" ? this.reference.peers.find((one) => one.id === node.id) : undefined;
        const tip = (index) => (index - 0.5 - low) * this.px;
        if (peer && seen(peer.match_index)) shapes.push(["path", { class: "match", d: `M${tip(peer.match_index)} ${top + cell + 2}l4.5 8h-9z` }]);
        if (peer && seen(peer.next_index)) shapes.push(["path", { class: "next", d: `M${tip(peer.next_index)} ${top + cell + 3}l4.5 8h-9z` }]);
        if (this.selected > low && this.selected <= high)
            shapes.push(["rect", { class: "cursor", x: this.x(this.selected - 1), y: 1, width: Math.max(3, this.px), height: height - 2 }]);
        return shapes;
    }

    draw_axis() {
        const { low, cells, each } = this.shown;
        const step = Math.max(1, Math.ceil(90 / (this.px * each))) * each;
        const shapes = [];
        for (let at = Math.ceil((low + 1) / step) * step; at <= low + cells * each; at += step) {
            const half = Math.max(18, 3.6 * String(at).length);
            const middle = Math.min(Math.max((at - 0.5 - low) * this.px, half), this.width - half);
            shapes.push(["text", { x: middle, y: 11 }, String(at)]);
        }
        set_size(element("lanes-axis"), this.width, axis_height);
        draw(element("lanes-axis"), shapes);
    }
}

function make_lane(id) {
    const svg = make_svg("svg", { "aria-hidden": "true", preserveAspectRatio: "none" });
    const role = make("span", { class: "lane-role" });
    const note = make("span", { class: "lane-note" });
    const row = make("div", { class: "lane", role: "listitem" }, make("p", { class: "lane-name" }, make("b", {}, `node ${id}`), role, note), svg);
    return { row, role, note, svg, conflict: 0, status: null };
}

// Which nodes hold the entry, in words.
export function holders_words(nodes, index) {
    const by_term = new Map();
    for (const { id, status } of nodes) {
        const term = status ? term_at(status, index) : 0;
        if (term > 0) by_term.set(term, [...(by_term.get(term) ?? []), id]);
    }
    const words = [...by_term].map(([term, ids]) => `of term ${term} on ${ids.length === 1 ? "node" : "nodes"} ${ids.join(", ")}`);
    return words.length > 0 ? words.join("; ") : "in no log that is known";
}
