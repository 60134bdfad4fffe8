/* What GET /v1/doctor knows of a cluster, and what it makes of it: problems, each with its evidence and what to do. Pure:
 * the same checkup has the same findings.
 *
 * A checkup is filled in by api/doctor: what each member said of itself, twice, CHECKUP_APART_MS apart (so that clocks and
 * progress can be compared), and whom each of them reaches. What a member did not say is no evidence of anything. */
#ifndef RAFTD_API_CHECKUP_H
#define RAFTD_API_CHECKUP_H

#include "server/json/json.h"
#include "server/members.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CHECKUP_NODES_MAX = RAFT_MEMBERS_MAX + 1, /* The node itself may stand outside the configuration. */
    CHECKUP_APART_MS = 1000,
    CHECKUP_FINDINGS_MAX = 256,
    CHECKUP_TEXT_SIZE = 512,
    /* What counts as too much or too little. */
    CHECKUP_SILENT_MS = 10000,              /* Since the leader heard a member. */
    CHECKUP_SLOW_WRITE_MS = 100,            /* The 99th percentile of synced writes. */
    CHECKUP_FREE_BYTES = 256 * 1024 * 1024, /* On the disk; or as much as raftd has on it already, if that is more. */
    CHECKUP_EXPIRES_SOON_S = 14 * 86400,    /* A certificate. */
    CHECKUP_EXPIRES_NOW_S = 86400,
    CHECKUP_WALL_APART_MS = 5000,
    CHECKUP_DRIFT_PER_MILLE = 10, /* Clocks worth a look; */
    CHECKUP_DRIFT_BAD_PER_MILLE =
        RAFT_LEASE_DRIFT_PERCENT * 10 / 2 /* half of what leases allow: others may err the other way. */
};

enum checkup_severity { CHECKUP_HINT, CHECKUP_WARNING, CHECKUP_PROBLEM };
/* "hint", "warning", "problem". */
const char *checkup_severity_name(enum checkup_severity severity);

/* What another node's clocks showed, at some time between two looks at our own. */
struct checkup_clock {
    bool known;
    uint64_t sent_us;
    uint64_t got_us;
    uint64_t elapsed_us; /* Theirs. */
    uint64_t got_wall_ms;
    uint64_t wall_ms; /* Theirs; 0: not told. */
};

struct checkup_node {
    raft_node_id id;
    char url[MEMBERS_URL_SIZE];
    bool member;
    bool voter;
    bool promote;                                   /* A learner that is to vote. */
    char incarnation[STORAGE_INCARNATION_SIZE + 1]; /* As the configuration has it; empty: not known. */
    bool answered;                                  /* The rest is what it said. */
    char why[64];                                   /* It did not. */
    raft_node_id said_id;
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1]; /* Empty: none. */
    char said_incarnation[STORAGE_INCARNATION_SIZE + 1];
    char version[32];
    char role[16];
    char waits_for[CHECKUP_TEXT_SIZE - 64]; /* While it waits; may be empty. */
    uint64_t last_index;
    double write_p99_ms;
    uint64_t oldest_write_ms;
    bool stalled;
    bool full;
    uint64_t free_bytes; /* UINT64_MAX: not known. */
    uint64_t storage_bytes;
    uint64_t diverged_since;
    bool divergence_alarm;
    uint64_t certificate_expires_s; /* 0: there is none, or it does not say. */
    struct checkup_clock clocks[2];
};

enum checkup_reach { CHECKUP_NOT_TRIED, CHECKUP_REACHED, CHECKUP_NOT_REACHED };

/* What the leader knows of another one. */
struct checkup_peer {
    raft_node_id id;
    uint64_t match_index;
    uint64_t last_contact_ms;
    uint64_t snapshot_percent; /* 0 as well when there is none on its way. */
};

struct checkup {
    raft_node_id self;
    char client_url[MEMBERS_URL_SIZE];            /* Of the node that was asked. */
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1]; /* Its own; empty: none. */
    raft_node_id leader;                          /* As it knows it. */
    uint64_t term;
    uint64_t now_s; /* By its wall clock. */
    size_t count;
    struct checkup_node nodes[CHECKUP_NODES_MAX];
    /* By places in `nodes`: whether the first reaches the second, and what was said why not, last. */
    enum checkup_reach reach[CHECKUP_NODES_MAX][CHECKUP_NODES_MAX];
    char reach_why[CHECKUP_NODES_MAX][64];
    size_t peer_count[2]; /* Of the leader, at the first and at the second time. */
    struct checkup_peer peers[2][RAFT_MEMBERS_MAX];
};

struct checkup_finding {
    enum checkup_severity severity;
    const char *code;  /* Stable, for programs. */
    raft_node_id node; /* 0: none in particular. */
    char problem[CHECKUP_TEXT_SIZE];
    char evidence[CHECKUP_TEXT_SIZE];
    char command[CHECKUP_TEXT_SIZE];
};

struct checkup_findings {
    size_t count;
    struct checkup_finding list[CHECKUP_FINDINGS_MAX];
};

/* The place of a node; NULL: it is not there. */
struct checkup_node *checkup_find(struct checkup *checkup, raft_node_id id);
/* Takes what a node said of itself (GET /v1/status) at the first (0) or second (1) time; `clock` has what is ours of it.
 * False: that is no status. */
bool checkup_take_status(struct checkup *checkup, size_t place, size_t time, struct json_span status,
                         const struct checkup_clock *clock);
/* Takes whom a node reaches (GET /raft/v1/reach). */
void checkup_take_reach(struct checkup *checkup, size_t place, struct json_span reach);

/* All that is wrong, the worst first. */
void checkup_judge(const struct checkup *checkup, struct checkup_findings *out_findings);
/* Whether one of them is more than a hint. */
bool checkup_is_bad(const struct checkup_findings *findings);

/* -- The parts of checkup_judge -- */

/* A new one, to be worded; the last one again when there are too many. */
struct checkup_finding *checkup_add(struct checkup_findings *findings, enum checkup_severity severity, const char *code,
                                    raft_node_id node);
/* Words for one of its texts; cut where they are too many. */
void checkup_say(char out[CHECKUP_TEXT_SIZE], const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether that place is occupied by whom it should be: what a stranger says of itself is nobody's. */
bool checkup_is_ours(const struct checkup *checkup, const struct checkup_node *node);
void checkup_cluster(const struct checkup *checkup, struct checkup_findings *findings);  /* Leader, voters, versions. */
void checkup_contacts(const struct checkup *checkup, struct checkup_findings *findings); /* Who reaches whom. */
void checkup_nodes(const struct checkup *checkup, struct checkup_findings *findings);    /* Each by itself. */
void checkup_clocks(const struct checkup *checkup, struct checkup_findings *findings);

#endif
