/* The nodes that a client knows: those it was given and those it has learnt of, who leads, and which is to be asked next.
 */
#ifndef RAFTCLIENT_NODES_H
#define RAFTCLIENT_NODES_H

#include "api/client/raftclient.h"

struct nodes_entry {
    char url[RAFTCLIENT_URL_MAX + 1]; /* Without a slash at the end. */
    uint64_t id;                      /* 0: not known. */
    uint64_t avoid_until_ms;          /* It failed lately. */
    unsigned failures;                /* In a row. */
    bool given;
    bool listed; /* In the list of members that is being taken over. */
    bool tried;  /* In this round of attempts. */
    bool barred; /* It cannot serve this call, however often it is asked. */
};

struct nodes {
    struct nodes_entry list[RAFTCLIENT_NODES_MAX];
    size_t count;
    size_t preferred; /* Asked first while nobody is known to lead. */
    uint64_t leader;  /* Id; 0: not known. */
};

enum { NODES_AVOID_MIN_MS = 100, NODES_AVOID_MAX_MS = 10000 };

/* "http://host:port" or "https://..."; a slash at the end is cut. False: it is none (a path, a user, a space, too long). */
bool nodes_url_read(const char *text, size_t size, char out_url[RAFTCLIENT_URL_MAX + 1]);

/* Takes URLs separated by commas. False with a sentence in `error`. */
bool nodes_read(struct nodes *nodes, const char *urls, char *error, size_t error_size);

/* Takes a list of members over: nodes_list_begin, nodes_list_add for each, nodes_list_end, which forgets learnt ones that
 * are no longer in it. A node at an http URL is not learnt by a client that was given https ones only: its token would be
 * read on the way. */
void nodes_list_begin(struct nodes *nodes);
void nodes_list_add(struct nodes *nodes, const char *url, uint64_t id);
void nodes_list_end(struct nodes *nodes);

/* A new call; a new round of attempts within it. */
void nodes_begin_call(struct nodes *nodes);
void nodes_begin_round(struct nodes *nodes);

/* Who is to be asked: the leader, then the preferred one, then the others, those that failed lately last. With `spread` all
 * in turn. NULL: each was tried in this round. */
struct nodes_entry *nodes_choose(struct nodes *nodes, bool spread, uint64_t now_ms);
/* Whether there is one that is not barred. */
bool nodes_any(const struct nodes *nodes);

/* It answered: whom it is, and who leads (0: it does not know). */
void nodes_answered(struct nodes *nodes, struct nodes_entry *node, uint64_t id, uint64_t leader);
/* It did not answer, and is avoided for a while; if it led, nobody does. */
void nodes_failed(struct nodes *nodes, struct nodes_entry *node, uint64_t now_ms);

/* The leader is known by an id that no URL is known of. */
bool nodes_leader_is_stranger(const struct nodes *nodes);

#endif
