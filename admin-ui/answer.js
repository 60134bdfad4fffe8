// One request and its answer as it came: the lower half of every box, with the curl line and its button.

import { element, set_text } from "./dom.js";
import { lay_out, milliseconds } from "./format.js";
import { has_token } from "./token.js";

const longest_laid_out = 64 * 1024;
const longest_shown = 256 * 1024;

const outcome_words = {
    rejected: "It never takes effect.",
    unknown: "It may have taken effect, or still may: query before sending it again.",
};

const token_cure = " Enter a token that may, or ask whoever runs the cluster for one.";

export class answer_view {
    constructor(section, give_up_ms) {
        section.append(element("box-end").content.cloneNode(true));
        this.give_up_ms = give_up_ms;
        this.button = section.querySelector("button.primary");
        this.curl = section.querySelector(".curl code");
        this.copy_button = section.querySelector(".copy");
        this.result = section.querySelector(".result");
        this.busy = false;
        this.another = section.querySelector(".another");
        this.another.addEventListener("click", () => document.dispatchEvent(new Event("another-token")));
        this.copy_button.addEventListener("click", () => this.copy());
    }

    // The response or null when there was none. A request that changes something tells its outcome.
    // read takes the answer's body; what comes in pieces calls its second argument with each, so that it is not given up.
    // ended is called before the answer is shown, so that whoever shows progress stops.
    async run(path, request, changes, read = (response) => response.text(), ended = () => {}) {
        this.set_busy(true);
        const started = performance.now();
        const stop = new AbortController();
        let timer = 0;
        const guard = () => {
            clearTimeout(timer);
            timer = setTimeout(() => stop.abort(new DOMException("", "TimeoutError")), this.give_up_ms);
        };
        guard();
        try {
            const response = await fetch(path, { ...request, signal: stop.signal, cache: "no-store" });
            const text = response.ok ? await read(response, guard) : await response.text();
            ended();
            this.show_answer(response, text, performance.now() - started, changes);
            return response;
        } catch (error) {
            ended();
            this.show_silence(error, performance.now() - started, changes);
            return null;
        } finally {
            clearTimeout(timer);
            this.set_busy(false);
        }
    }

    // Not the attribute disabled: that would take the focus away from the button.
    set_busy(busy) {
        this.busy = busy;
        this.button.setAttribute("aria-disabled", String(busy));
        this.result.classList.toggle("busy", busy);
    }

    show_answer(response, text, took_ms, changes) {
        const told = (name) => response.headers.get(name);
        const facts = [`${response.status}${response.ok ? " OK" : ""}`, milliseconds(took_ms)];
        if (told("Raft-Node")) facts.push(`from node ${told("Raft-Node")}`);
        if (response.ok && told("Raft-Index")) facts.push(`index ${told("Raft-Index")}`);
        if (response.ok && told("Raft-Term")) facts.push(`term ${told("Raft-Term")}`);
        if (told("Raft-Consistency")) facts.push(told("Raft-Consistency"));
        const words = response.ok ? duplicate_words(text) : problem_words(text, changes);
        this.show(response.ok ? "fine" : "bad", facts.join(" · "), words, text);
        this.another.hidden = response.status !== 401 && !(response.status === 403 && has_token());
    }

    show_silence(error, took_ms, changes) {
        const why =
            error.name === "TimeoutError"
                ? `No answer within ${this.give_up_ms / 1000} s.`
                : "The connection to this node failed.";
        const outcome = changes ? ` ${outcome_words.unknown}` : "";
        this.show("bad", `no answer · ${milliseconds(took_ms)}`, `${why}${outcome}`, "");
    }

    show(tone, outcome, problem, text) {
        const [line, words, , answer] = this.result.children;
        this.another.hidden = true;
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

function duplicate_words(text) {
    let answer = null;
    try {
        answer = JSON.parse(text);
    } catch {
        return "";
    }
    return answer?.duplicate === true ? "Applied once: this is the answer of the first attempt with the same key." : "";
}

// application/problem+json in words; whatever else came is shown below as it is.
export function problem_words(text, changes) {
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
    const outcome = changes && outcome_words[problem.outcome] ? ` ${outcome_words[problem.outcome]}` : "";
    const cure = problem.code === "unauthorized" || (problem.code === "forbidden" && has_token()) ? token_cure : "";
    return `${problem.title}${code}.${detail}${where}${outcome}${cure}`;
}
