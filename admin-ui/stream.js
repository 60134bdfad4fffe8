// The one stream of the page: Server-Sent Events of /v1/cluster/watch, read with fetch, because EventSource can send no
// token and hides the bodies of errors. It comes back by itself, and is closed while nobody looks.

import { authorization } from "./token.js";

const shortest_pause_ms = 250;
const longest_pause_ms = 1500;
// Who was refused is so again until another token is given, or the node's file changes.
const refused_pause_ms = 5000;
// The node sends five updates a second: after so long without a byte it is taken for dead.
export const silent_after_ms = 1700;

// Cuts a stream of text into events. Pure but for what it holds of the event that is not whole yet.
export class event_reader {
    constructor(tell) {
        this.tell = tell;
        this.rest = "";
    }

    take(text) {
        this.rest += text;
        for (let end = this.rest.indexOf("\n\n"); end >= 0; end = this.rest.indexOf("\n\n")) {
            this.read(this.rest.slice(0, end));
            this.rest = this.rest.slice(end + 2);
        }
    }

    read(block) {
        const event = { name: "message", data: "" };
        for (const line of block.split("\n")) {
            if (line.startsWith("event: ")) event.name = line.slice(7);
            else if (line.startsWith("data: ")) event.data = line.slice(6);
        }
        if (event.data !== "") this.tell(event.name, event.data);
    }
}

export class live_stream {
    // on: {event(name, value, self_id), refused(status), lost()}
    constructor(path, on) {
        this.path = path;
        this.on = on;
        this.stop = null;
        this.timer = 0;
        this.pause_ms = shortest_pause_ms;
    }

    open() {
        this.close();
        this.stop = new AbortController();
        this.run(this.stop);
    }

    close() {
        clearTimeout(this.timer);
        clearTimeout(this.watch);
        this.stop?.abort();
        this.stop = null;
    }

    // Whoever is silent for too long is left.
    guard(stop) {
        clearTimeout(this.watch);
        this.watch = setTimeout(() => stop.abort(), silent_after_ms);
    }

    async run(stop) {
        let refused_ms = 0;
        try {
            refused_ms = await this.read(stop);
        } catch {
            // What went wrong does not matter: it is tried again.
        }
        if (this.stop !== stop) return;
        clearTimeout(this.watch);
        if (refused_ms === 0) this.on.lost();
        this.timer = setTimeout(() => this.open(), refused_ms || this.pause_ms);
        this.pause_ms = Math.min(longest_pause_ms, this.pause_ms * 2);
    }

    // How long to wait before it is tried again; 0: as after any loss.
    async read(stop) {
        this.guard(stop);
        const response = await fetch(this.path, { headers: authorization(), signal: stop.signal, cache: "no-store" });
        if (response.status === 401 || response.status === 403) {
            this.on.refused(response.status);
            return refused_pause_ms;
        }
        if (!response.ok) return 0;
        const self_id = Number(response.headers.get("Raft-Node"));
        const events = new event_reader((name, data) => {
            if (this.stop === stop) this.on.event(name, JSON.parse(data), self_id);
        });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
            this.guard(stop);
            this.pause_ms = shortest_pause_ms;
            events.take(part.value);
        }
        return 0;
    }
}
