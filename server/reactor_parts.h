/* The reactor's parts, between the file that puts them together (reactor_parts.c) and the loop (reactor.c). */
#ifndef RAFTD_REACTOR_PARTS_H
#define RAFTD_REACTOR_PARTS_H

#include "server/reactor.h"

#include "api/api.h"
#include "server/backups.h"
#include "server/disk.h"
#include "server/lookup.h"
#include "server/node.h"
#include "server/peers.h"

#include <signal.h>
#include <stdatomic.h>

struct reactor {
    const struct options *options;         /* Borrowed. */
    const struct diagnostics *diagnostics; /* Borrowed. */
    struct tokens *tokens;                 /* Borrowed; may be NULL. */
    struct tls *tls;                       /* Borrowed; may be NULL. */
    struct audit *audit;                   /* Borrowed; may be NULL. */
    uint64_t audited;                      /* Of the node's events, so many stand in it. */
    struct storage *storage;               /* Borrowed. */
    struct snapshot_directory *snapshots;
    struct peers *peers;
    struct disk_threads *disk;
    struct node *node;
    struct backups *backups; /* NULL: no --backup-dir. */
    struct lookup *lookup;   /* NULL: no --discover. */
    struct api *api;
    int wake_descriptor;     /* The disk's threads write here. */
    int signal_descriptor;   /* SIGTERM and SIGINT arrive here; -1: they are somebody else's. */
    atomic_bool stopped;     /* By reactor_stop. */
    enum node_intake intake; /* What the data directory keeps in mind (server/intake_mark.h). */
    bool shutting_down;
    bool ending; /* Leadership is handed over, nobody new is let in. */
    uint64_t shutdown_deadline_ms;
    uint64_t refresh_ms;           /* When the files of tokens and certificates are looked at next. */
    struct supervisor *supervisor; /* Borrowed while running; may be NULL. */
};

/* Monotonic, and counting while the machine is suspended: a lease must not outlive a nap. */
uint64_t reactor_clock_ms(void);
/* Those that end it. */
sigset_t reactor_ending_signals(void);

#endif
