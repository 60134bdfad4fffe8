#include "server/backups.h"

#include "server/backup_files.h"

#include "server/base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum backups_state {
    BACKUPS_IDLE,    /* Does not lead. */
    BACKUPS_LOOKING, /* A job looks up when the newest was taken. */
    BACKUPS_WAITING, /* Until next_ms. */
    BACKUPS_TAKING,  /* The node takes a snapshot. */
    BACKUPS_COPYING  /* A job copies it. */
};

struct backups {
    struct backups_options options;
    enum backups_state state;
    struct node *node; /* Borrowed; of the last turn. */
    uint64_t now_ms;   /* The same. */
    uint64_t next_ms;
    uint64_t ticket;                              /* TAKING: for node_cancel. */
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1]; /* Of the job. */
    raft_node_id node_id;
    struct backups_status status;
};

/* A look at the directory, or a copy into it, while `file` is there. */
struct backups_job {
    struct backups *backups;
    struct backup_files files;
    struct snapshot_file *file; /* Owned; NULL: only look. */
    struct storage_snapshot snapshot;
    bool ok;
    bool written;
    raft_index index;
    uint64_t age_ms;
    struct storage_message message;
};

struct backups *backups_create(const struct backups_options *options, struct storage_message *out_message) {
    assert(options->every_ms > 0 && options->keep > 0);
    if (!backup_files_prepare(options->directory, out_message)) {
        return NULL;
    }
    struct backups *backups = memory_zalloc(sizeof *backups);
    backups->options = *options;
    return backups;
}

void backups_destroy(struct backups *backups) {
    if (backups == NULL) {
        return;
    }
    if (backups->state == BACKUPS_TAKING) {
        node_cancel(backups->node, backups->ticket);
    }
    free(backups);
}

/* -- What has ended -- */

static void wait_for(struct backups *backups, uint64_t wait_ms) {
    backups->state = BACKUPS_WAITING;
    backups->next_ms = backups->now_ms + wait_ms;
}

static void failed(struct backups *backups, const char *why) {
    backups->status.failed++;
    diagnostics_write(backups->options.diagnostics, DIAGNOSTICS_ERROR, "backup", "no backup: %s", why);
    wait_for(backups, backups->options.every_ms < BACKUPS_RETRY_MS ? backups->options.every_ms : BACKUPS_RETRY_MS);
}

static void know_newest(struct backups *backups, raft_index index, uint64_t age_ms) {
    if (index > 0) {
        backups->status.index = index;
        backups->status.time = (int64_t)time(NULL) - (int64_t)(age_ms / 1000);
    }
}

static void looked(struct backups *backups, const struct backups_job *job) {
    if (!job->ok) {
        failed(backups, job->message.text);
        return;
    }
    know_newest(backups, job->index, job->age_ms);
    bool due = job->index == 0 || job->age_ms >= backups->options.every_ms;
    wait_for(backups, due ? 0 : backups->options.every_ms - job->age_ms);
}

static void copied(struct backups *backups, const struct backups_job *job) {
    if (!job->ok) {
        failed(backups, job->message.text);
        return;
    }
    know_newest(backups, job->snapshot.id.index, 0);
    if (job->written) {
        backups->status.taken++;
        diagnostics_write(backups->options.diagnostics, DIAGNOSTICS_INFO, "backup",
                          "index %" PRIu64 ", %" PRIu64 " bytes, is in %s", job->snapshot.id.index, job->snapshot.length,
                          backups->options.directory);
    }
    wait_for(backups, backups->options.every_ms);
}

static void job_done(void *context, bool ran) {
    struct backups_job *job = context;
    if (job->file != NULL) {
        snapshot_file_close(job->file);
    }
    if (ran) {
        (job->file == NULL ? looked : copied)(job->backups, job);
    } else {
        job->backups->state = BACKUPS_IDLE; /* The node ends. */
    }
    free(job);
}

/* -- What is begun -- */

static void do_job(void *context) {
    struct backups_job *job = context;
    job->ok = job->file == NULL ? backup_files_newest(&job->files, &job->index, &job->age_ms, &job->message)
                                : backup_files_add(&job->files, job->file, &job->snapshot, &job->written, &job->message);
}

static void begin_job(struct backups *backups, struct snapshot_file *file, const struct storage_snapshot *snapshot) {
    struct backups_job *job = memory_zalloc(sizeof *job);
    job->backups = backups;
    job->files = (struct backup_files){.directory = backups->options.directory,
                                       .cluster_id = backups->cluster_id,
                                       .node_id = backups->node_id,
                                       .keep = backups->options.keep};
    if (file != NULL) {
        job->file = file;
        job->snapshot = *snapshot;
    }
    backups->state = file == NULL ? BACKUPS_LOOKING : BACKUPS_COPYING;
    const struct disk_job disk_job = {.context = job, .work = do_job, .done = job_done};
    backups->options.disk.run(backups->options.disk.context, DISK_LANE_LONG, &disk_job);
}

static void taken(void *context, const struct node_snapshot_answer *answer) {
    struct backups *backups = context;
    if (answer->problem.code == PROBLEM_SHUTTING_DOWN) {
        backups->state = BACKUPS_IDLE;
    } else if (answer->problem.code != PROBLEM_NONE) {
        failed(backups, answer->problem.detail);
    } else {
        begin_job(backups, answer->file, &answer->snapshot);
    }
}

void backups_turn(struct backups *backups, struct node *node, uint64_t now_ms) {
    if (backups == NULL) {
        return;
    }
    struct node_brief brief;
    node_brief(node, &brief);
    bool leads = brief.leader == brief.id && brief.cluster_id[0] != '\0';
    backups->node = node;
    backups->now_ms = now_ms;
    if (backups->state == BACKUPS_WAITING && !leads) {
        backups->state = BACKUPS_IDLE;
    } else if (backups->state == BACKUPS_IDLE && leads) {
        snprintf(backups->cluster_id, sizeof backups->cluster_id, "%s", brief.cluster_id);
        backups->node_id = brief.id;
        begin_job(backups, NULL, NULL);
    } else if (backups->state == BACKUPS_WAITING && now_ms >= backups->next_ms) {
        backups->state = BACKUPS_TAKING;
        backups->ticket = node_snapshot(node, true, BACKUPS_TIMEOUT_MS, taken, backups);
    }
}

uint64_t backups_deadline_ms(const struct backups *backups) {
    return backups != NULL && backups->state == BACKUPS_WAITING ? backups->next_ms : UINT64_MAX;
}

void backups_status(const struct backups *backups, struct backups_status *out_status) {
    *out_status = backups->status;
}
