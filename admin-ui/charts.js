// The last minutes as small charts: a sample a second. What was before the page looked, each node tells of itself. None is
// kept longer than it is drawn.

import { element, make, set_attribute, set_text } from "./dom.js";
import { is_folded } from "./fold.js";
import { bytes, duration, milliseconds, rate } from "./format.js";
import { draw, make_svg } from "./svg.js";

export const samples_kept = 300;
const sample_ms = 1000;
const shortest_shown_ms = 60000;
const plot = { width: 300, height: 84 };

const most = (values) => {
    const told = values.filter((value) => typeof value === "number");
    return told.length > 0 ? Math.max(...told) : null;
};
const sum = (values) => values.reduce((all, value) => all + (typeof value === "number" ? value : 0), 0);
const whole = (value) => (typeof value === "number" ? String(Math.round(value)) : "–");

// read: the value of each line from the statuses of those who answer, the slowest or largest where they differ.
export const charts = [
    { id: "rate", title: "Commits per second", words: rate, lines: [{ name: "commits/s" }] },
    {
        id: "latency", title: "Latency of proposals", words: milliseconds,
        lines: [
            { name: "p50", read: (all) => most(all.map((status) => status.proposals?.latency_ms?.p50)) },
            { name: "p99", read: (all) => most(all.map((status) => status.proposals?.latency_ms?.p99)) },
        ],
    },
    {
        id: "disk", title: "Disk write, slowest node", words: milliseconds,
        lines: [
            { name: "p50", read: (all) => most(all.map((status) => status.disk_write_ms?.p50)) },
            { name: "p99", read: (all) => most(all.map((status) => status.disk_write_ms?.p99)) },
        ],
    },
    { id: "waiting", title: "Proposals that wait", words: whole, lines: [{ name: "waiting", read: (all) => sum(all.map((status) => status.proposals?.waiting)) }] },
    {
        id: "size", title: "Largest store and snapshot", words: bytes,
        lines: [
            { name: "snapshot", read: (all) => most(all.map((status) => status.snapshot?.size_bytes ?? 0)) },
            { name: "store", read: (all) => most(all.map((status) => status.storage_bytes)) },
        ],
    },
];

export class chart_panel {
    constructor() {
        this.samples = []; // {at_ms, past, values: {id: [one of each line]}}
        this.last = null; // {at_ms, commit} of the last sample.
        this.told = new Map(); // id -> its own samples, oldest first: statuses with at_ms
        this.parts = charts.map((chart) => make_chart(chart));
        element("charts").append(...this.parts.map((part) => part.figure));
    }

    take(cluster) {
        const now = performance.now();
        if (this.last && now - this.last.at_ms < sample_ms) return;
        const all = cluster.nodes.map((node) => node.status).filter(Boolean);
        const commit = most(all.map((status) => status.commit_index));
        const passed = this.last ? (now - this.last.at_ms) / 1000 : 0;
        const gained = this.last && commit !== null && this.last.commit !== null ? Math.max(0, commit - this.last.commit) / passed : null;
        this.last = { at_ms: now, commit };
        this.samples.push({ at_ms: now, values: read_values(all, gained) });
        if (this.news) this.fill_in(now);
        while (this.samples.length > samples_kept) this.samples.shift();
        if (!is_folded("charts")) for (const part of this.parts) part.update(this.samples, now);
    }

    take_past({ id, late_ms, told }) {
        this.news = true;
        this.told.set(id, read_told(told.samples ?? { age_ms: [] }, performance.now() - late_ms));
    }

    // Where this page did not look: before it was opened, or while it was hidden.
    fill_in(now) {
        this.news = false;
        const seen = this.samples.filter((sample) => !sample.past);
        const made = [];
        const lists = [...this.told.values()].map((rows) => ({ rows, at: -1 }));
        for (let at_ms = now - (samples_kept - 1) * sample_ms; at_ms < now; at_ms += sample_ms) {
            for (const list of lists) while (list.rows[list.at + 1]?.at_ms <= at_ms) list.at += 1;
            if (seen.some((sample) => Math.abs(sample.at_ms - at_ms) < 1.5 * sample_ms)) continue;
            const all = lists.map((list) => list.rows[list.at]).filter((row) => at_ms - row?.at_ms < 2 * sample_ms);
            const commit = most(all.map((row) => row.commit_index));
            if (all.length > 0) made.push({ at_ms, past: true, values: read_values(all, all.find((row) => row.commit_index === commit).gained) });
        }
        this.samples = [...made, ...seen].sort((a, b) => a.at_ms - b.at_ms);
    }
}

function read_values(all, gained) {
    return Object.fromEntries(charts.map((chart) => [chart.id, chart.lines.map((line) => (line.read ? line.read(all) : gained))]));
}

// What a node told of its last minutes, as the statuses that it would have answered.
function read_told(told, now) {
    return told.age_ms.map((age, at) => {
        const times = (name) => ({ p50: told[`${name}_p50_ms`][at], p99: told[`${name}_p99_ms`][at] });
        const commit_index = told.commit_index[at];
        const gained = at > 0 ? Math.max(0, (1000 * (commit_index - told.commit_index[at - 1])) / (told.age_ms[at - 1] - age)) : null;
        return {
            at_ms: now - age, gained, commit_index, storage_bytes: told.storage_bytes[at], snapshot: { size_bytes: told.snapshot_bytes[at] },
            proposals: { waiting: told.waiting[at], latency_ms: times("latency") }, disk_write_ms: times("disk_write"),
        };
    });
}

// The next 1, 2 or 5 times a power of ten: the scale seldom jumps.
export function ceiling(value) {
    if (!(value > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].find((step) => step * power >= value) * power;
}

function make_chart({ id, title, words, lines }) {
    const svg = make_svg("svg", { viewBox: `0 0 ${plot.width} ${plot.height}`, preserveAspectRatio: "none", role: "img", "aria-label": title });
    const now_words = make("span", { class: "chart-now" });
    const top = make("span", { class: "chart-top" });
    const figure = make("figure", { id: `chart-${id}` }, make("figcaption", {}, make("b", {}, title), now_words), svg, make("p", { class: "chart-foot" }, make("span", {}, "last 5 min"), top));
    const foot = figure.lastChild.firstChild;
    const path = (samples, now, shown_ms, line, high) => {
        let d = "";
        let pen = "M";
        for (const { at_ms, values } of samples) {
            const value = values[id][line];
            if (typeof value !== "number") {
                pen = "M";
                continue;
            }
            const x = plot.width - ((now - at_ms) / shown_ms) * plot.width;
            d += `${pen}${x.toFixed(1)} ${(plot.height - 2 - (value / high) * (plot.height - 8)).toFixed(1)}`;
            pen = "L";
        }
        return d;
    };
    const update = (samples, now) => {
        const values = samples.flatMap((sample) => sample.values[id]).filter((value) => typeof value === "number");
        const shown_ms = Math.max(shortest_shown_ms, now - samples[0].at_ms);
        if (samples.length < 3) set_text(foot, "just opened: it fills by and by");
        else set_text(foot, `last ${duration(60 * Math.ceil(shown_ms / 60000 - 0.1)).replace(" 0 s", "")}`);
        const high = ceiling(Math.max(0, ...values));
        draw(svg, [
            ["path", { class: "floor", d: `M0 ${plot.height - 2}H${plot.width}M0 6H${plot.width}` }],
            ...lines.map((_, line) => ["path", { class: `line line-${line}`, d: path(samples, now, shown_ms, line, high) }]),
        ]);
        const newest = samples.at(-1).values[id];
        const told = lines.map((line, at) => (lines.length === 1 ? words(newest[at]) : `${line.name} ${words(newest[at])}`)).join(" · ");
        set_text(now_words, told);
        set_text(top, values.length > 0 ? `scale to ${words(high)}` : "");
        set_attribute(svg, "aria-label", `${title}: ${told}`);
    };
    return { figure, update };
}
