// The end of every log as a bar, all on one scale, so that a node that is behind is seen to be behind. The figures stand
// in the table; the bar is for the eye alone.

import { set_attribute } from "./dom.js";

const svg_namespace = "http://www.w3.org/2000/svg";
const smallest_window = 64;

// From low (exclusive) to high: the newest entries, doubled until the slowest node's applied index is in sight. A node
// that is behind the whole log needs a snapshot; it would stretch the scale until nothing else could be told apart.
export function log_scale(nodes) {
    const told = nodes.map((node) => node.status).filter(Boolean);
    const high = Math.max(0, ...told.map((status) => status.last_index));
    const first = Math.min(...told.filter((status) => status.last_index === high).map((status) => status.first_index));
    const applied = told.map((status) => status.applied_index).filter((index) => index >= first - 1);
    const slowest = Math.min(high, ...applied);
    let shown = smallest_window;
    while (shown < high && shown < (high - slowest) * 1.25) shown *= 2;
    return { low: Math.max(0, high - shown), high };
}

export function make_log() {
    const svg = document.createElementNS(svg_namespace, "svg");
    svg.setAttribute("class", "log");
    svg.setAttribute("aria-hidden", "true");
    for (const part of ["frame", "snapshot", "stored", "committed", "applied"]) {
        const bar = document.createElementNS(svg_namespace, "rect");
        bar.setAttribute("class", part);
        bar.setAttribute("height", "100%");
        svg.append(bar);
    }
    return svg;
}

export function draw_log(svg, status, { low, high }) {
    const [frame, snapshot, stored, committed, applied] = svg.children;
    const first = status?.first_index > 0 ? status.first_index : 1;
    const last = status?.last_index ?? 0;
    const extent = Math.max(1, high - low);
    const place = (bar, from, to) => {
        const start = Math.min(Math.max(from - low, 0), extent);
        const width = Math.max(0, Math.min(to - low, extent) - start);
        set_attribute(bar, "x", `${((100 * start) / extent).toFixed(2)}%`);
        set_attribute(bar, "width", `${((100 * width) / extent).toFixed(2)}%`);
    };
    place(frame, low, high > 0 ? high : 0);
    place(snapshot, 0, status?.snapshot ? Math.min(first - 1, status.snapshot.index) : 0);
    place(stored, first - 1, last);
    place(committed, first - 1, Math.min(status?.commit_index ?? 0, last));
    place(applied, first - 1, Math.min(status?.applied_index ?? 0, last));
}
