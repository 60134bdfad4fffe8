// Drawing: a list of shapes is brought into the document with as few changes as there are differences.

const svg_namespace = "http://www.w3.org/2000/svg";

export function make_svg(tag, attributes = {}) {
    const made = document.createElementNS(svg_namespace, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
}

// How much larger than usual the letters are: drawings grow with them on the largest screens.
export function scale() {
    return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

// A drawing of `width` x `height` of its own units, which are scale() pixels each.
export function set_size(svg, width, height) {
    const box = `0 0 ${round(width)} ${height}`;
    if (svg.getAttribute("viewBox") === box) return;
    svg.setAttribute("viewBox", box);
    svg.setAttribute("height", round(height * scale()));
}

// shapes: [[tag, attributes, text]]. The elements are used again from drawing to drawing, in order.
export function draw(parent, shapes) {
    for (const [at, [tag, attributes, text]] of shapes.entries()) {
        let child = parent.children[at];
        if (child?.localName !== tag) {
            const made = make_svg(tag);
            if (child) child.replaceWith(made);
            else parent.append(made);
            child = made;
            child.drawn = {};
        }
        set_all(child, attributes);
        if (text !== undefined && child.textContent !== text) child.textContent = text;
    }
    while (parent.children.length > shapes.length) parent.lastElementChild.remove();
}

function set_all(child, attributes) {
    const before = child.drawn;
    for (const name of Object.keys(before)) if (!(name in attributes)) child.removeAttribute(name);
    for (const [name, value] of Object.entries(attributes))
        if (before[name] !== value) child.setAttribute(name, typeof value === "number" ? round(value) : value);
    child.drawn = attributes;
}

export function round(value) {
    return String(Math.round(value * 10) / 10);
}
