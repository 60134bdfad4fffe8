#include "server/raft/membership.h"

#include "server/raft/change.h"
#include "server/raft/install_snapshot.h"
#include "server/raft/quorum.h"
#include "server/raft/transfer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* A configuration may follow the one in effect once that is committed (§4.1), and once an entry of this leader's own term
 * is: without that two leaders could each change another configuration by one server, to two that share no majority (the
 * erratum of 2015). */
static bool may_follow(const struct raft *raft) {
    return raft->commit_index >= raft->term_first_index &&
           raft->commit_index >= configuration_current(&raft->configurations)->index;
}

static bool is_heard(const struct raft *raft, const struct progress *peer) {
    return raft->now_ms < peer->last_contact_ms + raft->options.election_timeout_ms;
}

/* -- The beginning -- */

static uint64_t heard_of(const void *context, raft_node_id id) {
    const struct raft *raft = context;
    const struct progress *peer = raft_progress((struct raft *)raft, id);
    return id == raft->options.id || peer == NULL || peer->leaving || is_heard(raft, peer) ? 1 : 0;
}

static void offer(struct raft *raft, const struct raft_configuration *configuration) {
    raft->offer = (struct membership_offer){.after = configuration_current(&raft->configurations)->index,
                                            .configuration = *configuration};
}

enum raft_change_verdict membership_change(struct raft *raft, const struct raft_configuration *target,
                                           struct raft_configuration *out_first) {
    assert(configuration_is_valid(target) && !change_is_under_way(target));
    const struct raft_configuration *current = raft_current_configuration(raft, NULL);
    if (raft->role != RAFT_LEADER || raft->transfer_to != 0) {
        return RAFT_CHANGE_NOT_LEADER;
    }
    if (raft->commit_index < raft->term_first_index) {
        return RAFT_CHANGE_NOT_YET;
    }
    if (!may_follow(raft) || change_is_under_way(current)) {
        return RAFT_CHANGE_IN_PROGRESS;
    }
    if (change_union_size(current, target) > RAFT_MEMBERS_MAX) {
        return RAFT_CHANGE_TOO_MANY;
    }
    bool none = configuration_equal(current, target);
    /* Servers to come are not asked for: they have to catch up first. */
    if (!none && quorum_value(target, heard_of, raft) == 0) {
        return RAFT_CHANGE_NO_MAJORITY;
    }
    *out_first = change_first(current, target);
    offer(raft, out_first);
    return none ? RAFT_CHANGE_NONE : RAFT_CHANGE_BEGUN;
}

static void trace_appended(struct raft *raft, const struct raft_entry *entry) {
    const struct raft_configuration *c = entry->configuration;
    raft_trace(raft, true,
               "appends a configuration index=%" PRIu64 " voters=%zu learners=%zu outgoing=%zu to-be-voters=%zu%s",
               entry->id.index, c->voter_count, c->learner_count, c->outgoing_count, c->next_voter_count,
               raft->offer.gives_up ? " (takes back what was begun)" : "");
}

bool membership_append(struct raft *raft, struct raft_entry *entry) {
    assert(raft->role == RAFT_LEADER && entry->configuration != NULL);
    if (raft->offer.after == 0) {
        return false;
    }
    assert(raft->offer.after == configuration_current(&raft->configurations)->index);
    assert(configuration_equal(&raft->offer.configuration, entry->configuration));
    assert(may_follow(raft));
    entry->id = (struct raft_entry_id){log_last_index(&raft->log) + 1, raft->hard_state.term};
    trace_appended(raft, entry);
    raft->offer.after = 0;
    raft_append(raft, entry);
    return true;
}

/* -- Catching up (§4.2.1) -- */

static void begin_round(struct raft *raft, struct progress_rounds *rounds) {
    rounds->count++;
    rounds->target = log_last_index(&raft->log);
    rounds->began_ms = raft->now_ms;
    rounds->progress_ms = raft->now_ms;
}

/* A round that took less than an election time-out: what came meanwhile takes no longer, so as a voter it holds nobody up
 * for longer than an election would. */
static void end_round(struct raft *raft, const struct progress *peer, struct progress_rounds *rounds) {
    rounds->caught_up = raft->now_ms - rounds->began_ms < raft->options.election_timeout_ms;
    rounds->progress_ms = raft->now_ms;
    raft_trace(raft, true, "%s node=%" PRIu64 " round=%u match=%" PRIu64,
               rounds->caught_up ? "has caught up" : "needs another round", peer->id, (unsigned)rounds->count,
               peer->match_index);
    if (!rounds->caught_up) {
        begin_round(raft, rounds);
    }
}

static void watch(struct raft *raft, struct progress *peer) {
    struct progress_rounds *rounds = &peer->rounds;
    if (peer->match_index > rounds->match_index) {
        rounds->match_index = peer->match_index;
        rounds->progress_ms = raft->now_ms;
    }
    bool has_all = peer->match_index == log_last_index(&raft->log);
    if (has_all && peer->last_contact_ms > rounds->progress_ms) {
        rounds->progress_ms = peer->last_contact_ms; /* Contact alone is progress only where nothing is left to do. */
    }
    if (peer->progress_ms > rounds->progress_ms) {
        rounds->progress_ms = peer->progress_ms; /* A part of a snapshot. */
    }
    while (!rounds->caught_up && peer->match_index >= rounds->target) { /* The next may have nothing to bring. */
        end_round(raft, peer, rounds);
    }
}

/* No progress for too long, or rounds without end. */
static bool is_given_up(const struct raft *raft, const struct progress_rounds *rounds) {
    return raft->now_ms >= rounds->progress_ms + RAFT_CATCH_UP_SILENCE_MS || rounds->count > RAFT_CATCH_UP_ROUNDS_MAX;
}

/* A new leader, or another configuration: all begins anew. */
static void begin_watch(struct raft *raft, const struct configuration_at *current) {
    raft->catch_up_index = current->index;
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        peer->rounds = (struct progress_rounds){.match_index = peer->match_index};
        begin_round(raft, &peer->rounds);
    }
}

/* True when all new voters have caught up; else `out_given_up_on` is who never will, 0 when that cannot be said yet. */
static bool have_caught_up(struct raft *raft, const struct configuration_at *current, raft_node_id *out_given_up_on) {
    if (raft->catch_up_index != current->index) {
        begin_watch(raft, current);
    }
    *out_given_up_on = 0;
    bool all = true;
    for (size_t i = 0; i < current->configuration.next_voter_count; i++) {
        raft_node_id id = current->configuration.next_voters[i];
        if (quorum_has_voter(&current->configuration, id) || id == raft->options.id) {
            continue; /* A leader has all there is, also where it is to be a voter again. */
        }
        struct progress *peer = raft_progress(raft, id);
        assert(peer != NULL);
        watch(raft, peer);
        if (*out_given_up_on == 0 && is_given_up(raft, &peer->rounds)) {
            *out_given_up_on = id;
        }
        all = all && peer->rounds.caught_up && is_heard(raft, peer); /* One that died since would hold everybody up. */
    }
    return all;
}

/* -- The next step -- */

static void find_step(struct raft *raft) {
    const struct configuration_at *current = configuration_current(&raft->configurations);
    struct membership_offer before = raft->offer;
    raft->offer.after = 0;
    if (!change_is_under_way(&current->configuration) || !may_follow(raft)) {
        return;
    }
    raft_node_id given_up_on = 0;
    /* §4.3: what is joint leads on as soon as it is committed, also by a leader that finds it so. */
    bool goes_on = current->configuration.outgoing_count > 0 || have_caught_up(raft, current, &given_up_on);
    if ((!goes_on && given_up_on == 0) || raft->transfer_to != 0) {
        return;
    }
    struct raft_configuration next =
        goes_on ? change_next(&current->configuration) : change_taken_back(&current->configuration);
    offer(raft, &next);
    raft->offer.gives_up = !goes_on;
    raft->offer.given_up_on = goes_on ? 0 : given_up_on;
    if (!goes_on && !(before.after == current->index && before.gives_up)) {
        raft_trace(raft, true, "gives up on new voter node=%" PRIu64 ", which makes no progress", given_up_on);
    }
}

void membership_show(const struct raft *raft, struct raft_actions *actions) {
    if (raft->role == RAFT_LEADER && raft->offer.after != 0) {
        actions->configuration_due = &raft->offer.configuration;
        actions->change_given_up = raft->offer.gives_up;
        actions->given_up_on = raft->offer.given_up_on;
    }
}

void membership_end(struct raft *raft) {
    raft->offer.after = 0;
    raft->catch_up_index = 0;
    raft_configuration_changed(raft); /* No farewells any more. */
}

/* -- Who is left out -- */

void membership_begin_farewell(struct raft *raft, const struct progress *known) {
    assert(raft->role == RAFT_LEADER && raft->peer_count < RAFT_MEMBERS_MAX);
    struct progress *peer = &raft->peers[raft->peer_count++];
    *peer = *known;
    if (!known->leaving) {
        peer->leaving = true;
        peer->leaving_index = configuration_current(&raft->configurations)->index;
        peer->leaving_round = 0;
        peer->leaving_until_ms = UINT64_MAX;
    }
}

void membership_said_farewell(struct progress *peer, const struct progress_request *request) {
    if (peer->leaving && peer->leaving_round != 0 && request->round >= peer->leaving_round &&
        request->last >= peer->leaving_index) {
        peer->leaving_until_ms = 0; /* It knows that it is out. */
    }
}

/* A server that is removed falls silent when it learns that this is committed, so the leader that removes it tells it
 * (§4.2.3 is for those that nobody can tell). For no longer than an election time-out: by then it is dead or cut off. */
static void say_farewells(struct raft *raft) {
    size_t kept = 0;
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        if (peer->leaving && peer->leaving_round == 0 && raft->commit_index >= peer->leaving_index) {
            peer->leaving_round = raft->next_round;
            peer->leaving_until_ms = raft->now_ms + raft->options.election_timeout_ms;
            peer->heartbeat_wanted = true;
        }
        bool too_far = peer->state == RAFT_SNAPSHOT || install_snapshot_is_needed(raft, peer);
        if (peer->leaving && (raft->now_ms >= peer->leaving_until_ms || too_far)) {
            continue;
        }
        if (kept != i) {
            raft->peers[kept] = *peer;
        }
        kept++;
    }
    raft->peer_count = kept;
}

void membership_flush(struct raft *raft) {
    assert(raft->role == RAFT_LEADER);
    say_farewells(raft);
    find_step(raft);
}

/* §4.2.2: a leader that is no voter any more leads until that is committed, counting itself in no majority, and then leaves
 * at once: it lets the voter with the longest log campaign rather than have all of them wait for an election time-out. */
void membership_leave(struct raft *raft) {
    assert(raft->role == RAFT_LEADER);
    if (raft_is_voter(raft) || raft->commit_index < configuration_current(&raft->configurations)->index) {
        return;
    }
    raft_node_id to = transfer_furthest(raft);
    raft_trace(raft, true, "is no voter any more and hands over to=%" PRIu64, to);
    transfer_tell(raft, to);
    raft_become_follower(raft, raft->hard_state.term, 0);
}
