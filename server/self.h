/* Who and where a node is that was told neither (--discover): identical containers differ in their data directories and
 * addresses only. Threads: before any other is started; self_find waits. */
#ifndef RAFTD_SELF_H
#define RAFTD_SELF_H

#include "server/options.h"

enum { SELF_WAIT_MS = 5000 /* For the name to stand for an address of this machine. */ };

/* Fills in what options_read left open: the id, that of the data directory or, where there is none yet, nine digits drawn
 * by chance; and the URLs, with an address of this machine that the name stands for, or, when that takes too long, the
 * first that others can reach. False with a sentence: there is none. No-op without --discover. */
bool self_find(struct options *options, struct storage_message *out_message);

#endif
