// The cluster as a ring: who leads, who follows and how well, who votes for whom, who does not answer. The same facts stand
// as text in the tables; this is for the eye.

import { element, set_attribute, set_text } from "./dom.js";
import { list_words, plural } from "./format.js";
import { majority_words } from "./majority.js";
import { draw } from "./svg.js";
import { newest_configuration, standing_words } from "./verdict.js";

const centre = { x: 170, y: 140 };
const ring_radius = 94;
const many = 5;
const silent_after_ms = 1000;

const role_words = { pre_candidate: "asks to stand", candidate: "candidate" };

// The second half of a line between two nodes ends at their rims.
function between(from, to, radius) {
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = Math.hypot(dx, dy) || 1;
    const [ux, uy] = [dx / length, dy / length];
    return { x1: from.x + ux * radius, y1: from.y + uy * radius, x2: to.x - ux * (radius + 5), y2: to.y - uy * (radius + 5), ux, uy };
}

function arrow(from, to, radius, kind) {
    const { x1, y1, x2, y2, ux, uy } = between(from, to, radius);
    const tip = `M${x2} ${y2}l${-9 * ux - 4.5 * uy} ${-9 * uy + 4.5 * ux}l${9 * uy} ${-9 * ux}z`;
    return [
        ["line", { class: `way ${kind}`, x1, y1, x2: x2 - 6 * ux, y2: y2 - 6 * uy }],
        ["path", { class: `tip ${kind}`, d: tip }],
    ];
}

function place_nodes(nodes) {
    if (nodes.length === 1) return [{ ...nodes[0], x: centre.x, y: centre.y }];
    const placed = nodes.map((node, at) => {
        const angle = (2 * Math.PI * at) / nodes.length - Math.PI / 2;
        return { ...node, x: centre.x + ring_radius * Math.cos(angle), y: centre.y + ring_radius * Math.sin(angle) };
    });
    const heights = placed.map((node) => node.y);
    const down = centre.y - (Math.min(...heights) + Math.max(...heights)) / 2;
    return placed.map((node) => ({ ...node, y: node.y + down }));
}

function kind_of(node, configuration) {
    if (!node.reachable) return "unreachable";
    const role = node.status?.role ?? "unknown";
    return role === "follower" && standing_words(configuration, node.id).startsWith("does not") ? "learner" : role;
}

export function newest_leader(nodes) {
    return nodes.filter((node) => node.reachable && node.status?.role === "leader").sort((a, b) => b.status.term - a.status.term)[0];
}

function way_kind(leader, node) {
    const peer = leader.status.peers.find((one) => one.id === node.id);
    if (!node.reachable || !peer || peer.last_contact_ms > silent_after_ms) return "cut";
    return peer.state;
}

export function draw_ring(cluster, self_id) {
    const configuration = newest_configuration(cluster.nodes);
    const placed = place_nodes(cluster.nodes);
    const radius = placed.length > many ? 21 : 25;
    const leader = newest_leader(placed);
    const shapes = [];
    for (const node of placed) if (leader && node.id !== leader.id && standing_words(configuration, node.id) !== "no member") shapes.push(...arrow(leader, node, radius, way_kind(leader, node)));
    if (!leader)
        for (const node of placed) {
            const choice = placed.find((one) => one.id === node.status?.voted_for && one.status?.term === node.status.term);
            if (choice && choice.id !== node.id) shapes.push(...arrow(node, choice, radius, "vote"));
        }
    for (const node of placed) shapes.push(...draw_node(node, radius, kind_of(node, configuration), node.id === self_id, placed.length > many));
    const svg = element("ring");
    draw(svg, shapes);
    set_attribute(svg, "aria-label", tell(placed, leader, configuration));
    const voted = !leader && shapes.some(([, attributes]) => attributes.class === "way vote");
    set_text(element("ring-words"), `${voted ? "Arrows show votes. " : ""}${majority_words(configuration, cluster.nodes, leader)}`);
}

// Among many, a plain follower needs no word, and there is no room for it.
function draw_node(node, radius, kind, self, crowded) {
    const { x, y } = node;
    const below = y > centre.y + 30 || node.y === centre.y;
    const shapes = [];
    if (kind === "leader") shapes.push(["circle", { class: "halo", cx: x, cy: y, r: radius + 5 }]);
    shapes.push(["circle", { class: `node ${kind}`, cx: x, cy: y, r: radius }]);
    shapes.push(["text", { class: `number ${kind}`, x, y: y + 6 }, String(node.id)]);
    if (kind === "unreachable") shapes.push(["path", { class: "cross", d: `M${x + radius - 10} ${y - radius + 1}l9 9m0 -9l-9 9` }]);
    const word = kind === "unreachable" ? "no answer" : (role_words[kind] ?? kind);
    if (crowded && kind === "follower" && !self) return shapes;
    const side = Math.abs(y - centre.y) < 60 && Math.abs(x - centre.x) > 60;
    shapes.push(["text", { class: `word ${kind}`, x, y: side || below ? y + radius + 19 : y - radius - 11 }, self ? `${word} (this page)` : word]);
    return shapes;
}

function tell(nodes, leader, configuration) {
    const of = (kind) => nodes.filter((node) => kind_of(node, configuration) === kind).map((node) => String(node.id));
    const words = [leader ? `node ${leader.id} leads in term ${leader.status.term}` : "nobody leads"];
    for (const [kind, word] of [["follower", "follower"], ["learner", "learner"], ["candidate", "candidate"], ["unreachable", "node without an answer"]]) {
        const ids = of(kind);
        if (ids.length > 0) words.push(`${plural(ids.length, word).replace("node without an answers", "nodes without an answer")}: ${list_words(ids)}`);
    }
    return words.join("; ");
}
