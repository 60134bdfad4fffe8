#include "server/restoring.h"

#include "cluster.h"
#include "tests/check_main.h"

#define CLUSTER_ID "00112233445566778899aabbccddeeff"
#define MEMBERS    "{\"voters\":[{\"id\":1,\"url\":\"http://node1:8001\",\"incarnation\":\"" CLUSTER_ID "\"}]}"

/* What a snapshot is made of; the parts are as they should be unless a test says otherwise. */
struct parts {
    struct snapshot_head head;
    const char *configuration;
    const char *after_sessions; /* Bytes too many, as the next. */
    const char *after_state;
    bool no_sessions;
    bool no_state;
};

static bool append_to(void *context, const void *bytes, size_t size) {
    json_write_bytes(context, bytes, size);
    return true;
}

static void add(struct snapshot_writer_file *writer, enum snapshot_section section, struct json_writer *bytes,
                const char *after) {
    if (after != NULL) {
        json_write_bytes(bytes, after, strlen(after));
    }
    if (bytes->size > 0) {
        ck_assert(snapshot_file_write(writer, section, bytes->data, bytes->size));
    }
    json_writer_discard(bytes);
}

static void add_sessions(struct snapshot_writer_file *writer, const struct parts *parts) {
    struct sessions *sessions = sessions_create();
    struct json_writer bytes = {0};
    sessions_open(sessions, 5, 1000);
    void *frozen = sessions_freeze(sessions);
    ck_assert(sessions_write(frozen, (struct machine_output){append_to, &bytes}));
    sessions_release(sessions, frozen);
    sessions_destroy(sessions);
    add(writer, SNAPSHOT_SESSIONS, &bytes, parts->after_sessions);
}

static void add_state(struct snapshot_writer_file *writer, const struct parts *parts) {
    const struct machine *machine = machine_hashmap();
    void *state = machine->create();
    struct json_writer bytes = {0};
    ck_assert_int_eq(machine->apply(state, 3, PUT("a", "1"), strlen(PUT("a", "1")), applier_output(&bytes)), MACHINE_DONE);
    bytes.size = 0;
    void *frozen = machine->freeze(state);
    ck_assert(machine->write(frozen, (struct machine_output){append_to, &bytes}));
    machine->release(state, frozen);
    machine->destroy(state);
    add(writer, SNAPSHOT_STATE, &bytes, parts->after_state);
}

static struct parts whole(void) {
    return (struct parts){
        .head = {.id = {9, 2}, .configuration_index = 1, .cluster_id = CLUSTER_ID, .machine = "hashmap", .chain = 7},
        .configuration = MEMBERS,
    };
}

static bool read_back(const struct parts *parts, struct restored *restored, struct storage_message *message) {
    struct snapshot_directory *directory = snapshot_directory_memory();
    struct snapshot_writer_file *writer;
    struct storage_snapshot snapshot;
    struct snapshot_file *file;
    ck_assert_int_eq(snapshot_file_create(directory, &parts->head, &writer, message), STORAGE_OK);
    ck_assert(snapshot_file_write(writer, SNAPSHOT_CONFIGURATION, parts->configuration, strlen(parts->configuration)));
    if (!parts->no_sessions) {
        add_sessions(writer, parts);
    }
    if (!parts->no_state) {
        add_state(writer, parts);
    }
    ck_assert_int_eq(snapshot_file_finish(writer, &snapshot, message), STORAGE_OK);
    ck_assert_int_eq(snapshot_file_open(directory, &snapshot, &file, message), STORAGE_OK);
    bool sense = restoring_read(file, machine_hashmap(), CLUSTER_ID, restored, message);
    snapshot_file_close(file);
    snapshot_directory_close(directory);
    return sense;
}

static void refused(const struct parts *parts, const char *why) {
    struct restored restored;
    struct storage_message message = {.text = ""};
    ck_assert_msg(!read_back(parts, &restored, &message), "not refused: %s", why);
    ck_assert_msg(strstr(message.text, why) != NULL, "'%s' does not say '%s'", message.text, why);
    ck_assert_ptr_nonnull(strstr(message.text, "the snapshot of index 9 "));
}

START_TEST(all_that_was_written_is_there) {
    struct parts parts = whole();
    struct restored restored;
    struct storage_message message;
    ck_assert_msg(read_back(&parts, &restored, &message), "%s", message.text);
    ck_assert_uint_eq(restored.head.id.index, 9);
    ck_assert_uint_eq(restored.head.chain, 7);
    ck_assert_uint_eq(restored.members.count, 1);
    ck_assert_str_eq(restored.members.list[0].incarnation, CLUSTER_ID);
    ck_assert_uint_eq(sessions_count(restored.sessions), 1);
    ck_assert_uint_eq(sessions_time_ms(restored.sessions), 1000);
    struct json_writer result = {0};
    restored.machine->query(restored.state, GET("a"), strlen(GET("a")), applier_output(&result));
    ck_assert_int_eq(memcmp(result.data, "{\"found\":true,\"value\":1}", result.size), 0);
    json_writer_discard(&result);
    restoring_discard(&restored);
}
END_TEST

START_TEST(what_is_not_ours_is_refused) {
    struct parts parts = whole();
    strcpy(parts.head.machine, "register");
    refused(&parts, "is of the state machine register, and this node runs --machine hashmap");
    parts = whole();
    parts.head.cluster_id[0] = 'f';
    refused(&parts, "is of cluster f0112233445566778899aabbccddeeff, and this node belongs to " CLUSTER_ID);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_and_nothing_of_it_stays) {
    struct parts parts = whole();
    parts.head.configuration_index = 0;
    refused(&parts, "has no configuration");
    static const char *const configurations[] = {"{}", "{\"voters\":", "[]", MEMBERS "x", "null"};
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++) {
        parts = whole();
        parts.configuration = configurations[i];
        refused(&parts, "has a configuration that makes no sense");
    }
    parts = whole();
    parts.no_sessions = true;
    refused(&parts, "has an exactly-once table that makes no sense");
    parts = whole();
    parts.after_sessions = "x";
    refused(&parts, "exactly-once table");
    parts = whole();
    parts.no_state = true;
    refused(&parts, "state machine");
    parts = whole();
    parts.after_state = "x";
    refused(&parts, "state machine");
}
END_TEST

START_TEST(adopted_in_a_running_node_it_is_the_state_and_the_old_one_goes_on_the_long_lane) {
    struct cluster *cluster = cluster_create(1, 1);
    cluster_form(cluster);
    client_await(cluster_propose(cluster, 0, PUT("b", "2")));
    struct node *node = cluster_node(cluster, 0);
    struct parts parts = whole();
    struct restored restored;
    struct storage_message message;
    ck_assert_msg(read_back(&parts, &restored, &message), "%s", message.text);
    void *state = restored.state;
    restoring_adopt(node, &restored);
    ck_assert_ptr_eq(node->applier.state, state);
    ck_assert_ptr_null(restored.state);
    ck_assert_uint_eq(node->applier.applied.index, 9);
    ck_assert_uint_eq(sessions_count(node->applier.sessions), 1);
    ck_assert_uint_eq(roster_as_of(&node->roster, 9)->index, 1);
    ck_assert_uint_ge(node->clock.newest_ms, 1000);
    ck_assert_uint_eq(cluster->members[0].run_count, 1);
    ck_assert_int_eq(cluster->members[0].runs[0].lane, DISK_LANE_LONG);
    /* The module knows nothing of it: it must not turn again. */
    cluster->members[0].dying = true;
    disk_end_run(&cluster->members[0], &cluster->members[0].runs[0]); /* Told that it never ran: freed all the same. */
    node->applier.applied = (struct raft_entry_id){raft_commit_index(node->core), raft_current_term(node->core)};
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, all_that_was_written_is_there);
    tcase_add_test(tcase, what_is_not_ours_is_refused);
    tcase_add_test(tcase, what_makes_no_sense_is_refused_and_nothing_of_it_stays);
    tcase_add_test(tcase, adopted_in_a_running_node_it_is_the_state_and_the_old_one_goes_on_the_long_lane);
}

CHECK_MAIN("restoring", add_tests)
