// The box that changes the cluster: one action at a time, asked about before it is sent, followed while it runs, and
// shown as the curl line that does the same. The outcome is the node's own answer.

import { answer_view } from "./answer.js";
import { element, set_text } from "./dom.js";
import { save_file } from "./download.js";
import { shell_quote } from "./format.js";
import { authorization, has_token } from "./token.js";

// A little longer than the longest time-out of the API, so that the node's answer comes first.
const give_up_ms = 63000;
const tick_ms = 1000;

// fields: what the action needs; ask: the question before it is sent; request: [method, path, body or null].
const actions = {
    add: {
        fields: ["id", "url", "role"],
        ask: ({ id, url, role }) => `Add node ${id} at ${url} as a ${role}? It must run with --join.`,
        request: ({ id, url, role }) => ["POST", "v1/members", { id, url, ...(role === "learner" && { role }) }],
    },
    promote: {
        fields: ["id"],
        ask: ({ id }) => `Make node ${id} a voter?`,
        request: ({ id }) => ["POST", `v1/members/${id}/promote`, null],
    },
    remove: {
        fields: ["id"],
        ask: ({ id }) => `Remove node ${id} from the cluster? It counts for no majority afterwards.`,
        request: ({ id }) => ["DELETE", `v1/members/${id}`, null],
    },
    transfer: {
        fields: ["id"],
        ask: ({ id }) => `Hand leadership to node ${id}?`,
        request: ({ id }) => ["POST", "v1/leader/transfer", { to: id }],
    },
    snapshot: {
        fields: [],
        ask: () => "Take a snapshot on this node now? The entries it covers leave the log.",
        request: () => ["POST", "v1/snapshot", null],
    },
    download: {
        fields: [],
        ask: () => "Download a backup of the whole state from this node?",
        request: () => ["GET", "v1/snapshot", null],
    },
};

export class operate_box {
    constructor(section) {
        this.view = new answer_view(section, give_up_ms);
        this.form = section.querySelector("form");
        this.action = element("action");
        this.inputs = { id: element("member-id"), url: element("member-url"), role: element("member-role") };
        this.dialog = element("sure");
        this.cluster = null;
        this.form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.ask();
        });
        this.form.addEventListener("input", () => this.update());
        element("sure-no").addEventListener("click", () => this.dialog.close());
        element("sure-yes").addEventListener("click", () => {
            this.dialog.close();
            this.send();
        });
        this.update();
    }

    values() {
        return {
            id: Number(this.inputs.id.value),
            url: this.inputs.url.value.trim(),
            role: this.inputs.role.value,
        };
    }

    request() {
        return actions[this.action.value].request(this.values());
    }

    // A field that the action does not need keeps its place, so that nothing moves; it is only disabled.
    update() {
        const { fields } = actions[this.action.value];
        for (const [name, input] of Object.entries(this.inputs)) input.disabled = !fields.includes(name);
        const [method, path, body] = this.request();
        const address = shell_quote(new URL(path, document.baseURI).href);
        const token = has_token() ? ' -H "Authorization: Bearer $TOKEN"' : "";
        const verb = method === "GET" ? " -f -OJ" : ` -X ${method}`;
        const data = body === null ? "" : ` -d ${shell_quote(JSON.stringify(body))}`;
        set_text(this.view.curl, `curl${verb} ${address}${token}${data}`);
    }

    ask() {
        if (this.view.busy) return;
        set_text(element("sure-question"), actions[this.action.value].ask(this.values()));
        set_text(element("sure-curl"), this.view.curl.textContent);
        this.dialog.showModal();
    }

    async send() {
        if (this.view.busy) return;
        const [method, path, body] = this.request();
        const headers = {
            ...(body !== null && { "Content-Type": "application/json" }),
            ...authorization(),
        };
        const { id } = this.values();
        const started = performance.now();
        const follows = actions[this.action.value].fields.includes("id");
        let loaded = "";
        const follow = () => {
            const seconds = Math.round((performance.now() - started) / 1000);
            this.view.show("idle", "under way", `${seconds} s so far.${follows ? progress_words(this.cluster, id) : loaded}`, "");
        };
        follow();
        const timer = setInterval(follow, tick_ms);
        const save = (response, guard) =>
            save_file(response, (words) => {
                guard();
                loaded = ` ${words}`;
            });
        const read = method === "GET" ? save : undefined;
        const sent = { method, headers, ...(body !== null && { body: JSON.stringify(body) }) };
        await this.view.run(path, sent, method !== "GET", read, () => clearInterval(timer));
    }
}

// How far a member is on its way, as the leader of the last picture sees it.
export function progress_words(cluster, id) {
    for (const { status } of cluster?.nodes ?? []) {
        const peer = status?.role === "leader" ? status.peers.find((one) => one.id === id) : undefined;
        if (peer === undefined) continue;
        if (peer.state === "snapshot") return ` Node ${id} is sent a snapshot: ${Math.floor(peer.snapshot_percent ?? 0)} %.`;
        const lag = Math.max(0, status.last_index - peer.match_index);
        return lag > 0 ? ` Node ${id} is ${lag} entries behind.` : ` Node ${id} has the whole log.`;
    }
    return "";
}
