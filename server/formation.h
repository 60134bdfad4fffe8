/* How a list of blank nodes becomes one cluster, exactly once (architecture: formation).
 *
 *     BLANK --- all listed nodes there and blank; lowest id ---> writes the first configuration ---> HOLDING
 *     BLANK --- another holds a configuration with my incarnation ---> writes it ---> HOLDING
 *     HOLDING --- every founding member holds it, or one knows that ---> writes that ---> FORMED
 *     BLANK, HOLDING --- a Raft request names my incarnation: a cluster that runs counts me in ---> writes that ---> FORMED
 *
 * FORMED starts the consensus module.
 *
 * Nobody campaigns, votes or serves before FORMED, and FORMED needs every founding member's disk, so while one disk of the
 * list survives, the list cannot form a second cluster. Each node only asks (/raft/v1/probe) and decides for itself; any of
 * them may be killed at any step and goes on where its disk says it was.
 *
 * A node that comes back with a blank disk under a known id finds another incarnation in its place in the configuration: it
 * is no member, stays BLANK and says so (§3.8: it may have voted and forgotten it). */
#ifndef RAFTD_FORMATION_H
#define RAFTD_FORMATION_H

#include "server/node.h"

enum {
    FORMATION_PROBE_MS = 200,  /* Between two probes of the same node. */
    FORMATION_FRESH_MS = 1000, /* An answer older than this says nothing about now. */
    FORMATION_PROBE_TIMEOUT_MS = 1000
};

struct formation_peer {
    struct members_member member; /* As listed, or as it founded the cluster. */
    bool asked;                   /* A probe is out. */
    uint64_t next_probe_ms;
    uint64_t answered_ms; /* When `state` and `incarnation` were true; 0: never. */
    enum message_formation_state state;
    char incarnation[STORAGE_INCARNATION_SIZE + 1];
    bool takes_us_in;              /* It is restored or recovered, and waits for the blank nodes of the list. */
    bool disowns_us;               /* Its cluster knows this node's id with another incarnation. */
    char why[PROBLEM_DETAIL_SIZE]; /* Empty: nothing is missing from this one. */
};

struct formation {
    enum message_formation_state state;
    uint64_t write; /* The write that takes the node to the next state is under way; 0: none. */
    enum message_formation_state next_state;
    struct members founding;           /* HOLDING: the first configuration. */
    char own_why[PROBLEM_DETAIL_SIZE]; /* What keeps this node itself out; empty: nothing. */
    size_t peer_count;                 /* The others of the list; once HOLDING, of those who founded the cluster. */
    struct formation_peer peers[RAFT_MEMBERS_MAX];
};

/* `founding` is the configuration on disk when the node is HOLDING, else NULL. */
void formation_start(struct node *node, const struct members *founding);
void formation_turn(struct node *node);
/* options.cluster is another list now. While blank. */
void formation_listed(struct node *node);
/* A founding member, whose incarnation it is, is to be asked there. While holding. */
void formation_found(struct node *node, const struct members_member *member);
/* What a node that holds a first configuration has said to this blank one: writes it if it counts this very disk in. */
void formation_adopt(struct node *node, const struct message_probe_answer *answer);
void formation_written(struct node *node);
/* The end of a probe; `answer` NULL: none, `why` says why. */
void formation_answered(struct node *node, raft_node_id id, const struct message_answer *answer, const char *why);
/* Where somebody is who belongs to a formed cluster that has another disk in this node's place; NULL: nobody said so. */
const char *formation_disowner_url(const struct formation *formation);
/* Where a restored node is that waits for this blank one to join (server/restore.h); NULL: nobody said so. */
const char *formation_restored_url(const struct formation *formation);
/* A peer's probe, in any state. */
void formation_receive_probe(struct node *node, const struct message_request *request, uint64_t ticket);
/* A Raft request that names this node's id and incarnation has come while the node waits: the cluster counts it in. */
void formation_claimed(struct node *node, const char *cluster_id);
uint64_t formation_deadline_ms(const struct node *node);
/* Who is missing, in words. */
void formation_waiting(const struct node *node, struct node_status *status);

#endif
