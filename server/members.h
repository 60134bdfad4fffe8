/* Who the servers of a cluster are: id, URL and incarnation of each, whether it votes, and where a change leads it (ch. 4).
 * The payload of a configuration entry and the answer of GET /v1/members are this in JSON; the consensus module sees only
 * the ids. */
#ifndef RAFTD_MEMBERS_H
#define RAFTD_MEMBERS_H

#include "server/json/json.h"
#include "server/raft/raft.h"
#include "storage/storage.h"

#include <stdbool.h>
#include <stddef.h>

enum { MEMBERS_URL_SIZE = 256 }; /* Bytes of a URL with its NUL. */

/* Where a change that is under way leads a member (raft.h: next_voters, next_learners). */
enum members_next {
    MEMBERS_NEXT_NONE, /* Out, if anybody has another one; else there is no such change. */
    MEMBERS_NEXT_VOTER,
    MEMBERS_NEXT_LEARNER
};

struct members_member {
    raft_node_id id;
    bool voter;    /* Of the configuration that is, or is gone to. */
    bool outgoing; /* A voter of the configuration that is left (§4.3), besides `voter` or alone. */
    bool joining;  /* A learner that the change under way brought, and takes away again if it is given up. */
    enum members_next next;
    char url[MEMBERS_URL_SIZE];                     /* http://host:port, without a trailing slash. */
    char incarnation[STORAGE_INCARNATION_SIZE + 1]; /* Empty in a --cluster list: not known yet. */
};

struct members {
    size_t count;
    struct members_member list[RAFT_MEMBERS_MAX]; /* By ascending id; ids differ. */
};

/* The member with that id; NULL when there is none. Borrowed. */
const struct members_member *members_find(const struct members *members, raft_node_id id);

/* Adds a member in its place. False: the id is there already or the list is full. */
bool members_add(struct members *members, const struct members_member *member);

/* Neither a voter nor one that was. */
bool members_is_learner(const struct members_member *member);

/* Equal in ids, URLs and roles (incarnations are not looked at). */
bool members_same_list(const struct members *left, const struct members *right);

/* The ids alone, for the consensus module. */
void members_configuration(const struct members *members, struct raft_configuration *out_configuration);

/* The way back: URLs and incarnations come from `known`, those of ids that it does not have from `also`. False: an id is in
 * neither, or there are more than RAFT_MEMBERS_MAX. */
bool members_of_configuration(const struct raft_configuration *configuration, const struct members *known,
                              const struct members *also, struct members *out_members);

/* {"voters":[{"id":1,"url":"..","incarnation":".."}],"learners":[],"outgoing":[]}, the payload of a configuration entry.
 * While new voters catch up they are learners with "promote":true, "next":{"voters":[1,4],"learners":[]} says where that
 * leads and "joining":[4] who goes again if it is given up. */
void members_write(const struct members *members, struct json_writer *writer);

/* Reads what members_write wrote, from a peer or the disk: everything is checked (ids in range and different, URLs well
 * formed, incarnations of the right form or absent, lists that do not contradict each other). Unknown members of the
 * objects are ignored. */
bool members_read(struct json_span value, struct members *out_members);

/* Parses a --cluster list, `1=http://a:8001,2=http://b:8001`. False with a sentence in `out_why` (of `why_size`). */
bool members_parse_list(const char *text, struct members *out_members, char *out_why, size_t why_size);

/* True for an absolute http URL of a host and optional port, without path, query, user or trailing slash. IPv6 literals in
 * brackets are fine. */
bool members_url_valid(const char *url, size_t size);

#endif
