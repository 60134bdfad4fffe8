/* `raftd inspect`: what a data directory holds, and whether it is whole, without a node and without a change to it. Every
 * record, table and snapshot is read and its checksum looked at, as a start would do; what a start would mend is said.
 *
 * It works on a stand-in (server/inspect_copy.h) in $TMPDIR, which takes as much room as LevelDB's newest log: some MiB. */
#ifndef RAFTD_INSPECT_H
#define RAFTD_INSPECT_H

#include "server/options.h"

struct inspect_request {
    const char *data_dir; /* Borrowed from the arguments or the environment. */
    bool json;
};

/* `arguments` are those after `inspect`: [--data-dir FOLDER] [--json]; without a folder RAFTD_DATA_DIR or ./raftd-data. */
enum options_end inspect_read(const char *const *arguments, const char *const *environment,
                              struct inspect_request *out_request, struct options_message *out_message);

/* Prints what there is on standard output, or in one line on standard error why it cannot be used. True: it is sound. */
bool inspect_run(const struct inspect_request *request);

#endif
