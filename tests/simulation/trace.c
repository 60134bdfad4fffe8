/* One readable line per decision. Nothing is worked out while nobody asked for a trace. */
#include "simulation.h"

#include <stdarg.h>

static void tell(void *context, const char *format, ...) {
    const struct simulation *simulation = context;
    va_list arguments;
    printf("%6" PRIu64 " %4" PRIu64 " | ", simulation->cluster->now_ms - CLUSTER_BEGIN_MS, simulation->step);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static void tell_request(void *context, const struct packet *packet, const struct message_request *request) {
    const struct raft_message *raft = &request->raft;
    char what[160] = "";
    switch (request->kind) {
    case MESSAGE_REQUEST_VOTE:
        snprintf(what, sizeof what, "term %" PRIu64 "%s, last %" PRIu64 " of %" PRIu64, raft->term,
                 raft->request_vote.pre_vote ? " (pre)" : "", raft->request_vote.last_log.index,
                 raft->request_vote.last_log.term);
        break;
    case MESSAGE_APPEND_ENTRIES:
        snprintf(what, sizeof what, "term %" PRIu64 ", %zu entries after %" PRIu64 " of %" PRIu64 ", commit %" PRIu64,
                 raft->term, raft->append_entries.entry_count, raft->append_entries.prev.index,
                 raft->append_entries.prev.term, raft->append_entries.leader_commit);
        break;
    case MESSAGE_INSTALL_SNAPSHOT:
        snprintf(what, sizeof what, "term %" PRIu64 ", %zu bytes from %" PRIu64 " of snapshot %" PRIu64 "%s",
                 request->install.term, request->install.size, request->install.offset, request->install.snapshot.id.index,
                 request->install.done ? ", the last" : "");
        break;
    case MESSAGE_PROPOSE:
        snprintf(what, sizeof what, "%zu commands for term %" PRIu64, request->propose.count, request->propose.term);
        break;
    default:
        break;
    }
    tell(context, "node %zu sends #%" PRIu64 " to %zu: %s %s%s", packet->from + 1, packet->number, packet->to + 1,
         message_kind_name(request->kind), what, packet->not_sent ? " (refused)" : "");
}

static void tell_answer(void *context, const struct packet *packet, const struct message_answer *answer) {
    char what[160] = "";
    const struct raft_message *raft = &answer->raft;
    if (answer->problem.code != PROBLEM_NONE) {
        snprintf(what, sizeof what, "%s: %.100s", problem_name(answer->problem.code), answer->problem.detail);
    } else if (answer->kind == MESSAGE_REQUEST_VOTE) {
        snprintf(what, sizeof what, "%s%s", raft->vote_answer.vote_granted ? "granted" : "refused",
                 raft->vote_answer.pre_vote ? " (pre)" : "");
    } else if (answer->kind == MESSAGE_APPEND_ENTRIES && raft->append_answer.success) {
        snprintf(what, sizeof what, "match %" PRIu64, raft->append_answer.match_index);
    } else if (answer->kind == MESSAGE_APPEND_ENTRIES) {
        snprintf(what, sizeof what, "conflict at %" PRIu64 " of %" PRIu64, raft->append_answer.conflict_index,
                 raft->append_answer.conflict_term);
    } else if (answer->kind == MESSAGE_READ_INDEX) {
        snprintf(what, sizeof what, "read index %" PRIu64, answer->read_index);
    } else if (answer->kind == MESSAGE_INSTALL_SNAPSHOT) {
        snprintf(what, sizeof what, "stored %" PRIu64 "%s", answer->install.stored,
                 answer->install.installed ? ", installed" : "");
    }
    tell(context, "node %zu answers #%" PRIu64 " of %zu, term %" PRIu64 ": %s %s", packet->to + 1, packet->number,
         packet->from + 1, answer->term, message_kind_name(answer->kind), what);
}

static void tell_message(void *context, const struct packet *packet, const struct message_request *request,
                         const struct message_answer *answer) {
    if (request != NULL) {
        tell_request(context, packet, request);
    } else {
        tell_answer(context, packet, answer);
    }
}

void trace_begin(struct simulation *simulation) {
    simulation->cluster->tell = tell;
    simulation->cluster->tell_message = tell_message;
    simulation->cluster->tell_context = simulation;
}
