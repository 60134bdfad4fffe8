/* The other servers around one under test (harness.h), as simple as can be: each has a log of some length that equals the
 * beginning of the leader's, answers at once, grants every vote, or is dead. */
#ifndef TESTS_RAFT_FELLOWS_H
#define TESTS_RAFT_FELLOWS_H

#include "tests/unit/raft/harness.h"

enum { FELLOWS_MAX = 40 };

struct fellows {
    struct harness *h;
    bool dead[FELLOWS_MAX];         /* By id. */
    bool full[FELLOWS_MAX];         /* Answers, but takes no entries. */
    raft_index limit[FELLOWS_MAX];  /* Has no room for more than so many; 0: no limit. */
    raft_index length[FELLOWS_MAX]; /* Of its log. */
    raft_index told[FELLOWS_MAX];   /* The commit index that it has heard. */
    raft_node_id told_to_campaign;  /* Whom a TimeoutNow reached last. */
};

/* A configuration from its lists, written as digits, "123"; NULL: empty. */
struct raft_configuration fellows_configuration(const char *voters, const char *learners);
struct raft_configuration fellows_joint(const char *voters, const char *outgoing, const char *learners,
                                        const char *next_learners);
struct raft_configuration fellows_catching_up(const char *voters, const char *learners, const char *joining,
                                              const char *next_voters, const char *next_learners);
void fellows_assert_configuration(const struct harness *h, struct raft_configuration expected);

/* The server 1 under test, a voter of voters 1..voters with one entry in its log, as have the others. */
struct fellows *fellows_start(size_t voters);
/* The same with any configuration in that entry. */
struct fellows *fellows_start_with(struct raft_configuration configuration);
void fellows_stop(struct fellows *fellows);

/* Everything that is asked is answered, and everything written is on disk, until nothing more is said. */
void fellows_answer(struct fellows *fellows);
/* Time passes, heartbeat by heartbeat. */
void fellows_pass(struct fellows *fellows, uint64_t ms);
/* Time passes until the server leads; its first entry is not said to anybody yet. */
void fellows_elect(struct fellows *fellows);
void fellows_kill(struct fellows *fellows, const char *ids);
void fellows_revive(struct fellows *fellows, const char *ids);

/* raft_change; what is first is appended. The turn ends. */
enum raft_change_verdict fellows_change(struct fellows *fellows, struct raft_configuration target);
/* Appends what is due; there must be something. The turn ends. */
void fellows_append_due(struct fellows *fellows);
/* The leader of that term sends a configuration as the next entry, and how much is committed; the turn ends. */
void fellows_learn(struct fellows *fellows, raft_node_id leader, raft_term term, struct raft_configuration configuration,
                   raft_index commit);

#endif
