// The two tables: every node as it tells about itself, and every peer as the leader sees it.

import { element, make, make_head, set_attribute, set_link, set_number, set_text, update_rows } from "./dom.js";
import { bytes, duration, milliseconds, whole_milliseconds } from "./format.js";
import { newest_configuration, standing_words, trouble_words } from "./verdict.js";

const role_words = {
    pre_candidate: "pre-candidate",
};

function number_column(name, label, field) {
    return { name, label, fill: (cell, node) => set_number(cell, node.status?.[field]) };
}

function id_or_none(cell, status, id) {
    set_text(cell, status === null ? "–" : id > 0 ? String(id) : "none");
}

function fill_node(cell, node) {
    if (cell.children.length === 0) {
        const link = make("a", { class: "node-link" });
        cell.append(
            make("span", { class: "node-name" }, link, make("span", { class: "here" })),
            make("span", { class: "node-url" }),
        );
    }
    const [name, url] = cell.children;
    set_text(name.children[0], `node ${node.id}`);
    set_link(name.children[0], node.client_url);
    set_text(name.children[1], node.is_self ? "this page" : "");
    set_text(url, node.url);
}

function fill_role(cell, node, row) {
    const role = node.reachable ? (node.status?.role ?? "unknown") : "unreachable";
    const told = node.reachable ? (role_words[role] ?? role) : "no answer";
    if (cell.children.length === 0) cell.append(make("span", { class: "role" }), make("span", { class: "standing" }));
    set_text(cell.children[0], told);
    set_text(cell.children[1], node.standing);
    set_attribute(row, "data-role", role);
}

function fill_disk(cell, node) {
    const written = node.status?.disk_write_ms;
    if (cell.children.length === 0) cell.append(make("span"), make("span", { class: "p99" }));
    set_text(cell.children[0], milliseconds(written?.p50));
    set_text(cell.children[1], written ? milliseconds(written.p99) : "");
}

const node_columns = [
    { name: "node", label: "Node", fill: fill_node },
    { name: "role", label: "Role", fill: fill_role },
    number_column("term", "Term", "term"),
    { name: "leader", label: "Leader", fill: (cell, node) => id_or_none(cell, node.status, node.status?.leader?.id) },
    { name: "voted", label: "Voted for", fill: (cell, node) => id_or_none(cell, node.status, node.status?.voted_for) },
    number_column("commit", "Commit", "commit_index"),
    number_column("applied", "Applied", "applied_index"),
    number_column("last", "Last", "last_index"),
    { name: "trip", label: "Round trip", fill: (cell, node) => set_text(cell, node.is_self ? "here" : milliseconds(node.round_trip_ms)) },
    { name: "uptime", label: "Uptime", fill: (cell, node) => set_text(cell, duration(node.status?.uptime_seconds)) },
    { name: "storage", label: "Storage", fill: (cell, node) => set_text(cell, bytes(node.status?.storage_bytes)) },
    { name: "disk", label: "Disk write p50, p99", fill: fill_disk },
];

function fill_state(cell, peer) {
    const percent =
        peer.state === "snapshot" && typeof peer.snapshot_percent === "number"
            ? `, ${Math.floor(peer.snapshot_percent)} %`
            : "";
    if (cell.children.length === 0) cell.append(make("span"), make("progress", { max: "100", "aria-hidden": "true" }));
    const [words, bar] = cell.children;
    set_text(words, `${peer.state}${percent}`);
    bar.hidden = percent === "";
    bar.value = percent === "" ? 0 : peer.snapshot_percent;
}

const peer_columns = [
    { name: "node", label: "Peer", fill: fill_node },
    { name: "state", label: "State", fill: fill_state },
    { name: "match", label: "Match", fill: (cell, peer) => set_number(cell, peer.match_index) },
    { name: "next", label: "Next", fill: (cell, peer) => set_number(cell, peer.next_index) },
    { name: "lag", label: "Lag", fill: (cell, peer) => set_number(cell, peer.lag) },
    {
        name: "contact",
        label: "Last contact",
        fill: (cell, peer) => set_text(cell, whole_milliseconds(peer.last_contact_ms)),
    },
];

export function make_tables() {
    make_head(element("nodes"), node_columns);
    make_head(element("peers"), peer_columns);
}

export function update_tables(cluster, self_id) {
    const configuration = newest_configuration(cluster.nodes);
    const items = cluster.nodes.map((node) => ({
        ...node,
        is_self: node.id === self_id,
        standing: trouble_words(node.status) || standing_words(configuration, node.id),
    }));
    update_rows(element("nodes"), node_columns, items, "No members known.");
    update_peers(cluster.nodes);
}

// An old leader that has not heard of its successor may still call itself one: the higher term is the real one.
function update_peers(nodes) {
    const leader = nodes.filter((node) => node.status?.role === "leader").sort((a, b) => b.status.term - a.status.term)[0];
    const last_index = leader?.status.last_index ?? 0;
    const peers = (leader?.status.peers ?? []).map((peer) => ({
        ...peer,
        client_url: nodes.find((node) => node.id === peer.id)?.client_url,
        lag: Math.max(0, last_index - peer.match_index),
    }));
    set_text(element("peers-from"), leader ? `as node ${leader.id} sees it, leader of term ${leader.status.term}` : "");
    const nobody = leader
        ? `Node ${leader.id} leads alone: there is nobody to replicate to.`
        : "Known by the leader only, and there is none to ask.";
    update_rows(element("peers"), peer_columns, peers, nobody);
}
