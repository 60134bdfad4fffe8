// The entry that was chosen in the log view, and what kinds of entries stand in the part that is seen: read by /v1/log.

import { element, set_text } from "./dom.js";
import { lay_out } from "./format.js";
import { holders_words } from "./lanes.js";
import { authorization } from "./token.js";

const kept = 2000;
const longest_shown = 20000;

// The text of one member of a flat answer as it stands there: numbers keep all their digits.
export function member_text(text, name) {
    const begin = text.indexOf(`"${name}":`);
    if (begin < 0) return "";
    let depth = 0;
    let quoted = false;
    for (let at = begin + name.length + 3; at < text.length; at += 1) {
        const c = text[at];
        if (quoted) {
            if (c === "\\") at += 1;
            else if (c === '"') quoted = false;
        } else if (c === '"') quoted = true;
        else if (c === "{" || c === "[") depth += 1;
        else if (depth === 0 && (c === "," || c === "}")) return text.slice(begin + name.length + 3, at);
        else if (c === "}" || c === "]") depth -= 1;
    }
    return "";
}

export class entry_box {
    constructor() {
        this.known = new Map(); // index -> {term, type}, of this node's log.
        this.asking = false;
        this.index = 0;
    }

    async fetch_log(from, limit) {
        return fetch(`v1/log?from=${from}&limit=${limit}`, { headers: authorization(), cache: "no-store", signal: AbortSignal.timeout(4000) });
    }

    // Kinds of what is seen. A log that was cut and written anew has another term at the index, which is asked again.
    async look({ low, high, each, cells }, status, terms) {
        if (this.asking || each !== 1 || !status || status.first_index < 1) return;
        const last = Math.min(high, status.last_index);
        let from = Math.max(low + 1, status.first_index);
        while (from <= last && this.known.get(from)?.term === terms(from)) from += 1;
        if (from > last) return;
        this.asking = true;
        try {
            const response = await this.fetch_log(from, Math.min(cells, last - from + 1));
            if (response.ok) for (const entry of (await response.json()).entries) this.known.set(entry.index, { term: entry.term, type: entry.type });
        } catch {
            // The next update asks again.
        } finally {
            this.asking = false;
        }
        for (const index of this.known.keys()) {
            if (this.known.size <= kept) break;
            this.known.delete(index);
        }
    }

    // Who holds it, and whether it is committed, changes while it is looked at.
    refresh(cluster) {
        if (!this.shown || !cluster) return;
        const committed = Math.max(0, ...cluster.nodes.map((node) => node.status?.commit_index ?? 0)) >= this.index;
        set_text(element("entry-facts"), `${this.shown}, ${committed ? "committed" : "not committed"}; ${holders_words(cluster.nodes, this.index)}`);
    }

    async show(index, cluster) {
        this.index = index;
        element("entry").hidden = false;
        set_text(element("entry-title"), `Entry ${index}`);
        set_text(element("entry-facts"), "…");
        set_text(element("entry-text"), "");
        this.shown = null;
        let facts = "It could not be read: this node gave no answer.";
        let text = "";
        try {
            const response = await this.fetch_log(index, 1);
            const body = await response.text();
            if (this.index !== index) return;
            [facts, text, this.shown] = describe(response, body, index);
        } catch {
            if (this.index !== index) return;
        }
        set_text(element("entry-facts"), facts);
        this.refresh(cluster);
        set_text(element("entry-text"), text.slice(0, longest_shown));
        element("entry-text").hidden = text === "";
    }
}

// [what is said, the content, what is said while it is looked at or null]
function describe(response, body, index) {
    const answer = JSON.parse(body);
    if (response.status === 410) return [`It is in the snapshot: this node's log begins at ${answer.first_index}.`, "", null];
    if (!response.ok) return [answer.detail ?? `Status ${response.status}.`, "", null];
    const entry = answer.entries[0];
    if (!entry || entry.index !== index) return [`This node has no entry ${index}.`, "", null];
    const facts = `${entry.type}, term ${entry.term}`;
    const inner = body.slice(body.indexOf('"entries":') + 10);
    const text = member_text(inner, entry.type === "configuration" ? "configuration" : "command");
    return [facts, text === "null" ? "" : lay_out(text), facts];
}
