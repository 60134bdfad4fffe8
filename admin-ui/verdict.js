// What the answer of GET /v1/cluster means, in words. Pure: the same answer always gives the same verdict.
//
// tone:  fine, warn, bad or idle (colour and mark; never the only sign)
// state: which of the designed states of the page this is
// The headline changes only with the state, because a screen reader speaks it; figures stand in sentence and notes.

import { bytes, list_words, plural, whole_milliseconds } from "./format.js";
import { leader_words } from "./majority.js";

export function judge(cluster, self_id) {
    const nodes = cluster.nodes;
    const own = nodes.find((node) => node.id === self_id)?.status ?? null;
    const configuration = newest_configuration(nodes);
    const leader_id = cluster.leader > 0 ? cluster.leader : 0;
    const view = { leader_id, term: cluster.term, configuration, notes: [] };

    if (own?.role === "waiting" || configuration === null) return { ...view, ...waiting(own, self_id) };
    if (own?.role === "removed") return { ...view, ...removed(self_id) };

    const quorum = count_quorum(configuration, nodes);
    const unreachable = nodes.filter((node) => !node.reachable);
    view.notes = [...member_notes(configuration), ...disk_notes(nodes)];
    const differing = find_divergence(nodes);
    if (quorum.spare < 0) return { ...view, ...majority_lost(quorum, unreachable) };
    const out = nodes.filter((node) => node.status?.diverged);
    if (out.length > 0)
        return { ...view, ...diverged(`${name_nodes(out)}: out of service until mended by a snapshot.`, quorum) };
    if (differing !== null) return { ...view, ...diverged(differing, quorum) };
    if (leader_id === 0) return { ...view, ...no_leader(quorum, cluster.term) };
    const words = leader_words(configuration, nodes.find((node) => node.id === leader_id && node.status?.role === "leader"));
    if (words !== "") return { ...view, ...deaf(quorum, words) };
    if (unreachable.length > 0) return { ...view, ...degraded(quorum, unreachable, leader_id) };
    if (nodes.some(has_bad_disk)) return { ...view, ...bad_disk(quorum) };
    return { ...view, tone: "fine", state: "fine", mark: "✓", headline: "All fine", sentence: quorum_sentence(quorum) };
}

// The leader's configuration is the one that counts; without it the newest that anybody tells.
export function newest_configuration(nodes) {
    const told = nodes.filter((node) => node.status?.configuration);
    const leader = told.filter((node) => node.status.role === "leader").sort((a, b) => b.status.term - a.status.term)[0];
    const newest = told.sort((a, b) => b.status.configuration.index - a.status.configuration.index)[0];
    return (leader ?? newest)?.status.configuration ?? null;
}

// What keeps a node that answers from its work.
export function trouble_words(status) {
    if (status?.diverged) return "out of service";
    return status?.disk?.full ? "disk full" : status?.disk?.stalled ? "disk stalls" : "";
}

// What the configuration says of a node beyond its role; a plain voter needs no word.
export function standing_words(configuration, id) {
    if (configuration === null) return "";
    const among = (members) => (members ?? []).find((member) => member.id === id);
    const learner = among(configuration.learners);
    const voter = among(configuration.voters);
    const outgoing = among(configuration.outgoing);
    if (outgoing && !voter) return learner ? "voter, becomes learner" : "outgoing voter";
    if (voter && !outgoing && configuration.outgoing?.length > 0) return "incoming voter";
    if (learner) return learner.promote ? "becomes a voter" : "does not vote";
    return voter ? "" : "no member";
}

// During joint consensus both the new and the old voters must have a majority, so the scarcer side decides.
function count_quorum(configuration, nodes) {
    const reachable = new Set(nodes.filter((node) => node.reachable).map((node) => node.id));
    const count = (voters) => {
        const up = voters.filter((voter) => reachable.has(voter.id)).length;
        return { up, all: voters.length, spare: up - (Math.floor(voters.length / 2) + 1) };
    };
    const voters = count(configuration.voters);
    const outgoing = configuration.outgoing?.length > 0 ? count(configuration.outgoing) : null;
    return { voters, outgoing, spare: Math.min(voters.spare, outgoing?.spare ?? voters.spare) };
}

function count_words({ voters, outgoing }) {
    const words = `${voters.up} of ${plural(voters.all, "voter")}`;
    return outgoing ? `${words} and ${outgoing.up} of ${outgoing.all} outgoing reachable` : `${words} reachable`;
}

function quorum_sentence(quorum) {
    const counted = count_words(quorum);
    if (quorum.spare > 0) return `${counted}: the cluster survives the loss of ${plural(quorum.spare, "more node")}.`;
    if (quorum.voters.all === 1 && !quorum.outgoing) return `${counted}: a single node, and no loss is survived.`;
    return `${counted}: the cluster works, but does not survive the loss of another.`;
}

function name_nodes(nodes) {
    return `${nodes.length === 1 ? "Node" : "Nodes"} ${list_words(nodes.map((node) => String(node.id)))}`;
}

function waiting(own, self_id) {
    const missing = own?.waiting_for ?? [];
    return {
        tone: "idle",
        state: "waiting",
        mark: "…",
        headline: "Waiting to form",
        sentence:
            missing.length === 0
                ? `Node ${self_id} is in no cluster yet and goes on asking.`
                : `Node ${self_id} waits for ${plural(missing.length, "other node")} and goes on asking:`,
        notes: missing.map((node) =>
            node.id > 0 ? `node ${node.id} at ${node.url}: ${node.why}` : `${node.url}: ${node.why}`,
        ),
    };
}

function has_bad_disk(node) {
    return node.status?.disk?.full === true || node.status?.disk?.stalled === true;
}

function disk_notes(nodes) {
    return nodes
        .filter(has_bad_disk)
        .map((node) =>
            node.status.disk.full
                ? `node ${node.id}: its disk is full (${bytes(node.status.disk.free_bytes)} free)`
                : `node ${node.id}: its disk stalls (a write takes ${whole_milliseconds(node.status.disk.oldest_write_ms)} so far)`,
        );
}

function bad_disk(quorum) {
    return {
        tone: "warn",
        state: "disk",
        mark: "!",
        headline: "A disk is full or stalls",
        sentence: quorum_sentence(quorum),
    };
}

function removed(self_id) {
    return {
        tone: "warn",
        state: "removed",
        mark: "!",
        headline: `Node ${self_id} was removed`,
        sentence: "It is no longer a member of the cluster. What it shows stopped with its removal.",
    };
}

function majority_lost(quorum, unreachable) {
    return {
        tone: "bad",
        state: "majority-lost",
        mark: "✕",
        headline: "Majority lost",
        sentence:
            `${count_words(quorum)}: nothing is committed until ${plural(-quorum.spare, "more node")} ` +
            `${quorum.spare === -1 ? "answers" : "answer"}. Stale queries still work. ` +
            `${name_nodes(unreachable)} ${unreachable.length === 1 ? "does" : "do"} not answer.`,
    };
}

function no_leader(quorum, term) {
    return {
        tone: "warn",
        state: "no-leader",
        mark: "!",
        headline: "No leader",
        sentence: `${count_words(quorum)}: nobody leads in term ${term}, an election may be under way.`,
    };
}

// All that answer this node need not answer the leader.
function deaf(quorum, words) {
    return {
        tone: "warn",
        state: "deaf",
        mark: "!",
        headline: "The leader hears no majority",
        sentence: `${words} It commits nothing meanwhile, and steps down if this lasts. From here ${count_words(quorum)}.`,
    };
}

function degraded(quorum, unreachable, leader_id) {
    const lost_leader = unreachable.some((node) => node.id === leader_id)
        ? ` Node ${leader_id} is the last known leader.`
        : "";
    return {
        tone: "warn",
        state: "unreachable",
        mark: "!",
        headline: `${name_nodes(unreachable)} ${unreachable.length === 1 ? "does" : "do"} not answer`,
        sentence: `${quorum_sentence(quorum)}${lost_leader}`,
    };
}

function diverged(sentence, quorum) {
    return {
        tone: "bad",
        state: "diverged",
        mark: "✕",
        headline: "Replicas differ",
        sentence: `${sentence} ${quorum_sentence(quorum)}`,
    };
}

// The same index must have the same hash everywhere: the machine is deterministic, or it is not a replicated one.
function find_divergence(nodes) {
    const hashed = nodes.filter((node) => node.status?.state_hash);
    for (const one of hashed) {
        const { index, hash } = one.status.state_hash;
        const same_index = hashed.filter((node) => node.status.state_hash.index === index);
        if (same_index.some((node) => node.status.state_hash.hash !== hash))
            return `${name_nodes(same_index)} tell different state hashes at index ${index}.`;
    }
    return null;
}

function member_notes(configuration) {
    const notes = (configuration.learners ?? [])
        .filter((learner) => learner.promote)
        .map((learner) => `Node ${learner.id} catches up and becomes a voter.`);
    if (configuration.outgoing?.length > 0) {
        const ids = (voters) => list_words(voters.map((voter) => String(voter.id)));
        notes.push(
            `The voters change from ${ids(configuration.outgoing)} to ${ids(
                configuration.voters,
            )}: both must agree meanwhile.`,
        );
    }
    return notes;
}
