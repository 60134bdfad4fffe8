/* What the records of the exactly-once table are made of: keys of ordered trees in which numbers come first and big-endian,
 * so that byte order is the order of age, and results that are worth keeping. */
#ifndef RAFTD_SESSIONS_RECORD_H
#define RAFTD_SESSIONS_RECORD_H

#include "server/json/json.h"
#include "server/machine/cow_tree.h"
#include "server/sessions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SESSIONS_NUMBER_SIZE = 8 };

/* One number as SESSIONS_NUMBER_SIZE bytes, the highest first. */
void sessions_record_put_number(char *out, uint64_t number);
uint64_t sessions_record_get_number(const char *bytes);

/* Puts a pair into the tree, in place of the one with that key. */
void sessions_record_put(struct cow_tree *tree, const char *key, size_t key_size, const char *value, size_t value_size);
/* Takes the pair of that key, if any, out of the tree. */
void sessions_record_remove(struct cow_tree *tree, const char *key, size_t key_size);
/* The pair with the lowest key, borrowed; NULL when the tree is empty. */
const struct pair *sessions_record_first(const struct cow_tree *tree);

/* True when what began (or was last used) at `since_ms`, which is not after `now_ms`, is over. */
bool sessions_record_is_over(uint64_t since_ms, uint64_t now_ms);

/* True for the results that are kept: JSON within the size. A machine of the user's own may answer what is no JSON, and a
 * result may be nested one level deeper than a value that the scanner takes; these are kept cut, or a snapshot with them
 * could not be checked when it is read. */
bool sessions_record_is_kept(struct json_span result, size_t size_max);

#endif
