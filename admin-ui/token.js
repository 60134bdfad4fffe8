// The token of this tab. It is held in memory only: in no storage, no address, no other tab, and gone with a reload.

import { element, set_text } from "./dom.js";

// What a token may be made of (the same rule as in the token file), so that it fits into a header.
const visible_ascii = /^[\x21-\x7e]{1,256}$/;

let token = "";

export function has_token() {
    return token !== "";
}

export function authorization() {
    return token === "" ? {} : { Authorization: `Bearer ${token}` };
}

// The form in the banner, and the button in the top line that opens it again.
export class token_form {
    // on_change is called when there is another token, or none any more.
    constructor(on_change) {
        this.on_change = on_change;
        this.form = element("token-form");
        this.input = element("token");
        this.change = element("token-change");
        this.wanted = false; // This page has asked for a token before.
        this.asked = false; // By the node: without a token nothing is shown.
        this.form.addEventListener("submit", (event) => this.use(event));
        this.change.addEventListener("click", () => this.toggle());
        element("token-forget").addEventListener("click", () => this.set(""));
        document.addEventListener("another-token", () => this.open());
    }

    use(event) {
        event.preventDefault();
        const text = this.input.value.trim();
        if (visible_ascii.test(text)) this.set(text);
        else this.say(text === "" ? "Enter a token first." : "A token has 1 to 256 visible ASCII characters and no spaces.");
    }

    set(text) {
        token = text;
        this.input.value = "";
        this.say("");
        // One that the node asked for stays until it has answered.
        if (this.asked) this.show(true);
        else this.close();
        this.on_change();
    }

    say(words) {
        set_text(element("token-words"), words);
    }

    // The node has refused what the page asked for.
    ask() {
        if (!this.asked) this.show(true);
        this.asked = true;
    }

    // The node has answered: a form that it asked for is done with, one that somebody opened stays.
    answered() {
        if (this.asked) this.close();
        this.asked = false;
    }

    // Whoever typed is not left with the focus nowhere.
    close() {
        const focused = this.form.contains(document.activeElement);
        this.show(false);
        if (focused) element("banner").focus({ preventScroll: true });
    }

    open() {
        this.show(true);
        this.input.focus();
    }

    toggle() {
        if (this.form.hidden) this.open();
        else if (!this.asked) this.close();
    }

    show(open) {
        this.wanted ||= open;
        this.form.hidden = !open;
        this.change.hidden = !this.wanted;
        this.change.setAttribute("aria-expanded", String(open));
        element("token-forget").hidden = !has_token();
    }
}
