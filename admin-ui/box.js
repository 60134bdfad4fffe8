// The propose box and the query box: one text area, one request, its answer as it came, and the same as a curl line.

import { element, make, set_text } from "./dom.js";
import { curl_line, lay_out, milliseconds } from "./format.js";

// A little longer than the node's own time-out, so that its answer (with the outcome in it) comes first.
const give_up_ms = 8000;
const longest_laid_out = 64 * 1024;
const longest_shown = 256 * 1024;

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

const outcome_words = {
    rejected: "It never takes effect.",
    unknown: "It may have taken effect, or still may: query before sending it again.",
};

export class request_box {
    // kind is "propose" or "query"; get_token gives the token in use or an empty string.
    constructor(section, kind, get_token) {
        section.append(element("box-end").content.cloneNode(true));
        this.kind = kind;
        this.get_token = get_token;
        this.form = section.querySelector("form");
        this.text = section.querySelector("textarea");
        this.consistency = section.querySelector("select");
        this.button = section.querySelector("button.primary");
        this.examples = section.querySelector(".examples");
        this.curl = section.querySelector(".curl code");
        this.copy_button = section.querySelector(".copy");
        this.result = section.querySelector(".result");
        this.machine = null;
        this.busy = false;
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
        this.text.addEventListener("input", () => this.update_curl());
        this.consistency?.addEventListener("change", () => this.update_curl());
        this.copy_button.addEventListener("click", () => this.copy());
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
        this.update_curl();
    }

    path() {
        const level = this.consistency?.value;
        return `v1/${this.kind}${level && level !== "linearizable" ? `?consistency=${level}` : ""}`;
    }

    update_curl() {
        const address = new URL(this.path(), document.baseURI).href;
        set_text(this.curl, curl_line(address, this.text.value, this.get_token() !== ""));
    }

    async send() {
        if (this.busy) return;
        this.set_busy(true);
        const token = this.get_token();
        const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
        const started = performance.now();
        try {
            const signal = AbortSignal.timeout(give_up_ms);
            const response = await fetch(this.path(), {
                method: "POST",
                body: this.text.value,
                headers,
                signal,
                cache: "no-store",
            });
            const text = await response.text();
            this.show_answer(response, text, performance.now() - started);
        } catch (error) {
            this.show_silence(error, performance.now() - started);
        } finally {
            this.set_busy(false);
        }
    }

    // Not the attribute disabled: that would take the focus away from the button.
    set_busy(busy) {
        this.busy = busy;
        this.button.setAttribute("aria-disabled", String(busy));
        this.result.classList.toggle("busy", busy);
    }

    show_answer(response, text, took_ms) {
        const told = (name) => response.headers.get(name);
        const facts = [`${response.status}${response.ok ? " OK" : ""}`, milliseconds(took_ms)];
        if (told("Raft-Node")) facts.push(`from node ${told("Raft-Node")}`);
        if (response.ok && told("Raft-Index")) facts.push(`index ${told("Raft-Index")}`);
        if (response.ok && told("Raft-Term")) facts.push(`term ${told("Raft-Term")}`);
        if (told("Raft-Consistency")) facts.push(told("Raft-Consistency"));
        this.show(response.ok ? "fine" : "bad", facts.join(" · "), response.ok ? "" : problem_words(text, this.kind), text);
    }

    show_silence(error, took_ms) {
        const why =
            error.name === "TimeoutError"
                ? `No answer within ${give_up_ms / 1000} s.`
                : "The connection to this node failed.";
        const outcome = this.kind === "propose" ? ` ${outcome_words.unknown}` : "";
        this.show("bad", `no answer · ${milliseconds(took_ms)}`, `${why}${outcome}`, "");
    }

    show(tone, outcome, problem, text) {
        const [line, words, answer] = this.result.children;
        this.result.dataset.tone = tone;
        set_text(line, outcome);
        set_text(words, problem);
        words.hidden = problem === "";
        answer.hidden = text === "";
        const laid_out = text.length <= longest_laid_out ? lay_out(text) : text;
        const cut =
            laid_out.length > longest_shown
                ? `\n… ${laid_out.length - longest_shown} more characters: use the curl line`
                : "";
        set_text(answer, laid_out.slice(0, longest_shown) + cut);
    }

    // The clipboard needs HTTPS or localhost; elsewhere the old way works, and selecting is the last resort.
    async copy() {
        let done = false;
        try {
            await navigator.clipboard.writeText(this.curl.textContent);
            done = true;
        } catch {
            getSelection().selectAllChildren(this.curl);
            done = document.execCommand("copy");
        }
        set_text(this.copy_button, done ? "Copied" : "Selected");
        setTimeout(() => set_text(this.copy_button, "Copy"), 1500);
    }
}

// application/problem+json in words; whatever else came is shown below as it is.
export function problem_words(text, kind) {
    let problem = null;
    try {
        problem = JSON.parse(text);
    } catch {
        return "The answer is not one of this API.";
    }
    if (problem === null || typeof problem !== "object" || typeof problem.title !== "string") return "";
    const code = problem.code ? ` (${problem.code})` : "";
    const where = typeof problem.offset === "number" ? ` It stops being JSON at byte ${problem.offset}.` : "";
    const detail = problem.detail ? ` ${problem.detail.replace(/\.?$/, ".")}` : "";
    const outcome = kind === "propose" && outcome_words[problem.outcome] ? ` ${outcome_words[problem.outcome]}` : "";
    return `${problem.title}${code}.${detail}${where}${outcome}`;
}
