// On a phone each panel can be folded to its title, and those that are not needed at first sight begin so. On a wider
// view nothing is folded: titles are titles.

import { make } from "./dom.js";

const narrow = matchMedia("(max-width: 560px)");
const open_at_first = new Set(["ring-title", "log-title", "propose-title"]);

export function is_folded(id) {
    return narrow.matches && document.getElementById(id).closest(".panel").dataset.folded === "true";
}

function bring(panel, title) {
    const button = title.querySelector("button");
    if (narrow.matches && button === null) {
        const made = make("button", { type: "button", class: "fold" }, ...title.childNodes);
        made.addEventListener("click", () => set(panel, made, panel.dataset.folded !== "true"));
        title.append(made);
        set(panel, made, panel.dataset.folded === "true");
    } else if (!narrow.matches && button !== null) {
        title.replaceChildren(...button.childNodes);
    }
}

function set(panel, button, folded) {
    panel.dataset.folded = String(folded);
    button.setAttribute("aria-expanded", String(!folded));
}

export function fold_panels() {
    const panels = [...document.querySelectorAll(".panel")].map((panel) => [panel, panel.querySelector("h2")]);
    for (const [panel, title] of panels) panel.dataset.folded = String(!open_at_first.has(title.id));
    const bring_all = () => panels.forEach(([panel, title]) => bring(panel, title));
    narrow.addEventListener("change", bring_all);
    bring_all();
}
