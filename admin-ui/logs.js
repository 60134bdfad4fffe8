// What the logs of several nodes say, compared by the runs of terms in their statuses. Pure. Two entries with the same index
// and the same term are the same entry (Log Matching, §3.5), so terms are all that has to be compared.

// How many entries a cell may stand for, so that one that does not answer is still seen.
const silent_shown = 8;

// 0: the node has no entry there, or it lies in its snapshot.
export function term_at(status, index) {
    const runs = status.log_terms ?? [];
    if (index > status.last_index || index < status.first_index) return 0;
    for (let at = runs.length - 1; at >= 0; at -= 1) if (runs[at].from <= index) return runs[at].term;
    return 0;
}

// The log that the others are measured by: the leader's of the newest term; without a leader the one that would win.
export function find_reference(nodes) {
    const told = nodes.filter((node) => node.status && node.status.role !== "waiting").map((node) => node.status);
    const leaders = told.filter((status) => status.role === "leader").sort((a, b) => b.term - a.term);
    const longest = told.sort((a, b) => b.last_term - a.last_term || b.last_index - a.last_index);
    return leaders[0] ?? longest[0] ?? null;
}

// Statuses are asked for one after the other, and a busy log moves on meanwhile. What the leader knows a follower to hold,
// and what a follower can only have from this leader, is there, whoever was asked first.
export function level(statuses, reference) {
    if (reference === null || reference.role !== "leader") return statuses;
    const own = statuses.filter((status) => status.last_term === reference.term && status.term === reference.term);
    const last_index = Math.max(reference.last_index, ...own.map((status) => status.last_index));
    const leader = { ...reference, last_index };
    return statuses.map((status) => {
        if (status === reference) return leader;
        const match = reference.peers.find((peer) => peer.id === status.id)?.match_index ?? 0;
        if (match <= status.last_index || status.term !== reference.term || conflict_from(reference, status) > 0) return status;
        const gained = reference.log_terms.filter((run) => run.from > status.last_index && run.from <= match);
        const next = term_at(reference, status.last_index + 1);
        const joined = status.last_term !== next && gained[0]?.from !== status.last_index + 1 && next > 0 ? [{ from: status.last_index + 1, term: next }] : [];
        return { ...status, last_index: match, last_term: term_at(leader, match), log_terms: [...status.log_terms, ...joined, ...gained] };
    });
}

// The first index from which on a log is not a prefix of the leader's: these entries will be cut off. 0: there is none.
export function conflict_from(reference, status) {
    if (reference === null || reference.role !== "leader" || reference.id === status.id) return 0;
    const first = Math.max(reference.first_index, status.first_index, status.log_terms?.[0]?.from ?? 1, reference.log_terms?.[0]?.from ?? 1);
    const runs = [...(reference.log_terms ?? []), ...(status.log_terms ?? [])].map((run) => run.from);
    const points = [first, ...runs, reference.last_index + 1].filter((at) => at >= first && at <= status.last_index);
    for (const at of points.sort((a, b) => a - b)) {
        const own = term_at(status, at);
        // A status may be a little newer than the leader's: what is of the leader's own term came from it.
        const differs = at > reference.last_index ? own < reference.term : own !== term_at(reference, at);
        if (own > 0 && own <= reference.term && differs) return at;
    }
    return 0;
}

// [{from, to, term, committed}] of what a node has in (low, high].
export function pieces(status, low, high) {
    const found = [];
    const runs = status.log_terms ?? [];
    for (const [at, run] of runs.entries()) {
        const end = Math.min(high, runs[at + 1] ? runs[at + 1].from - 1 : status.last_index);
        const from = Math.max(low + 1, run.from, status.first_index);
        if (from > end) continue;
        const commit = status.commit_index;
        if (from <= commit) found.push({ from, to: Math.min(end, commit), term: run.term, committed: true });
        if (end > commit) found.push({ from: Math.max(from, commit + 1), to: end, term: run.term, committed: false });
    }
    return found;
}

// How many entries a cell must stand for, so that `cells` of them show everything in which the logs differ.
export function fit(nodes, reference, cells) {
    if (reference === null) return { low: 0, each: 1 };
    const told = nodes.filter((node) => node.status && node.status.role !== "waiting");
    const high = Math.max(...told.map((node) => node.status.last_index));
    // One that needs a snapshot, or is away for long, would stretch the scale until nothing else could be told apart.
    const near = high - cells * silent_shown;
    const shown = told
        .filter((node) => node.status.last_index >= reference.first_index - 1 && (node.reachable || node.status.last_index > near))
        .map((node) => node.status);
    const points = shown.map((status) => conflict_from(reference, status) || Math.min(status.last_index, status.commit_index));
    const wanted = (high - Math.min(high, ...points)) * 1.1 + 2;
    let each = 1;
    while (each * cells < wanted) each *= 2;
    return { low: Math.max(0, high + (each === 1 ? 1 : 0) - cells * each), each };
}
