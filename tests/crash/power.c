#include "tests/crash/power.h"

#include "tests/crash/replay.h"
#include "tests/crash/workload.h"

#include <inttypes.h>
#include <limits.h>

/* What may be found: what was promised last, or what the write under way leaves. Nothing promised yet: a store just made.
 */
struct window {
    bool is_promised;
    bool is_begun;
    struct contents promised; /* Owned. */
    struct contents begun;    /* Owned. */
    struct contents sent;     /* Owned; of the newest MARK_SENT. */
};

struct outcome {
    uint64_t image;
    uint64_t contents;
    bool is_fresh;
};

struct looking {
    const struct power_settings *settings;
    struct power_report report;
    struct window window;
    struct outcome *outcomes; /* Open addressing; image 0: free. */
    size_t outcome_count;
    size_t outcome_capacity;
    const struct replay *replay;
    struct replay_choice choice;
    size_t depth;
    const char *outside; /* Where the power went the first time; "" there. */
};

static uint64_t hash_of(const struct contents *contents) {
    return replay_hash(1, contents->text, contents->size);
}

static struct contents copy_of(const void *text, size_t size) {
    return (struct contents){.text = memory_text(text, size), .size = size};
}

static void where(const struct looking *looking, char out_text[600]) {
    static const char *const parts[] = {"nothing", "all", "the first", "any"};
    snprintf(out_text, 600, "%.200srecord %zu (%.200s) of %.80s, names: %s, bytes: %s, drawn by %" PRIu64, looking->outside,
             replay_position(looking->replay), replay_describe(looking->replay), looking->settings->journal,
             parts[looking->choice.names], parts[looking->choice.bytes], looking->choice.seed);
}

/* -- Looking at one image -- */

static struct storage *open_store(const struct looking *looking, const struct fixture *fixture) {
    struct storage *storage = NULL;
    struct storage_message message = {""};
    char text[600];
    where(looking, text);
    enum storage_error error = fixture_try_open(fixture, &storage, &message);
    ck_assert_msg(error == STORAGE_OK, "refused (%d: %s)\nafter %s", (int)error, message.text, text);
    return storage;
}

/* The file that counts is whole, and the directory can be used. */
static void look_at_snapshots(const struct looking *looking, struct storage *storage) {
    struct storage_state state;
    struct snapshot_directory *directory = NULL;
    struct snapshot_file *file = NULL;
    struct storage_message message = {""};
    char text[600];
    where(looking, text);
    storage_state(storage, &state);
    enum storage_error error = snapshot_directory_open(storage_directory(storage), &state.snapshot, &directory, &message);
    ck_assert_msg(error == STORAGE_OK, "%s\nafter %s", message.text, text);
    if (state.snapshot.length > 0) {
        error = snapshot_file_open(directory, &state.snapshot, &file, &message);
        ck_assert_msg(error == STORAGE_OK, "%s\nafter %s", message.text, text);
        snapshot_file_close(file);
    }
    snapshot_directory_close(directory);
}

/* What was received of a newer snapshot may be there, torn or not: its leader sends the rest, and once more if that was not
 * it; then it takes the place of the log. */
static void go_on_receiving(const struct looking *looking, struct storage *storage) {
    struct storage_snapshot snapshot;
    struct storage_state state;
    struct snapshot_directory *directory = NULL;
    struct storage_message message = {""};
    uint64_t found = 0;
    char text[600];
    where(looking, text);
    storage_state(storage, &state);
    const struct contents *sent = &looking->window.sent;
    if (sent->size == 0) {
        return;
    }
    memcpy(&snapshot, sent->text, sizeof snapshot);
    if (!workload_may_install(&state, &snapshot)) {
        return;
    }
    const char *bytes = sent->text + sizeof snapshot;
    enum storage_error error = snapshot_directory_open(storage_directory(storage), &state.snapshot, &directory, &message);
    ck_assert_msg(error == STORAGE_OK, "%s\nafter %s", message.text, text);
    error = workload_receive(directory, &snapshot, bytes, snapshot.length, &found, &message);
    if (error == STORAGE_DAMAGED && found > 0) {
        error = workload_receive(directory, &snapshot, bytes, snapshot.length, &found, &message);
        ck_assert_msg(found == 0, "what was torn is still there after %s", text);
    }
    ck_assert_msg(error == STORAGE_OK, "a snapshot that is sent again: %s\nafter %s", message.text, text);
    snapshot_directory_close(directory);
    const struct storage_write write = workload_install(&state, &snapshot);
    error = storage_write(storage, &write, &message);
    ck_assert_msg(error == STORAGE_OK, "%s\nafter %s", message.text, text);
    look_at_snapshots(looking, storage);
}

static bool is_fresh(struct storage *storage, const struct contents *contents) {
    struct storage_state state;
    storage_state(storage, &state);
    struct storage *twin = storage_memory_create(FIXTURE_NODE, state.identity.incarnation);
    struct contents fresh = contents_of(twin);
    bool is = contents_equal(&fresh, contents);
    free(fresh.text);
    storage_close(twin);
    return is;
}

static void complain(const struct looking *looking, const struct contents *found) {
    const struct window *window = &looking->window;
    char text[600];
    where(looking, text);
    ck_abort_msg("found: %.300s\npromised: %.300s\nbegun: %.300s\nafter %s", found->text,
                 window->is_promised ? window->promised.text : "(nothing)",
                 window->is_begun ? window->begun.text : "(nothing)", text);
}

static bool is_allowed(const struct window *window, const struct outcome *outcome) {
    return window->is_promised ? outcome->contents == hash_of(&window->promised) ||
                                     (window->is_begun && outcome->contents == hash_of(&window->begun))
                               : outcome->is_fresh;
}

/* Writes and opens once more. */
static void go_on(const struct looking *looking, const struct fixture *fixture, struct storage *storage) {
    char text[600];
    where(looking, text);
    workload_go_on(storage);
    struct contents wanted = contents_of(storage);
    storage_close(storage);
    storage = open_store(looking, fixture);
    struct contents found = contents_of(storage);
    ck_assert_msg(contents_equal(&found, &wanted), "written after %s: %s\nfound: %s", text, wanted.text, found.text);
    free(wanted.text);
    free(found.text);
    storage_close(storage);
}

static void mark_open(const struct contents *contents) {
    char *bytes = memory_alloc(contents->size + 1);
    bytes[0] = MARK_OPEN;
    memcpy(bytes + 1, contents->text, contents->size);
    journal_mark(bytes, contents->size + 1);
    free(bytes);
}

static void look_within(struct looking *looking, const char *journal);

static struct outcome look(struct looking *looking, const struct replay_image *image) {
    struct fixture fixture = {.base = ""};
    char journal[PATH_MAX];
    bool is_nested = looking->settings->nested > 0 && looking->depth == 0 &&
                     image->hash / looking->settings->parts % looking->settings->nested == 0;
    snprintf(fixture.base, sizeof fixture.base, "%.300s/image-%zu", looking->settings->scratch, looking->depth);
    snprintf(fixture.data, sizeof fixture.data, "%.400s/data", fixture.base);
    snprintf(journal, sizeof journal, "%.300s/within", looking->settings->scratch);
    ck_assert(replay_image_put(image, fixture.base));
    ck_assert(!is_nested || journal_begin(fixture.base, journal));
    struct storage *storage = open_store(looking, &fixture);
    struct contents contents = contents_of(storage);
    struct outcome outcome = {
        .image = image->hash, .contents = hash_of(&contents), .is_fresh = is_fresh(storage, &contents)};
    if (!is_allowed(&looking->window, &outcome)) {
        complain(looking, &contents);
    }
    mark_open(&contents);
    look_at_snapshots(looking, storage);
    if (is_nested) {
        journal_end();
    }
    go_on_receiving(looking, storage);
    go_on(looking, &fixture, storage);
    free(contents.text);
    fixture_remove(fixture.base);
    looking->report.openings++;
    if (is_nested) {
        look_within(looking, journal);
        unlink(journal);
    }
    return outcome;
}

/* -- All images -- */

static struct outcome *slot_of(struct outcome *outcomes, size_t capacity, uint64_t image) {
    size_t at = image % capacity;
    while (outcomes[at].image != 0 && outcomes[at].image != image) {
        at = (at + 1) % capacity;
    }
    return &outcomes[at];
}

static void keep(struct looking *looking, struct outcome outcome) {
    if (2 * (looking->outcome_count + 1) > looking->outcome_capacity) {
        size_t capacity = 2 * looking->outcome_capacity + 1024;
        struct outcome *outcomes = memory_zalloc(capacity * sizeof *outcomes);
        for (size_t i = 0; i < looking->outcome_capacity; i++) {
            if (looking->outcomes[i].image != 0) {
                *slot_of(outcomes, capacity, looking->outcomes[i].image) = looking->outcomes[i];
            }
        }
        free(looking->outcomes);
        looking->outcomes = outcomes;
        looking->outcome_capacity = capacity;
    }
    *slot_of(looking->outcomes, looking->outcome_capacity, outcome.image) = outcome;
    looking->outcome_count++;
}

static void leave(struct looking *looking, enum replay_part names, enum replay_part bytes, uint64_t number) {
    const struct power_settings *settings = looking->settings;
    const uint64_t words[] = {settings->seed, replay_position(looking->replay), number, names, bytes};
    looking->choice = (struct replay_choice){.names = names, .bytes = bytes, .seed = replay_hash(2, words, sizeof words)};
    struct replay_image image = replay_leave(looking->replay, &looking->choice);
    looking->report.images++;
    if (looking->depth > 0 || image.hash % settings->parts == settings->part) {
        struct outcome *known =
            looking->outcome_capacity == 0 ? NULL : slot_of(looking->outcomes, looking->outcome_capacity, image.hash);
        if (known == NULL || known->image == 0) {
            keep(looking, look(looking, &image));
        } else if (!is_allowed(&looking->window, known)) {
            looking->outcome_capacity = 0; /* Once more, to tell what is wrong. */
            look(looking, &image);
        }
    }
    replay_image_free(&image);
}

static void note_mark(struct window *window, const struct journal_record *record) {
    const char *bytes = (const char *)(record + 1);
    switch (bytes[0]) {
    case MARK_BEGUN:
        free(window->begun.text);
        window->begun = copy_of(bytes + 1, record->byte_count - 1);
        window->is_begun = true;
        break;
    case MARK_DONE:
        free(window->promised.text);
        window->promised = window->begun;
        window->is_promised = true;
        window->begun = (struct contents){.text = NULL};
        window->is_begun = false;
        break;
    case MARK_SENT:
        free(window->sent.text);
        window->sent = copy_of(bytes + 1, record->byte_count - 1);
        break;
    case MARK_OPEN:
        free(window->promised.text);
        free(window->begun.text);
        *window = (struct window){
            .is_promised = true, .promised = copy_of(bytes + 1, record->byte_count - 1), .sent = window->sent};
        break;
    default:
        ck_abort_msg("a mark of no known kind");
    }
}

static void run(struct looking *looking, struct replay *replay) {
    looking->replay = replay;
    bool is_ready = false;
    for (const struct journal_record *record = replay_step(replay); record != NULL; record = replay_step(replay)) {
        looking->report.records++;
        if (record->kind == JOURNAL_MARK) {
            note_mark(&looking->window, record);
        }
        is_ready = is_ready || record->kind == JOURNAL_READY;
        if (!is_ready) {
            continue;
        }
        leave(looking, REPLAY_NOTHING, REPLAY_NOTHING, 0);
        leave(looking, REPLAY_ALL, REPLAY_ALL, 0);
        leave(looking, REPLAY_ALL, REPLAY_NOTHING, 0);
        leave(looking, REPLAY_NOTHING, REPLAY_ALL, 0);
        bool changes = record->kind != JOURNAL_MARK && record->kind != JOURNAL_SYNC_BEGIN;
        for (size_t i = 0; changes && i < looking->settings->draws; i++) {
            static const enum replay_part drawn[][2] = {
                {REPLAY_ANY, REPLAY_ANY}, {REPLAY_FIRST, REPLAY_FIRST}, {REPLAY_ALL, REPLAY_ANY}, {REPLAY_ANY, REPLAY_ALL}};
            leave(looking, drawn[i % 4][0], drawn[i % 4][1], i);
        }
    }
}

static void free_looking(struct looking *looking) {
    free(looking->window.promised.text);
    free(looking->window.begun.text);
    free(looking->window.sent.text);
    free(looking->outcomes);
}

static struct window copy_window(const struct window *window) {
    struct window copy = {.is_promised = window->is_promised, .is_begun = window->is_begun};
    if (window->is_promised) {
        copy.promised = copy_of(window->promised.text, window->promised.size);
    }
    if (window->is_begun) {
        copy.begun = copy_of(window->begun.text, window->begun.size);
    }
    if (window->sent.size > 0) {
        copy.sent = copy_of(window->sent.text, window->sent.size);
    }
    return copy;
}

/* The power goes a second time, while a store that has lost it opens. */
static void look_within(struct looking *looking, const char *journal) {
    char text[600];
    where(looking, text);
    strncat(text, "; then ", sizeof text - strlen(text) - 1);
    struct power_settings settings = *looking->settings;
    settings.journal = journal;
    settings.draws = 2;
    struct looking within = {
        .settings = &settings, .window = copy_window(&looking->window), .depth = looking->depth + 1, .outside = text};
    struct replay *replay = replay_open(journal);
    ck_assert_ptr_nonnull(replay);
    run(&within, replay);
    looking->report.nested += within.report.openings;
    replay_close(replay);
    free_looking(&within);
}

struct power_report power_run(const struct power_settings *settings) {
    struct looking looking = {.settings = settings, .outside = ""};
    struct replay *replay = replay_open(settings->journal);
    ck_assert_msg(replay != NULL, "cannot read the journal %s", settings->journal);
    run(&looking, replay);
    replay_close(replay);
    free_looking(&looking);
    return looking.report;
}
