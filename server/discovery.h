/* How nodes that were told one name and how many they are to be (`--discover raftd:8001 --expect 3`) find each other. The
 * host looks the name up (server/lookup.h) and says what it found; what is there is asked who it is (/raft/v1/probe).
 *
 *     BLANK, no cluster seen    the list of --cluster is made here: this node and the blank ones that answer, of those the
 *                               lowest `expect` ids. With such a list, which all on it have too, formation goes on as it
 *                               does with one that was typed in.
 *     BLANK, a cluster seen     it is asked to take this node in (server/joining.h).
 *     HOLDING, FORMED           whoever answers somewhere else than where he was known to be is called there: all
 *                               addresses may be new after a restart.
 *
 * It goes on until there is a leader. A leader looks again while a member does not answer: it may be the one whom a
 * member that moved cannot find, as what it knows of it is where it was itself.
 *
 * Safety. A disk holds one first configuration and never another one, and nobody votes before all `expect` disks of it do.
 * So two clusters would take 2 * expect blank disks: at most 2 * expect - 1 may be started together, and later fewer than
 * `expect` at a time, since blank nodes that see only each other cannot know of a cluster. If two first configurations are
 * written all the same (names that resolve differently for long), neither is formed; what is to be emptied is said.
 *
 * Liveness. Views differ while containers start: a list counts only when it has not changed for DISCOVERY_STABLE_MS. */
#ifndef RAFTD_DISCOVERY_H
#define RAFTD_DISCOVERY_H

#include "server/node.h"

enum {
    DISCOVERY_MAX = 64, /* Addresses that are looked at; further ones are not. */
    DISCOVERY_LOOKUP_MS = 1000,
    DISCOVERY_LED_MS = 3000, /* Between look-ups, and between probes of one address, when this node leads. */
    DISCOVERY_STABLE_MS = 1000,
    DISCOVERY_FRESH_MS = 2000 /* An answer older than this says nothing about now. */
};

struct discovery_peer {
    struct members_member member;   /* id 0: it has not answered yet. The URL is where it was found. */
    char own_url[MEMBERS_URL_SIZE]; /* Where it says it is; empty: it has not said. */
    uint64_t question;              /* The probe that is out; 0: none. */
    uint64_t next_probe_ms;
    uint64_t answered_ms; /* 0: never. */
    enum message_formation_state state;
    bool joins; /* Blank, but it wants to join. */
    bool fits;  /* The same machine, and not this node itself. */
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1];
};

struct discovery {
    size_t count;
    struct discovery_peer list[DISCOVERY_MAX];
    uint64_t list_since_ms;        /* Since when options.cluster is as it is. */
    uint64_t lookup_ms;            /* When the name is to be looked up next. */
    char why[PROBLEM_DETAIL_SIZE]; /* Of a look-up that failed. */
};

void discovery_turn(struct node *node);
/* The end of a probe. False: not one of these. */
bool discovery_answered(struct node *node, uint64_t number, const struct message_answer *answer);
/* The first configuration may be written, as far as this goes. */
bool discovery_may_found(const struct node *node);
/* Where a member of a cluster was found that may take this blank node in; NULL: nowhere. */
const char *discovery_cluster_url(const struct node *node);
uint64_t discovery_deadline_ms(const struct node *node);
/* What was found, in words, while that is not enough. */
void discovery_waiting(const struct node *node, struct node_status *status);

#endif
