// Small helpers to change the document only where something is different, so that a selection, the focus and a screen
// reader are left alone by a page that is drawn twice a second. Nothing here or elsewhere writes HTML from text.

export function element(id) {
    return document.getElementById(id);
}

export function make(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
}

export function set_text(target, text) {
    if (target.textContent !== text) target.textContent = text;
}

export function set_attribute(target, name, value) {
    if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}

// Digits in groups of three, set apart by a margin and not by a character: what is copied is the plain number.
export function set_number(target, value) {
    if (typeof value !== "number") return set_text(target, "–");
    const digits = String(value);
    if (target.textContent === digits) return;
    const groups = [];
    for (let end = digits.length; end > 0; end -= 3) groups.unshift(digits.slice(Math.max(0, end - 3), end));
    target.replaceChildren(groups[0], ...groups.slice(1).map((group) => make("span", { class: "group" }, group)));
}

export function set_list(list, texts) {
    list.hidden = texts.length === 0;
    if (list.children.length === texts.length && texts.every((text, at) => list.children[at].textContent === text)) return;
    list.replaceChildren(...texts.map((text) => make("li", {}, text)));
}

// A link to another node. The address comes from a member's configuration: anything but http(s) stays plain text.
export function set_link(target, address) {
    if (is_web_address(address)) set_attribute(target, "href", address);
    else target.removeAttribute("href");
}

export function is_web_address(address) {
    try {
        return ["http:", "https:"].includes(new URL(address).protocol);
    } catch {
        return false;
    }
}

// The roles are spelt out because a table that is laid out as cards on a phone would otherwise lose them.
export function make_head(table, columns) {
    const row = table.tHead.rows[0];
    row.replaceChildren(
        ...columns.map((column) =>
            make("th", { scope: "col", role: "columnheader", class: `column-${column.name}` }, column.label),
        ),
    );
}

// Brings the rows of a table in line with the items, each known by its key; a row that stays is the same element.
export function update_rows(table, columns, items, empty_text) {
    const body = table.tBodies[0];
    const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
    const rows = items.map((item) => {
        const row = old.get(String(item.id)) ?? make_row(columns, item.id);
        for (const [at, column] of columns.entries()) column.fill(row.cells[at], item, row);
        return row;
    });
    if (rows.length === 0) {
        const cell = make("td", { role: "cell", colspan: String(columns.length) }, empty_text);
        rows.push(make("tr", { role: "row", class: "empty" }, cell));
    }
    const same = body.rows.length === rows.length && rows.every((row, at) => body.rows[at] === row);
    if (!same) body.replaceChildren(...rows);
}

function make_row(columns, key) {
    const cells = columns.map((column, at) => {
        const attributes = {
            role: at === 0 ? "rowheader" : "cell",
            class: `column-${column.name}`,
            "data-label": column.label,
        };
        return at === 0 ? make("th", { ...attributes, scope: "row" }) : make("td", attributes);
    });
    return make("tr", { role: "row", "data-key": String(key) }, ...cells);
}
