/* Who the servers of a cluster are: id, URL and incarnation of each, and whether it votes (ch. 4). The payload of a
 * configuration entry and the answer of GET /v1/members are this in JSON; the consensus module sees only the ids. */
#ifndef RAFTD_MEMBERS_H
#define RAFTD_MEMBERS_H

#include "server/json/json.h"
#include "server/raft/raft.h"
#include "storage/storage.h"

#include <stdbool.h>
#include <stddef.h>

enum { MEMBERS_URL_SIZE = 256 }; /* Bytes of a URL with its NUL. */

struct members_member {
    raft_node_id id;
    bool voter;                                     /* False: a learner. */
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

/* Equal in ids, URLs and roles (incarnations are not looked at). */
bool members_same_list(const struct members *left, const struct members *right);

/* The ids alone, for the consensus module. */
void members_configuration(const struct members *members, struct raft_configuration *out_configuration);

/* {"voters":[{"id":1,"url":"..","incarnation":".."}],"learners":[],"outgoing":[]}, the payload of a configuration entry. */
void members_write(const struct members *members, struct json_writer *writer);

/* Reads what members_write wrote, from a peer or the disk: everything is checked (ids in range and different, URLs well
 * formed, incarnations of the right form or absent). Unknown members of the objects are ignored. */
bool members_read(struct json_span value, struct members *out_members);

/* Parses a --cluster list, `1=http://a:8001,2=http://b:8001`. False with a sentence in `out_why` (of `why_size`). */
bool members_parse_list(const char *text, struct members *out_members, char *out_why, size_t why_size);

/* True for an absolute http URL of a host and optional port, without path, query, user or trailing slash. IPv6 literals in
 * brackets are fine. */
bool members_url_valid(const char *url, size_t size);

#endif
