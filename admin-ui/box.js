// The propose box and the query box: one text area, one request, its answer as it came, and the same as a curl line.

import { answer_view } from "./answer.js";
import { make, set_text } from "./dom.js";
import { curl_line } from "./format.js";
import { authorization, has_token } from "./token.js";

// A little longer than the node's own time-out, so that its answer (with the outcome in it) comes first.
const give_up_ms = 8000;
// A second click this soon after the answer is a double click: it goes with the same key, and is applied once.
const double_click_ms = 1000;
const history_kept = 20;
const history_label = 90;

const examples = {
    hashmap: {
        propose: {
            put: '{"op":"put","key":"greeting","value":"hello"}',
            cas: '{"op":"cas","key":"greeting","expected":"hello","value":"good morning"}',
            delete: '{"op":"delete","key":"greeting"}',
        },
        query: {
            get: '{"op":"get","key":"greeting"}',
            list: '{"op":"list","limit":100}',
            count: '{"op":"count"}',
        },
    },
    register: {
        propose: { write: '{"op":"write","value":1}', cas: '{"op":"cas","expected":1,"value":2}' },
        query: { read: '{"op":"read"}' },
    },
};

export class request_box {
    // kind is "propose" or "query".
    constructor(section, kind) {
        this.kind = kind;
        this.form = section.querySelector("form");
        this.text = section.querySelector("textarea");
        this.consistency = section.querySelector(".send select");
        this.examples = section.querySelector(".examples");
        this.past = section.querySelector(".past-texts");
        this.history = []; // What was sent from here, newest first. Gone with the tab.
        this.view = new answer_view(section, give_up_ms);
        this.machine = null;
        this.keyed = kind === "propose";
        this.key = make_key();
        this.answered_at = null; // When the key's proposal was answered with success, after which it is used up.
        this.listen();
        this.update_curl();
    }

    listen() {
        this.form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.send();
        });
        this.text.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            this.send();
        });
        this.text.addEventListener("input", () => this.use_new_key());
        this.consistency?.addEventListener("change", () => this.update_curl());
        this.past.addEventListener("change", () => {
            if (this.past.value !== "") this.use_text(this.history[Number(this.past.value)]);
        });
    }

    // A text that somebody has written is never replaced; one that is empty or still the old example is.
    use_machine(machine) {
        if (machine === this.machine) return;
        const before = Object.values(examples[this.machine]?.[this.kind] ?? {});
        const known = examples[machine]?.[this.kind] ?? {};
        this.machine = machine;
        this.examples.replaceChildren(...Object.entries(known).map(([name, text]) => this.make_example(name, text)));
        if (this.text.value === "" || before.includes(this.text.value)) this.use_text(Object.values(known)[0] ?? "");
    }

    make_example(name, text) {
        const button = make("button", { type: "button" }, name);
        button.addEventListener("click", () => {
            this.use_text(text);
            this.text.focus();
        });
        return button;
    }

    use_text(text) {
        this.text.value = text;
        this.use_new_key();
    }

    remember(text) {
        this.history = [text, ...this.history.filter((one) => one !== text)].slice(0, history_kept);
        const choose = make("option", { value: "" }, "choose …");
        this.past.replaceChildren(choose, ...this.history.map((one, at) => make("option", { value: String(at) }, one.slice(0, history_label))));
        this.past.parentElement.hidden = false;
    }

    // A key belongs to one command. It stays until its proposal has succeeded: a retry after silence is applied once.
    use_new_key() {
        this.key = make_key();
        this.answered_at = null;
        this.update_curl();
    }

    headers() {
        return this.keyed ? { "Idempotency-Key": this.key } : {};
    }

    path() {
        const level = this.consistency?.value;
        return `v1/${this.kind}${level && level !== "linearizable" ? `?consistency=${level}` : ""}`;
    }

    update_curl() {
        const address = new URL(this.path(), document.baseURI).href;
        set_text(this.view.curl, curl_line(address, this.text.value, has_token(), this.headers()));
    }

    async send() {
        if (this.view.busy) return;
        if (this.answered_at !== null && performance.now() - this.answered_at > double_click_ms) this.use_new_key();
        this.remember(this.text.value);
        const key = this.key;
        const headers = {
            "Content-Type": "application/json",
            ...this.headers(),
            ...authorization(),
        };
        const request = { method: "POST", body: this.text.value, headers };
        const response = await this.view.run(this.path(), request, this.kind === "propose");
        if (response?.ok && key === this.key) this.answered_at ??= performance.now();
    }
}

// 128 random bits; crypto.randomUUID would need HTTPS.
function make_key() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
