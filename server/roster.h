/* Who the members were at which log index: the host's side of the consensus module's configurations, with URLs and
 * incarnations. The newest in the log is in effect; truncation brings the one before back (§4.1). */
#ifndef RAFTD_ROSTER_H
#define RAFTD_ROSTER_H

#include "server/members.h"

struct roster_at {
    raft_index index; /* 0: nobody yet. */
    struct members members;
    raft_term term; /* Of that entry; 0: a snapshot tells of it. */
};

struct roster {
    struct roster_at *list; /* Owned; ascending by index; list[0] is {0, nobody}, or where a snapshot left it. */
    size_t count;
    size_t capacity;
};

void roster_init(struct roster *roster);
void roster_clear(struct roster *roster);
/* Takes the members from a configuration entry's bytes. False, unchanged: they make no sense. */
bool roster_append(struct roster *roster, const struct raft_entry *entry);
/* Reads a configuration entry's bytes. False: they make no sense. */
bool roster_read(const struct raft_entry *entry, struct members *out_members);
/* A snapshot says that these are the members since `index`: whatever was up to there is forgotten, what comes after it
 * stays. */
void roster_reset(struct roster *roster, raft_index index, const struct members *members);
/* All of the log is gone, up to what the snapshot told stays. */
void roster_restart(struct roster *roster);
/* Forgets what was in effect only before `index`. */
void roster_compact(struct roster *roster, raft_index index);
void roster_truncate(struct roster *roster, raft_index index);
const struct roster_at *roster_current(const struct roster *roster);
/* Whether those are committed. Between what a node hears and the actions of its turn the log may have another entry already
 * where the newest configuration was: that one is not, then. */
bool roster_is_committed(const struct roster *roster, const struct raft *raft);
/* Who they were at `index`: the newest at or before it. */
const struct roster_at *roster_as_of(const struct roster *roster, raft_index index);
/* The member with that id as it was the last time that it was one: a server that was left out is still told so (§4.2.2).
 * NULL: it never was. Borrowed until the roster changes. */
const struct members_member *roster_find(const struct roster *roster, raft_node_id id);
/* Who the newest configuration counts in with this very incarnation; NULL: it does not. */
const struct members_member *roster_self(const struct roster *roster, raft_node_id id, const char *incarnation);
/* Whether any configuration that is known counts this very incarnation in. */
bool roster_ever(const struct roster *roster, raft_node_id id, const char *incarnation);

#endif
