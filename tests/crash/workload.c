#include "tests/crash/workload.h"

#include "tests/crash/inject.h"
#include "tests/crash/journal.h"

#include <errno.h>

enum { ENTRIES_MAX = 12, LARGE_ENTRY_MAX = 20000, CHUNK_BYTES = 9000, SNAPSHOT_MAX = 60000, ATTEMPTS = 3 };

/* A file system of 2 MiB: the reserve takes 256 KiB of it. */
enum { SPACE_TOTAL = 2 << 20, SPACE_MUCH = 64 << 20, SPACE_LITTLE = 64 << 10 };

struct work {
    const struct fixture *fixture;
    const struct workload_settings *settings;
    struct workload_report report;
    uint64_t random;
    uint64_t made;           /* Entries and snapshots so far: no two have the same bytes. */
    struct storage *storage; /* NULL: not open. */
    struct storage *twin;    /* In memory; NULL: no store was promised yet. */
    struct snapshot_directory *snapshots;
    struct storage_snapshot sent; /* What a leader has begun to send. */
    char *sent_bytes;             /* Owned; NULL: nothing. */
    struct contents promised;     /* What the newest write that was promised left. */
};

static uint64_t draw(struct work *work, uint64_t count) {
    uint64_t value = work->random += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (value ^ (value >> 31)) % count;
}

static void mark(char kind, const struct contents *contents) {
    size_t size = 1 + (contents == NULL ? 0 : contents->size);
    char *bytes = memory_alloc(size);
    bytes[0] = kind;
    if (contents != NULL) {
        memcpy(bytes + 1, contents->text, contents->size);
    }
    journal_mark(bytes, size);
    free(bytes);
}

static void promise(struct work *work, struct contents contents) {
    free(work->promised.text);
    work->promised = contents;
}

static struct storage_state state_of(const struct work *work) {
    struct storage_state state;
    storage_state(work->twin, &state);
    return state;
}

/* -- Opening -- */

static void close_all(struct work *work) {
    snapshot_directory_close(work->snapshots);
    storage_close(work->storage);
    work->snapshots = NULL;
    work->storage = NULL;
}

/* As raftd begins: false when it would have ended with a message. */
static bool try_open(struct work *work, struct contents *out_contents, struct storage_message *out_message) {
    struct storage_state state;
    enum storage_error error = fixture_try_open(work->fixture, &work->storage, out_message);
    if (error == STORAGE_OK) {
        error = contents_try(work->storage, out_contents, out_message);
    }
    if (error == STORAGE_OK) {
        storage_state(work->storage, &state);
        error = snapshot_directory_open(storage_directory(work->storage), &state.snapshot, &work->snapshots, out_message);
        if (error != STORAGE_OK) {
            free(out_contents->text);
        }
    }
    struct snapshot_file *file = NULL;
    if (error == STORAGE_OK && state.snapshot.length > 0) {
        error = snapshot_file_open(work->snapshots, &state.snapshot, &file, out_message);
        snapshot_file_close(file);
        if (error != STORAGE_OK) {
            free(out_contents->text);
        }
    }
    if (error != STORAGE_OK) {
        /* Nobody is told to wipe the directory because a call failed. */
        ck_assert_msg(out_message->text[0] != '\0' && error != STORAGE_DAMAGED, "%s: %s", inject_report().what,
                      out_message->text);
        close_all(work);
    }
    return error == STORAGE_OK;
}

/* Opens the store: the first attempt may fail when a call was made to, later ones must not. */
static struct contents open_again(struct work *work) {
    struct contents contents = {.text = NULL};
    struct storage_message message = {""};
    bool ok = try_open(work, &contents, &message);
    if (!ok) {
        struct inject_report injected = inject_end();
        ck_assert_msg(injected.hit, "the store does not open, and no call has failed: %s", message.text);
        work->report.failures++;
        ok = try_open(work, &contents, &message);
    }
    ck_assert_msg(ok, "the store does not open after %s had failed: %s", inject_end().what, message.text);
    work->report.openings++;
    mark(MARK_OPEN, &contents);
    return contents;
}

static void fail_at(const struct work *work, uint64_t at) {
    inject_begin(
        &(struct inject){.below = work->fixture->base, .calls = INJECT_WRITING, .at = at, .error = EIO, .stays = true});
}

/* The first time it is made: with failures not at once, the first process makes the directory and no more. */
static void make(struct work *work) {
    if (work->settings->fails) {
        fail_at(work, 2);
    }
    struct contents contents = open_again(work);
    struct storage_state state;
    storage_state(work->storage, &state);
    work->twin = storage_memory_create(FIXTURE_NODE, state.identity.incarnation);
    struct contents fresh = contents_of(work->twin);
    ck_assert_msg(contents_equal(&contents, &fresh), "made: %s", contents.text);
    free(fresh.text);
    promise(work, contents);
}

/* Nothing was under way: it must hold just what was promised. */
static void restart(struct work *work) {
    close_all(work);
    struct contents contents = open_again(work);
    ck_assert_msg(contents_equal(&contents, &work->promised), "%s\nshould be: %s\nfound: %s", inject_end().what,
                  work->promised.text, contents.text);
    free(contents.text);
}

/* -- Writing -- */

/* Makes the twin anew, of what the store holds. */
static void follow(struct work *work) {
    struct storage_state state;
    struct raft_entry *entries = NULL;
    struct buffer *buffer = NULL;
    size_t count = 0;
    struct storage_message message = {""};
    storage_state(work->storage, &state);
    ck_assert_int_eq(
        storage_read(work->storage, state.base.index + 1, state.last.index, SIZE_MAX, &entries, &count, &buffer, &message),
        STORAGE_OK);
    struct storage_write write = {.entries = entries,
                                  .entry_count = count,
                                  .hard_state_changed = true,
                                  .hard_state = state.hard_state,
                                  .cluster_changed = true,
                                  .formed = state.identity.formed,
                                  .snapshot_changed = state.snapshot.length > 0,
                                  .snapshot = state.snapshot};
    memcpy(write.cluster_id, state.identity.cluster_id, sizeof write.cluster_id);
    storage_close(work->twin);
    work->twin = storage_memory_create(FIXTURE_NODE, state.identity.incarnation);
    if (state.base.index > 0) { /* A log is replaced by a snapshot only; the one that counts may be a later one. */
        const struct storage_write base = {.replaced_by = state.base,
                                           .hard_state_changed = true,
                                           .hard_state = state.hard_state,
                                           .snapshot_changed = true,
                                           .snapshot = {.id = state.base, .length = 1}};
        ck_assert_int_eq(storage_write(work->twin, &base, &message), STORAGE_OK);
    }
    ck_assert_int_eq(storage_write(work->twin, &write, &message), STORAGE_OK);
    free(entries);
    buffer_release(buffer);
}

/* The write did not succeed, and the process ends: the write may be there or not. */
static bool recover(struct work *work, const struct contents *wanted, const char *told) {
    struct storage_message message = {""};
    const struct storage_write nothing = {.entry_count = 0};
    ck_assert_int_eq(storage_write(work->storage, &nothing, &message), STORAGE_FAILED);
    ck_assert(told[0] != '\0' && message.text[0] != '\0');
    work->report.failures++;
    close_all(work);
    const struct inject_report injected = inject_end();
    ck_assert_msg(injected.hit, "a write failed, but no call: %s", told);
    struct contents found = open_again(work);
    bool is_there = contents_equal(&found, wanted);
    if (!is_there) {
        ck_assert_msg(contents_equal(&found, &work->promised), "%s\nshould be: %s\nor: %s\nfound: %s", injected.what,
                      work->promised.text, wanted->text, found.text);
        follow(work);
        struct contents followed = contents_of(work->twin);
        ck_assert(contents_equal(&found, &followed));
        free(followed.text);
    }
    free(found.text);
    return is_there;
}

/* False: it failed and is not there; the store was opened again. */
static bool write_all(struct work *work, const struct storage_write *write) {
    struct storage_message message = {""};
    ck_assert_int_eq(storage_write(work->twin, write, &message), STORAGE_OK);
    struct contents wanted = contents_of(work->twin);
    mark(MARK_BEGUN, &wanted);
    enum storage_error error = storage_write(work->storage, write, &message);
    bool is_there = error == STORAGE_OK;
    if (is_there) {
        mark(MARK_DONE, NULL);
    } else {
        ck_assert_int_eq(error, STORAGE_FAILED);
        is_there = recover(work, &wanted, message.text);
    }
    if (is_there) {
        work->report.writes++;
        promise(work, wanted);
    } else {
        free(wanted.text);
    }
    return is_there;
}

/* A JSON text, as all commands are. */
static char *make_text(struct work *work, size_t size) {
    char *text = memory_alloc(size + 40);
    int head = snprintf(text, 40, "{\"%llu\":\"", (unsigned long long)++work->made);
    for (size_t i = 0; i < size; i++) {
        text[(size_t)head + i] = (char)('a' + draw(work, 26));
    }
    memcpy(text + (size_t)head + size, "\"}", 3);
    return text;
}

static void append(struct work *work, struct storage_write write, struct raft_entry_id after, raft_term term) {
    struct raft_entry entries[ENTRIES_MAX];
    write.entry_count = 1 + draw(work, ENTRIES_MAX);
    bool is_large = draw(work, 8) == 0;
    for (size_t i = 0; i < write.entry_count; i++) {
        char *text = make_text(work, draw(work, is_large ? LARGE_ENTRY_MAX : 300));
        entries[i] = (struct raft_entry){.id = {.index = after.index + 1 + i, .term = term},
                                         .type = RAFT_COMMAND,
                                         .time_ms = draw(work, 2) * work->made,
                                         .size = (uint32_t)strlen(text),
                                         .data = text};
    }
    write.entries = entries;
    write_all(work, &write);
    for (size_t i = 0; i < write.entry_count; i++) {
        free((void *)(uintptr_t)entries[i].data);
    }
}

static void step_append(struct work *work) {
    struct storage_state state = state_of(work);
    struct storage_write write = {.entry_count = 0};
    raft_term term = state.hard_state.term;
    if (term == 0 || draw(work, 10) == 0) {
        write.hard_state_changed = true;
        write.hard_state = (struct raft_hard_state){.term = ++term, .voted_for = FIXTURE_NODE};
    }
    append(work, write, state.last, term);
}

static void step_vote(struct work *work) {
    struct storage_state state = state_of(work);
    write_all(work, &(struct storage_write){.hard_state_changed = true,
                                            .hard_state = {.term = state.hard_state.term + 1, .voted_for = draw(work, 4)}});
}

/* Another leader's entries take the place of the last few. */
static void step_truncate(struct work *work) {
    struct storage_state state = state_of(work);
    if (state.last.index == state.snapshot.id.index) {
        return;
    }
    raft_index room = state.last.index - state.snapshot.id.index;
    raft_index from = state.last.index - draw(work, room < 9 ? room : 9);
    raft_term term = state.hard_state.term + 1;
    struct storage_write write = {
        .truncate_from = from, .hard_state_changed = true, .hard_state = {.term = term, .voted_for = 0}};
    if (draw(work, 3) == 0) {
        write_all(work, &write);
    } else {
        append(work, write, (struct raft_entry_id){.index = from - 1}, term);
    }
}

static void step_identity(struct work *work) {
    write_all(work, &(struct storage_write){.cluster_changed = true,
                                            .cluster_id = "0123456789abcdef0123456789abcdef",
                                            .formed = draw(work, 2) == 0});
}

/* -- Snapshots -- */

static raft_term term_at(struct work *work, raft_index index) {
    struct storage_state state = state_of(work);
    struct raft_entry *entries = NULL;
    struct buffer *buffer = NULL;
    size_t count = 0;
    struct storage_message message = {""};
    if (index == state.last.index) {
        return state.last.term;
    }
    ck_assert_int_eq(storage_read(work->twin, index, index, 1, &entries, &count, &buffer, &message), STORAGE_OK);
    ck_assert_uint_eq(count, 1);
    raft_term term = entries[0].id.term;
    free(entries);
    buffer_release(buffer);
    return term;
}

/* A whole file in `directory`; false: it told of a failure. */
static bool make_file(struct work *work, struct snapshot_directory *directory, struct raft_entry_id id,
                      struct storage_snapshot *out_snapshot) {
    struct snapshot_head head = {.id = id, .machine = "hashmap", .cluster_id = "0123456789abcdef0123456789abcdef"};
    struct snapshot_writer_file *writer = NULL;
    struct storage_message message = {""};
    char *text = make_text(work, draw(work, SNAPSHOT_MAX));
    bool ok = snapshot_file_create(directory, &head, &writer, &message) == STORAGE_OK;
    if (ok) {
        snapshot_file_write(writer, SNAPSHOT_CONFIGURATION, "{}", 2);
        snapshot_file_write(writer, SNAPSHOT_STATE, text, strlen(text));
        ok = snapshot_file_finish(writer, out_snapshot, &message) == STORAGE_OK;
    }
    free(text);
    if (!ok) {
        ck_assert_msg(inject_report().hit, "%s", message.text);
        work->report.failures++;
    }
    return ok;
}

static void step_snapshot(struct work *work) {
    struct storage_state state = state_of(work);
    if (state.last.index == state.snapshot.id.index) {
        return;
    }
    raft_index index = state.last.index - draw(work, state.last.index - state.snapshot.id.index);
    struct raft_entry_id id = {.index = index, .term = term_at(work, index)};
    struct storage_write write = {.snapshot_changed = true};
    if (make_file(work, work->snapshots, id, &write.snapshot)) {
        raft_index tail = draw(work, 2) == 0 ? 0 : draw(work, 10);
        write.compact_through = index > tail ? index - tail : 0;
        if (write_all(work, &write)) {
            snapshot_directory_clean(work->snapshots, &write.snapshot);
        }
    }
}

enum storage_error workload_receive(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                    const char *bytes, uint64_t until, uint64_t *out_found,
                                    struct storage_message *out_message) {
    uint64_t stored = 0;
    enum storage_error error = snapshot_incoming_begin(directory, snapshot, &stored, out_message);
    *out_found = stored;
    while (error == STORAGE_OK && stored < until) {
        size_t size = until - stored < CHUNK_BYTES ? (size_t)(until - stored) : CHUNK_BYTES;
        error = snapshot_incoming_append(directory, snapshot, stored, bytes + stored, size, &stored, out_message);
    }
    return error == STORAGE_OK && stored == snapshot->length ? snapshot_incoming_finish(directory, snapshot, out_message)
                                                             : error;
}

bool workload_may_install(const struct storage_state *state, const struct storage_snapshot *snapshot) {
    return snapshot->id.index > state->last.index && snapshot->id.term >= state->base.term;
}

struct storage_write workload_install(const struct storage_state *state, const struct storage_snapshot *snapshot) {
    raft_term term = snapshot->id.term;
    return (struct storage_write){.replaced_by = snapshot->id,
                                  .snapshot_changed = true,
                                  .snapshot = *snapshot,
                                  .hard_state_changed = term > state->hard_state.term,
                                  .hard_state = {.term = term}};
}

/* False: it told of a failure. */
static bool receive(struct work *work, uint64_t until) {
    struct storage_message message = {""};
    uint64_t found = 0;
    enum storage_error error = workload_receive(work->snapshots, &work->sent, work->sent_bytes, until, &found, &message);
    work->report.resumed += found > 0;
    if (error != STORAGE_OK) {
        ck_assert_msg(inject_report().hit, "%s", message.text);
        work->report.failures++;
    }
    return error == STORAGE_OK;
}

/* A leader has a snapshot of what the log here does not reach yet. */
static void begin_sending(struct work *work) {
    struct storage_state state = state_of(work);
    struct snapshot_directory *leaders = snapshot_directory_memory();
    raft_term term = state.hard_state.term + draw(work, 2);
    struct raft_entry_id id = {.index = state.last.index + 1 + draw(work, 200), .term = term == 0 ? 1 : term};
    struct snapshot_file *file = NULL;
    struct storage_message message = {""};
    ck_assert(make_file(work, leaders, id, &work->sent));
    ck_assert_int_eq(snapshot_file_open(leaders, &work->sent, &file, &message), STORAGE_OK);
    size_t length = (size_t)work->sent.length;
    struct contents told = {.size = sizeof work->sent + length};
    told.text = memory_alloc(told.size);
    work->sent_bytes = memory_alloc(length);
    ck_assert(snapshot_file_raw(file, 0, work->sent_bytes, length));
    snapshot_file_close(file);
    snapshot_directory_close(leaders);
    memcpy(told.text, &work->sent, sizeof work->sent);
    memcpy(told.text + sizeof work->sent, work->sent_bytes, length);
    mark(MARK_SENT, &told);
    free(told.text);
}

static void end_sending(struct work *work) {
    free(work->sent_bytes);
    work->sent_bytes = NULL;
}

/* Some more of a leader's snapshot comes, and when it is whole it takes the place of the whole log. */
static void step_receive(struct work *work) {
    if (work->sent_bytes == NULL) {
        begin_sending(work);
    }
    struct storage_state state = state_of(work);
    if (!workload_may_install(&state, &work->sent)) {
        snapshot_incoming_drop(work->snapshots, work->sent.id.index);
        end_sending(work);
        return;
    }
    uint64_t until = draw(work, 3) == 0 ? work->sent.length : draw(work, work->sent.length);
    bool ok = false;
    for (size_t attempt = 0; !ok && attempt < ATTEMPTS; attempt++) {
        ok = receive(work, until);
    }
    if (ok && until == work->sent.length) {
        struct storage_write write = workload_install(&state, &work->sent);
        if (write_all(work, &write)) {
            snapshot_directory_clean(work->snapshots, &write.snapshot);
            snapshot_incoming_drop(work->snapshots, work->sent.id.index);
            end_sending(work);
        }
    }
}

/* The reserve comes and goes. */
static void step_space(struct work *work) {
    struct storage_room room;
    inject_space(SPACE_TOTAL, draw(work, 2) == 0 ? SPACE_MUCH : SPACE_LITTLE);
    storage_room(work->storage, &room);
    step_append(work);
    inject_space(SPACE_TOTAL, SPACE_MUCH);
}

static void step(struct work *work) {
    uint64_t kind = draw(work, 100);
    if (work->settings->fails && draw(work, 12) == 0) {
        fail_at(work, 1 + draw(work, 40));
    }
    if (kind < 46) {
        step_append(work);
    } else if (kind < 52) {
        step_vote(work);
    } else if (kind < 61) {
        step_truncate(work);
    } else if (kind < 70) {
        step_snapshot(work);
    } else if (kind < 75) {
        storage_compact(work->storage);
    } else if (kind < 87) {
        step_receive(work);
    } else if (kind < 93) {
        restart(work);
    } else if (kind < 97) {
        step_space(work);
    } else {
        step_identity(work);
    }
}

struct workload_report workload_run(const struct fixture *fixture, const struct workload_settings *settings) {
    struct work work = {.fixture = fixture, .settings = settings, .random = settings->seed};
    inject_space(SPACE_TOTAL, SPACE_MUCH);
    make(&work);
    for (size_t i = 0; i < settings->steps; i++) {
        step(&work);
    }
    inject_end();
    restart(&work);
    close_all(&work);
    storage_close(work.twin);
    free(work.promised.text);
    free(work.sent_bytes);
    inject_space(0, 0);
    return work.report;
}

void workload_go_on(struct storage *storage) {
    struct storage_state state;
    storage_state(storage, &state);
    fixture_append(storage, state.hard_state.term + 1, 1, 100);
}
