/* The disks of a cluster under test: what nodes hand to them is kept until its time has come. Part of cluster.h. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_DISK_H
#define RAFTD_TESTS_SERVER_CLUSTER_DISK_H

static inline void disk_write(void *context, uint64_t number, const struct storage_write *write) {
    struct member *member = context;
    if (member->dying) {
        return;
    }
    if (member->cluster->written != NULL && member->node != NULL) {
        member->cluster->written(member->cluster->written_context, member->node, write);
    }
    member->writes = memory_grow(member->writes, &member->write_capacity, member->write_count + 1, sizeof *member->writes);
    struct disk_write *kept = &member->writes[member->write_count++];
    *kept = (struct disk_write){.write = *write, .number = number};
    kept->due_ms = cluster_due(member->cluster, CLUSTER_DISK, member->cluster->disk_ms);
    CLUSTER_TELL(member->cluster, "node %zu begins write %" PRIu64 ": %zu entries up to %" PRIu64 "%s%s%s", member->at + 1,
                 number, write->entry_count, write->entry_count == 0 ? 0 : write->entries[write->entry_count - 1].id.index,
                 write->truncate_from != 0 ? ", truncates" : "", write->hard_state_changed ? ", term or vote" : "",
                 write->replaced_by.index != 0 ? ", a snapshot replaces the log"
                 : write->snapshot_changed     ? ", names a snapshot"
                                               : "");
    kept->entries = memory_alloc(write->entry_count * sizeof *kept->entries);
    for (size_t i = 0; i < write->entry_count; i++) {
        kept->entries[i] = write->entries[i];
        kept->entries[i].data = memory_copy(write->entries[i].data, write->entries[i].size);
        if (write->entries[i].key != NULL) {
            kept->entries[i].key = memory_copy(write->entries[i].key, write->entries[i].key_size);
        }
        kept->entries[i].buffer = NULL;
    }
    kept->write.entries = kept->entries;
}

static inline void disk_read(void *context, uint64_t token, raft_index first, raft_index last, size_t max_bytes) {
    struct member *member = context;
    if (member->dying) {
        return;
    }
    member->reads_begun++;
    member->reads = memory_grow(member->reads, &member->read_capacity, member->read_count + 1, sizeof *member->reads);
    member->reads[member->read_count++] = (struct disk_read){
        token, first, last, max_bytes, cluster_due(member->cluster, CLUSTER_DISK, member->cluster->disk_ms)};
}

static inline void disk_drop_write(struct member *member, size_t at) {
    struct disk_write *write = &member->writes[at];
    for (size_t i = 0; i < write->write.entry_count; i++) {
        free((char *)write->entries[i].data);
        free((char *)write->entries[i].key);
    }
    free(write->entries);
    member->write_count--;
    memmove(write, write + 1, (member->write_count - at) * sizeof *write);
}

static inline bool disk_may_write(const struct member *member) {
    return member->write_count > 0 && !member->hold_writes && member->writes_done < member->write_limit;
}

/* The oldest write reaches the disk; the node is not told. Answers its number. */
static inline uint64_t disk_perform_write(struct member *member) {
    ck_assert_uint_gt(member->write_count, 0);
    uint64_t number = member->writes[0].number;
    struct storage_message message;
    ck_assert_int_eq(storage_write(member->storage, &member->writes[0].write, &message), STORAGE_OK);
    CLUSTER_TELL(member->cluster, "node %zu: write %" PRIu64 " is on disk", member->at + 1, number);
    disk_drop_write(member, 0);
    member->writes_done++;
    return number;
}

static inline void disk_finish_write(struct member *member) {
    node_written(member->node, disk_perform_write(member));
}

static inline void disk_finish_read(struct member *member) {
    struct disk_read read = member->reads[0];
    member->read_count--;
    memmove(member->reads, member->reads + 1, member->read_count * sizeof *member->reads);
    struct raft_entry *entries;
    size_t count;
    struct buffer *buffer;
    struct storage_message message;
    ck_assert_int_eq(
        storage_read(member->storage, read.first, read.last, read.max_bytes, &entries, &count, &buffer, &message),
        STORAGE_OK);
    node_entries_read(member->node, read.token, entries, count, buffer);
}

static inline void disk_run(void *context, enum disk_lane lane, const struct disk_job *job) {
    struct member *member = context;
    member->runs = memory_grow(member->runs, &member->run_capacity, member->run_count + 1, sizeof *member->runs);
    member->runs[member->run_count++] =
        (struct disk_run){lane, *job, false, cluster_due(member->cluster, CLUSTER_DISK, member->cluster->disk_ms)};
}

/* The next job that begins, or ends: the first of its lane. NULL: none can. */
static inline struct disk_run *disk_next_run(const struct member *member) {
    bool seen[DISK_LANE_COUNT] = {[DISK_LANE_LONG] = member->hold_long};
    struct disk_run *next = NULL;
    for (size_t i = 0; i < member->run_count; i++) {
        struct disk_run *run = &member->runs[i];
        if (!seen[run->lane] && !(run->ran ? member->hold_ends : member->hold_jobs) &&
            (next == NULL || run->due_ms < next->due_ms)) {
            next = run;
        }
        seen[run->lane] = true;
    }
    return next;
}

static inline void disk_end_run(struct member *member, struct disk_run *run) {
    struct disk_run ended = *run;
    member->run_count--;
    memmove(run, run + 1, (member->run_count - (size_t)(run - member->runs)) * sizeof *run);
    ended.job.done(ended.job.context, ended.ran);
}

static inline void disk_step_run(struct member *member, struct disk_run *run) {
    if (run->ran) {
        disk_end_run(member, run);
        return;
    }
    run->job.work(run->job.context);
    run->ran = true;
    run->due_ms = cluster_due(member->cluster, CLUSTER_DISK, member->cluster->disk_ms);
}

#endif
