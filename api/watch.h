/* GET /v1/watch: every committed command as Server-Sent Events, for as long as the reader likes.
 *
 * Little is kept for a reader: once WATCH_PENDING_MAX bytes wait to be sent, the node is told that there is no room, and
 * looks the rest up again later. A reader that takes nothing for WATCH_STALLED_MS is told so by an `end` event, and cut off
 * when it does not take that either. */
#ifndef RAFTD_API_WATCH_H
#define RAFTD_API_WATCH_H

#include "api/request.h"

enum {
    WATCH_PENDING_MAX = 64 * 1024, /* One command more may come on top. */
    WATCH_COMMENT_MS = 10000,      /* After so much silence a comment shows that the stream lives. */
    WATCH_STALLED_MS = 30000,
    WATCH_CHECK_MS = 1000 /* How often a reader that is behind is looked at. */
};

void watch_handle(struct request *request);

#endif
