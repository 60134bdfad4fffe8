/* `raftd recover`: one survivor of a lost majority becomes a new cluster of its own, with all that its log holds. For when
 * nothing else is left: Raft promises nothing here, since who is alone cannot know what the others had acknowledged.
 *
 * Model. On a stopped node's directory, one storage_write: a new cluster id, a term above all that this node has heard of,
 * and behind the log a configuration of that term whose only voter this node is. Started, it elects itself and
 * commits the whole log, also entries that nobody was answered for. Where there is a snapshot, it is made anew first, with
 * the new cluster's id in it; until the write both files lie there, and the old one counts. So whatever is killed, the
 * directory is what it was or recovered.
 *
 * The new id is what keeps the old members away: each side refuses the other's messages (contract §5), so one that comes
 * back later cannot mix its log with this one's. Nothing can keep an old majority that is still alive from going on beside
 * it; the text that asks for consent says so. */
#ifndef RAFTD_RECOVER_H
#define RAFTD_RECOVER_H

#include "server/options.h"

struct recover_request {
    const char *data_dir; /* Borrowed from the arguments or the environment. */
    bool yes;             /* Does not ask. */
};

/* `arguments` are those after `recover`: [--data-dir FOLDER] [--yes]; without a folder RAFTD_DATA_DIR or ./raftd-data. */
enum options_end recover_read(const char *const *arguments, const char *const *environment,
                              struct recover_request *out_request, struct options_message *out_message);

/* Says on standard output what is there and what may be lost, asks for consent (a terminal is asked, others need --yes),
 * and does it. False: it is not done, one line on standard error says why, and the directory is as it was. */
bool recover_run(const struct recover_request *request);

#endif
