// Who can still reach a majority, in words. Pure. Seen from one node: whoever it cannot reach may still reach one another.

import { list_words } from "./format.js";

const heard_within_ms = 1000;

function lists_of(configuration) {
    const { voters, outgoing } = configuration;
    return (outgoing?.length > 0 ? [voters, outgoing] : [voters]).map((list) => list.map((voter) => voter.id));
}

const needed = (list) => Math.floor(list.length / 2) + 1;

// While two configurations count, a majority of each is needed.
export function is_majority(configuration, ids) {
    return lists_of(configuration).every((list) => list.filter((id) => ids.includes(id)).length >= needed(list));
}

function names(ids) {
    return `${ids.length === 1 ? "Node" : "Nodes"} ${list_words(ids.map(String))}`;
}

// Of a leader that has heard too few; "" of any other.
export function leader_words(configuration, leader) {
    const heard = (leader?.status.peers ?? []).filter((peer) => peer.last_contact_ms <= heard_within_ms).map((peer) => peer.id);
    if (!leader || is_majority(configuration, [leader.id, ...heard])) return "";
    return `Node ${leader.id} leads, but has heard ${heard.length === 0 ? "nobody" : `only ${names(heard).toLowerCase()}`} in the last second.`;
}

// leader: the node that leads by its own word, or nothing.
export function majority_words(configuration, nodes, leader) {
    if (configuration === null) return "";
    const lists = lists_of(configuration);
    const deaf = leader_words(configuration, leader).replace(/^N/, " N");
    const voters = [...new Set(lists.flat())].sort((a, b) => a - b);
    const here = voters.filter((id) => nodes.some((node) => node.id === id && node.reachable));
    const away = voters.filter((id) => !here.includes(id));
    const count = lists.length === 1 ? `${needed(lists[0])} of ${lists[0].length}` : "of the old and of the new voters";
    if (voters.length === 1) return "The only voter is a majority by itself.";
    if (away.length === 0) return `All voters are within reach; a majority is ${count}.${deaf}`;
    if (is_majority(configuration, here)) {
        const rest = `${names(away)}${away.length > 1 ? ", even together," : ""} cannot.`;
        return `${names(here)} can reach a majority (${count}). ${rest}${deaf}`;
    }
    const others = is_majority(configuration, away)
        ? `${names(away)} would be one, if they reach each other: their own pages tell.`
        : `Nor can ${names(away).toLowerCase()} by themselves.`;
    return `${here.length > 0 ? names(here) : "Nobody here"} cannot reach a majority (${count}). ${others}`.replace("Nobody here cannot", "Nobody here can");
}
