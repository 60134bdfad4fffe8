/* The page's files and the description of this API, built into the binary. The table is made by api/assets.sh from what
 * lies in admin-ui/: a file added there is served without anything else being changed. */
#ifndef RAFTD_API_ASSET_H
#define RAFTD_API_ASSET_H

#include <stddef.h>

struct request;

struct asset {
    const char *path; /* "/style.css"; the page itself is there as "/" too. */
    const char *content_type;
    const char *etag; /* Of its bytes, in quotes. */
    const char *begin;
    const char *end;
};

extern const struct asset asset_table[];
extern const size_t asset_count;

/* NULL: there is none of that name. */
const struct asset *asset_find(const char *path, size_t size);

void asset_handle(struct request *request);

#endif
