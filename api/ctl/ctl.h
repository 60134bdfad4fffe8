/* What the commands of raftctl share: a client of the cluster, and how answers become output and exit codes. */
#ifndef RAFTCTL_CTL_H
#define RAFTCTL_CTL_H

#include "api/ctl/options.h"

#include <stdio.h>

enum ctl_exit { CTL_DONE = 0, CTL_FAILED = 1, CTL_WRONG_OPTION = 2, CTL_UNKNOWN = 3, CTL_UNAVAILABLE = 4 };

enum { CTL_TOKEN_FILE_MAX = 4096 };

struct ctl {
    const struct options *options;
    struct raftclient *client;
    char token[CTL_TOKEN_FILE_MAX];
};

/* False with a line on standard error: the token or the endpoints cannot be used. */
bool ctl_open(struct ctl *ctl, const struct options *options);
void ctl_close(struct ctl *ctl);

/* Another client like the one that ctl has, with other ways of proposing. NULL as raftclient_create. */
struct raftclient *ctl_client(const struct ctl *ctl, bool use_keys);

/* CTL_DONE when the answer is, else says on standard error what is wrong and answers with the exit code for that. */
int ctl_judge(const struct raftclient_answer *answer);

/* One line on standard error; answers CTL_WRONG_OPTION. */
__attribute__((format(printf, 1, 2))) int ctl_wrong(const char *format, ...);

/* A line on standard output, at once; false when nobody reads any more. */
bool ctl_line(const char *bytes, size_t size);

/* A plain GET, judged; the body is in the client's answer. */
int ctl_get(const struct ctl *ctl, const char *path, const struct raftclient_answer **out_answer);

/* The commands. */
int propose_run(struct ctl *ctl);
int query_run(struct ctl *ctl);
int status_run(struct ctl *ctl);
int watch_run(struct ctl *ctl);
int members_run(struct ctl *ctl);
int transfer_run(struct ctl *ctl);
int snapshot_run(struct ctl *ctl);
int doctor_run(struct ctl *ctl);
int bench_run(struct ctl *ctl);

/* A part of snapshot_run: looks at the file of a backup, asks no node. */
int snapshot_restore(struct ctl *ctl, const char *path);

#endif
