#include "server/raft/election.h"

#include "server/raft/append_entries.h"
#include "server/raft/quorum.h"
#include "server/raft/replication.h"

#include <assert.h>
#include <inttypes.h>

uint32_t election_promise_ms(const struct raft *raft) {
    return (uint32_t)(raft->options.heartbeat_ms * UINT64_C(3) / 2);
}

/* Not less than a promise: till that is over nobody can win. */
static uint64_t timeout_ms(const struct raft *raft) {
    return raft->now_ms < raft->hurry_until_ms ? election_promise_ms(raft) : raft->options.election_timeout_ms;
}

void election_restart_timer(struct raft *raft) {
    uint64_t base = timeout_ms(raft);
    raft->election_deadline_ms = raft->now_ms + base + raft_random(raft, base);
}

static void promise(struct raft *raft) {
    uint64_t until_ms = raft->now_ms + election_promise_ms(raft);
    if (until_ms > raft->promise_until_ms) {
        raft->promise_until_ms = until_ms;
    }
}

void election_leader_heard(struct raft *raft, raft_node_id leader) {
    assert(raft->role == RAFT_FOLLOWER);
    raft->leader = leader;
    raft->leader_contact_ms = raft->now_ms;
    raft->leader_heard = true;
    raft->leader_gone = false;
    raft->hurry_until_ms = 0;
    promise(raft);
    election_restart_timer(raft);
}

void election_leader_gone(struct raft *raft) {
    raft->leader_gone = true;
    raft->hurry_until_ms = raft->now_ms + UINT64_C(2) * raft->options.election_timeout_ms;
    uint64_t bound_ms = raft->promise_until_ms > raft->now_ms ? raft->promise_until_ms : raft->now_ms;
    uint64_t deadline_ms = bound_ms + raft_random(raft, election_promise_ms(raft));
    if (deadline_ms < raft->election_deadline_ms) {
        raft->election_deadline_ms = deadline_ms;
    }
}

void election_renew_promise(struct raft *raft) {
    if (raft->leader_heard) {
        promise(raft);
    }
}

/* -- Campaigning -- */

static void ask_for_votes(struct raft *raft, bool pre_vote, bool transfer) {
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        peer->vote_round = 0;
        peer->vote_granted = false;
        if (!quorum_has_decider(raft_current_configuration(raft, NULL), peer->id)) {
            continue;
        }
        peer->vote_round = raft->next_round++;
        struct raft_message request = {
            .type = RAFT_REQUEST_VOTE,
            .from = raft->options.id,
            .to = peer->id,
            .term = raft->hard_state.term + (pre_vote ? 1 : 0),
            .round = peer->vote_round,
            .after_write = pre_vote ? 0 : raft->vote_write, /* The term must be on disk before anybody hears of it. */
            .request_vote = {.pre_vote = pre_vote, .transfer = transfer, .last_log = log_last(&raft->log)},
        };
        output_message(&raft->output, &request);
    }
}

/* §9.6: first asks whether an election could be won, so that a server that cannot win raises nobody's term. */
static void start_pre_vote(struct raft *raft) {
    raft->role = RAFT_PRE_CANDIDATE;
    raft->leader = 0;
    raft_trace(raft, true, "asks for pre-votes term=%" PRIu64 " last=%" PRIu64 "/%" PRIu64, raft->hard_state.term + 1,
               log_last(&raft->log).index, log_last(&raft->log).term);
    ask_for_votes(raft, true, false);
    /* A failed pre-vote costs nothing, so the next attempt comes sooner than a new election would. */
    uint64_t half = timeout_ms(raft) / 2;
    raft->election_deadline_ms = raft->now_ms + half + raft_random(raft, half + 1);
}

/* §3.4: a new term, a vote for itself, and a request to every other voter. */
static void start_election(struct raft *raft, bool transfer) {
    raft->role = RAFT_CANDIDATE;
    raft->leader = 0;
    raft->hard_state = (struct raft_hard_state){.term = raft->hard_state.term + 1, .voted_for = raft->options.id};
    assert(raft->hard_state.term <= RAFT_NUMBER_MAX);
    output_hard_state(&raft->output);
    append_entries_new_term(raft);
    raft->vote_write = output_wait_for(&raft->output, 0);
    raft_trace(raft, true, "asks for votes term=%" PRIu64 "%s", raft->hard_state.term,
               transfer ? " (leadership is handed over)" : "");
    ask_for_votes(raft, false, transfer);
    election_restart_timer(raft);
}

void election_start_transfer(struct raft *raft) {
    assert(raft->role == RAFT_FOLLOWER && raft_is_voter(raft));
    start_election(raft, true);
}

static uint64_t vote_of(const void *context, raft_node_id id) {
    const struct raft *raft = context;
    if (id == raft->options.id) {
        return 1;
    }
    const struct progress *peer = raft_progress((struct raft *)raft, id);
    assert(peer != NULL);
    return peer->vote_granted ? 1 : 0;
}

/* §4.3: of a joint configuration both majorities. A candidate that is in neither does not count itself (§4.2.2). */
static void check_majority(struct raft *raft) {
    if (quorum_value(raft_current_configuration(raft, NULL), vote_of, raft) == 0) {
        return;
    }
    if (raft->role == RAFT_PRE_CANDIDATE) {
        start_election(raft, false);
    } else if (raft->vote_write == 0) {
        replication_become_leader(raft);
    }
}

/* A server decides in the configuration in effect, or did in the one before while it is not known whether that is over:
 * its log may be the only one with the new configuration, and then nobody else can be elected (§4.2.2, Figure 4.6). A
 * learner never does (§4.2.1), nor a server that has learnt of its removal. */
static bool may_campaign(const struct raft *raft) {
    const struct configuration_at *current = configuration_current(&raft->configurations);
    if (quorum_has_decider(&current->configuration, raft->options.id)) {
        return !raft->unfit || election_is_sole_voter(raft);
    }
    if (raft->unfit || current->index <= raft->commit_index) {
        return false;
    }
    const struct configuration_at *before = configuration_previous(&raft->configurations);
    assert(before != NULL); /* The oldest that is kept is committed. */
    return quorum_has_decider(&before->configuration, raft->options.id);
}

bool election_is_sole_voter(const struct raft *raft) {
    return quorum_is_sole_voter(raft_current_configuration(raft, NULL), raft->options.id);
}

/* A sole voter waits for nobody, except for a leader that leaves the cluster to it (§4.2.2): while that may still live, and
 * while this server may have given it a promise before it was restarted, it waits as others do, for leases rest on that. */
static uint64_t sole_voter_next_ms(const struct raft *raft) {
    if (raft->role == RAFT_CANDIDATE) {
        return UINT64_MAX; /* Its own vote is on the way to the disk. */
    }
    if (raft->leader != 0) {
        return raft->election_deadline_ms;
    }
    const struct configuration_at *before = configuration_previous(&raft->configurations);
    bool was_alone = before == NULL || before->configuration.voter_count == 0 ||
                     quorum_is_sole_voter(&before->configuration, raft->options.id);
    return was_alone || raft->promise_until_ms < raft->now_ms ? raft->now_ms : raft->promise_until_ms;
}

void election_set_unfit(struct raft *raft) {
    bool campaigns = raft->role == RAFT_PRE_CANDIDATE || raft->role == RAFT_CANDIDATE;
    if (raft->unfit && campaigns && !election_is_sole_voter(raft)) {
        raft_become_follower(raft, raft->hard_state.term, 0);
    } else if (!raft->unfit && raft->role == RAFT_FOLLOWER) {
        election_restart_timer(raft); /* It has run out long ago: others first. */
    }
}

/* A server may not campaign, or not once the terms are used up. */
static bool may_stand(const struct raft *raft) {
    return raft->hard_state.term < RAFT_NUMBER_MAX && !raft->stranger && may_campaign(raft);
}

void election_tick(struct raft *raft) {
    assert(raft->role != RAFT_LEADER);
    if (raft->now_ms < election_next_ms(raft)) {
        return;
    }
    if (!may_stand(raft)) {
        /* Who is silent for so long leads nobody, or others soon. What was promised to it stands by itself. */
        raft_trace(raft, true, "hears no more of leader=%" PRIu64 " term=%" PRIu64, raft->leader, raft->hard_state.term);
        raft->leader = 0;
    } else if (election_is_sole_voter(raft)) {
        start_election(raft, false);
    } else {
        start_pre_vote(raft);
        check_majority(raft);
    }
}

uint64_t election_next_ms(const struct raft *raft) {
    if (!may_stand(raft)) {
        return raft->leader != 0 ? raft->election_deadline_ms : UINT64_MAX;
    }
    return election_is_sole_voter(raft) ? sole_voter_next_ms(raft) : raft->election_deadline_ms;
}

void election_persisted(struct raft *raft, raft_write write) {
    if (raft->role == RAFT_CANDIDATE && raft->vote_write != 0 && raft->vote_write <= write) {
        raft->vote_write = 0;
        check_majority(raft);
    }
}

/* -- Voting -- */

/* True while this server must or should not help to replace a leader: it has promised not to, or has heard one lately, or
 * is one. */
static bool leader_is_alive(const struct raft *raft) {
    if (raft->role == RAFT_LEADER || raft->now_ms < raft->promise_until_ms) {
        return true;
    }
    return raft->leader != 0 && !raft->leader_gone &&
           raft->now_ms < raft->leader_contact_ms + raft->options.election_timeout_ms;
}

/* §3.6.1: the candidate's log must be at least as up-to-date as ours: a later last term wins, then the longer log. */
static bool is_up_to_date(const struct raft *raft, struct raft_entry_id candidate) {
    struct raft_entry_id own = log_last(&raft->log);
    if (candidate.term != own.term) {
        return candidate.term > own.term;
    }
    return candidate.index >= own.index;
}

static bool grant_vote(struct raft *raft, const struct raft_message *request) {
    bool free_to_vote = raft->hard_state.voted_for == 0 || raft->hard_state.voted_for == request->from;
    if (request->term != raft->hard_state.term || !free_to_vote || !is_up_to_date(raft, request->request_vote.last_log)) {
        return false;
    }
    if (raft->hard_state.voted_for == 0) {
        raft->role = RAFT_FOLLOWER; /* It may have been asking for pre-votes. */
        raft->hard_state.voted_for = request->from;
        output_hard_state(&raft->output);
    }
    election_restart_timer(raft);
    return true;
}

void election_receive_request(struct raft *raft, const struct raft_message *request) {
    bool pre_vote = request->request_vote.pre_vote;
    /* §3.10: that the leader is alive is no reason to refuse whom it chose itself. */
    bool alive = leader_is_alive(raft) && (pre_vote || !request->request_vote.transfer);
    bool granted = false;
    if (pre_vote) {
        granted = !alive && request->term > raft->hard_state.term && is_up_to_date(raft, request->request_vote.last_log);
    } else if (!alive) {
        if (request->term > raft->hard_state.term) {
            raft_become_follower(raft, request->term, 0);
        }
        granted = grant_vote(raft, request);
    }
    raft_trace(raft, !pre_vote, "%s %s to=%" PRIu64 " term=%" PRIu64 "%s", granted ? "grants" : "refuses",
               pre_vote ? "pre-vote" : "vote", request->from, request->term, alive ? " (a leader is alive)" : "");
    struct raft_message answer = {
        .type = RAFT_VOTE_ANSWER,
        .from = raft->options.id,
        .to = request->from,
        .term = pre_vote && granted ? request->term : raft->hard_state.term,
        .round = request->round,
        .ticket = request->ticket,
        .after_write = output_wait_for(&raft->output, 0),
        .vote_answer = {.pre_vote = pre_vote, .vote_granted = granted},
    };
    output_message(&raft->output, &answer);
}

void election_receive_answer(struct raft *raft, const struct raft_message *answer) {
    bool pre_vote = answer->vote_answer.pre_vote;
    enum raft_role asking = pre_vote ? RAFT_PRE_CANDIDATE : RAFT_CANDIDATE;
    struct progress *peer = raft_progress(raft, answer->from);
    /* Only the answer to this campaign's own question counts: a late pre-vote is no vote. */
    if (raft->role != asking || peer == NULL || peer->vote_round == 0 || peer->vote_round != answer->round) {
        return;
    }
    peer->vote_round = 0;
    raft_term expected = raft->hard_state.term + (pre_vote ? 1 : 0);
    if (answer->vote_answer.vote_granted && answer->term == expected) {
        peer->vote_granted = true;
        check_majority(raft);
    }
}

void election_send_failed(struct raft *raft, raft_node_id to, raft_round round) {
    struct progress *peer = raft_progress(raft, to);
    if (peer != NULL && peer->vote_round == round) {
        peer->vote_round = 0;
    }
}
