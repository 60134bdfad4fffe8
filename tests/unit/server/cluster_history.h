/* The one committed history, applied once more in order, and whether what the clients were told fits it. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_HISTORY_H
#define RAFTD_TESTS_SERVER_CLUSTER_HISTORY_H

#include "cluster_members.h"
#include "cluster_truth.h"

enum { HISTORY_KEYS = 3 /* "k0", "k1", ... */ };

struct history_entry {
    const struct raft_entry *entry; /* NULL: before the first. */
    bool applied;                   /* A command that the machine saw. */
    uint64_t value;                 /* Of a command: its number. */
    char *result;                   /* Owned: of what was applied. */
    char *contents[HISTORY_KEYS];   /* Owned: what get answers after it. */
};

struct history {
    size_t count;
    struct history_entry *entries; /* Owned; by index. */
    size_t *times;                 /* Owned; by value: how often it was applied. */
    raft_index *where;             /* Owned; by value. */
    void *state;
};

static inline char *history_query(struct history *history, const char *query) {
    struct json_writer writer = {0};
    machine_hashmap()->query(history->state, query, strlen(query), applier_output(&writer));
    size_t size;
    return json_writer_take(&writer, &size);
}

static inline void history_look(struct history *history, struct history_entry *entry) {
    static const char *const queries[HISTORY_KEYS] = {GET("k0"), GET("k1"), GET("k2")};
    for (size_t key = 0; key < HISTORY_KEYS; key++) {
        entry->contents[key] = history_query(history, queries[key]);
    }
}

/* §6.3: the same key, or a number in its session that is not above all before it. */
static inline bool history_is_again(const struct history *history, const struct raft_entry *entry) {
    for (raft_index index = 1; index < history->count; index++) {
        const struct history_entry *before = &history->entries[index];
        if (!before->applied) {
            continue;
        }
        bool key = entry->key != NULL && before->entry->key != NULL && entry->key_size == before->entry->key_size &&
                   memcmp(entry->key, before->entry->key, entry->key_size) == 0;
        bool number =
            entry->session != 0 && before->entry->session == entry->session && before->entry->sequence >= entry->sequence;
        if (key || number) {
            return true;
        }
    }
    return false;
}

static inline void history_apply(struct history *history, const struct raft_entry *entry) {
    struct history_entry *added = &history->entries[history->count];
    *added = (struct history_entry){.entry = entry};
    if (entry->type == RAFT_COMMAND) {
        struct json_span value;
        ck_assert(json_member((struct json_span){entry->data, entry->size}, "value", &value));
        ck_assert(json_number_uint64(value, UINT64_MAX, &added->value));
        added->applied = !history_is_again(history, entry);
    }
    if (added->applied) {
        struct json_writer result = {0};
        ck_assert_int_eq(
            machine_hashmap()->apply(history->state, entry->id.index, entry->data, entry->size, applier_output(&result)),
            MACHINE_DONE);
        size_t size;
        added->result = json_writer_take(&result, &size);
        history->times[added->value]++;
        history->where[added->value] = entry->id.index;
    }
    history->count++;
    history_look(history, added);
}

static inline struct history history_replay(struct truth *truth, uint64_t values) {
    struct history history = {.state = machine_hashmap()->create()};
    history.entries = memory_zalloc((truth->committed + 1) * sizeof *history.entries);
    history.times = memory_zalloc(values * sizeof *history.times);
    history.where = memory_zalloc(values * sizeof *history.where);
    history_look(&history, &history.entries[history.count++]);
    for (raft_index index = 1; index <= truth->committed; index++) {
        const struct truth_entry *entry = truth_find(truth, index, truth->at[index].committed);
        ck_assert_ptr_nonnull(entry);
        ck_assert_uint_eq(entry->before, truth->at[index - 1].committed);
        history_apply(&history, &entry->entry);
    }
    return history;
}

static inline void history_free(struct history *history) {
    for (size_t i = 0; i < history->count; i++) {
        free(history->entries[i].result);
        for (size_t key = 0; key < HISTORY_KEYS; key++) {
            free(history->entries[i].contents[key]);
        }
    }
    free(history->entries);
    free(history->times);
    free(history->where);
    machine_hashmap()->destroy(history->state);
}

/* -- Answers -- */

/* `again`: it may have been sent before. */
static inline void history_check_command(const struct history *history, const struct client *client, size_t line_number,
                                         bool again) {
    const struct client_line *line = &client->lines[line_number];
    uint64_t value = client->number + line_number;
    if (client->unheard) {
        return;
    }
    if (line->problem.code != PROBLEM_NONE) {
        ck_assert_msg(line->problem.outcome_unknown || again || history->times[value] == 0,
                      "a rejected command took effect: %s", line->problem.detail);
        return;
    }
    ck_assert_msg(history->times[value] == 1, "an acknowledged command is there %zu times", history->times[value]);
    raft_index at = history->where[value];
    ck_assert_uint_eq(line->id.index, at);
    ck_assert_uint_eq(line->id.term, history->entries[at].entry->id.term);
    ck_assert_str_eq(line->text, history->entries[at].result);
    ck_assert(line->duplicate ? again : at > client->floor || again);
}

static inline void history_check_read(const struct history *history, const struct client *client) {
    const struct client_line *line = client->lines;
    if (line->problem.code != PROBLEM_NONE) {
        return;
    }
    ck_assert_msg(line->id.index >= client->floor, "a read of index %" PRIu64 " does not see %" PRIu64, line->id.index,
                  client->floor);
    ck_assert_uint_lt(line->id.index, history->count);
    const struct raft_entry *entry = history->entries[line->id.index].entry;
    ck_assert_uint_eq(line->id.term, entry == NULL ? 0 : entry->id.term);
    ck_assert_str_eq(line->text, history->entries[line->id.index].contents[client->number]);
}

/* The members that it was told of are those of that entry, which is committed. */
static inline void history_check_change(const struct history *history, const struct client *client) {
    const struct client_line *line = client->lines;
    if (line->problem.code != PROBLEM_NONE || client->unheard) {
        return;
    }
    struct members members;
    char words[128];
    ck_assert_uint_lt(line->id.index, history->count);
    const struct raft_entry *entry = history->entries[line->id.index].entry;
    ck_assert(entry != NULL && entry->type == RAFT_CONFIGURATION && roster_read(entry, &members));
    members_words(&members, words);
    ck_assert_str_eq(line->text, words);
    ck_assert(change_is_settled(&members));
}

/* Values are below `values`. */
static inline void history_check(struct truth *truth, uint64_t values) {
    struct history history = history_replay(truth, values);
    size_t done = 0;
    for (uint64_t value = 0; value < values; value++) {
        ck_assert_msg(history.times[value] <= 1 || value < 10, "a command was applied %zu times", history.times[value]);
    }
    for (size_t i = 0; i < truth->cluster->client_count; i++) {
        const struct client *client = truth->cluster->clients[i];
        if (client->op == NULL || client->answers == 0 || client->cancelled) {
            continue;
        }
        if (strcmp(client->op, "query") == 0) {
            history_check_read(&history, client);
        } else if (strcmp(client->op, "change") == 0) {
            history_check_change(&history, client);
        } else if (strcmp(client->op, "propose") == 0 || strcmp(client->op, "once") == 0) {
            for (size_t k = 0; k < client->count; k++) {
                history_check_command(&history, client, k, client->op[0] == 'o');
                done += client->lines[k].problem.code == PROBLEM_NONE ? 1 : 0;
            }
        }
    }
    ck_assert_uint_gt(done, 5); /* A test in which nothing happens says nothing. */
    history_free(&history);
}

#endif
