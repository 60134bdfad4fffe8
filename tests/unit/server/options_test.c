#include "server/options.h"

#include "tests/check_main.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 32 };

/* Space-separated words as a NULL-terminated array. */
struct words {
    char text[1024];
    const char *list[WORDS_MAX];
};

static const char *const *split(struct words *words, const char *text) {
    size_t count = 0;
    ck_assert_uint_lt(strlen(text), sizeof words->text);
    strcpy(words->text, text);
    for (char *at = strtok(words->text, " "); at != NULL; at = strtok(NULL, " ")) {
        ck_assert_uint_lt(count, WORDS_MAX - 1);
        words->list[count++] = at;
    }
    words->list[count] = NULL;
    return words->list;
}

static enum options_end read_options(const char *arguments, const char *environment, struct options *options,
                                     struct options_message *message) {
    struct words argument_words;
    struct words environment_words;
    return options_read(split(&argument_words, arguments), split(&environment_words, environment), options, message);
}

static struct options good(const char *arguments, const char *environment) {
    struct options options;
    struct options_message message = {.text = ""};
    ck_assert_msg(read_options(arguments, environment, &options, &message) == OPTIONS_RUN, "%s: %s", arguments,
                  message.text);
    return options;
}

/* The line says `part` and nothing is filled in. */
static void wrong(const char *arguments, const char *environment, const char *part) {
    struct options options;
    memset(&options, 0x5A, sizeof options);
    struct options_message message = {.text = ""};
    ck_assert_msg(read_options(arguments, environment, &options, &message) == OPTIONS_WRONG, "%s was taken", arguments);
    ck_assert_msg(strstr(message.text, part) != NULL, "%s: '%s' does not say '%s'", arguments, message.text, part);
    ck_assert_ptr_null(strchr(message.text, '\n'));
    ck_assert_uint_eq(options.id, UINT64_C(0x5A5A5A5A5A5A5A5A));
}

START_TEST(without_an_argument_it_is_a_cluster_of_one_on_loopback) {
    struct options options = good("", "");
    ck_assert_uint_eq(options.id, 1);
    ck_assert_str_eq(options.listen.host, "127.0.0.1");
    ck_assert_uint_eq(options.listen.port, 8001);
    ck_assert_str_eq(options.advertise_url, "http://127.0.0.1:8001");
    ck_assert_str_eq(options.client_url, "http://127.0.0.1:8001");
    ck_assert_str_eq(options.data_dir, "./raftd-data");
    ck_assert_uint_eq(options.cluster.count, 1);
    ck_assert_uint_eq(options.cluster.list[0].id, 1);
    ck_assert(options.cluster.list[0].voter);
    ck_assert_str_eq(options.cluster.list[0].url, "http://127.0.0.1:8001");
    ck_assert_str_eq(options.machine->name, "hashmap");
    ck_assert_uint_eq(options.heartbeat_ms, 100);
    ck_assert_uint_eq(options.election_timeout_ms, 1000);
    ck_assert_int_eq(options.log_level, DIAGNOSTICS_INFO);
    ck_assert(!options.log_json);
    ck_assert(!options.insecure);
    ck_assert_ptr_null(options.allow_hosts[0]);
    ck_assert_ptr_null(options.allow_origins[0]);
    ck_assert_uint_eq(options.command_bytes_max, 1048576);
    ck_assert_uint_eq(options.query_bytes_max, 65536);
    ck_assert_uint_eq(options.ndjson_bytes_max, 64 * 1048576);
    ck_assert_uint_eq(options.connections_max, 1024);
    options_clear(&options);
}
END_TEST

static const char three[] = "1=http://a:8001,2=http://b:8002,3=http://c:8003";

START_TEST(a_node_of_a_cluster_takes_its_url_from_the_list) {
    char arguments[256];
    snprintf(arguments, sizeof arguments, "--id 2 --listen 0.0.0.0:8002 --insecure --cluster %s", three);
    struct options options = good(arguments, "");
    ck_assert_str_eq(options.advertise_url, "http://b:8002");
    ck_assert_str_eq(options.client_url, "http://b:8002");
    ck_assert_uint_eq(options.cluster.count, 3);
    options_clear(&options);
}
END_TEST

START_TEST(every_option_is_read) {
    struct options options = good(
        "--id 9007199254740991 --listen [::1]:9000 --advertise http://n:9 --client-url http://c:9 --data-dir /d --machine register "
        "--heartbeat 10ms --election-timeout 50ms --log-level debug --log-format json --insecure --allow-host x --allow-origin "
        "http://o",
        "");
    ck_assert_uint_eq(options.id, UINT64_C(9007199254740991));
    ck_assert_str_eq(options.listen.host, "::1");
    ck_assert_str_eq(options.advertise_url, "http://n:9");
    ck_assert_str_eq(options.client_url, "http://c:9");
    ck_assert_str_eq(options.data_dir, "/d");
    ck_assert_str_eq(options.machine->name, "register");
    ck_assert_uint_eq(options.heartbeat_ms, 10);
    ck_assert_uint_eq(options.election_timeout_ms, 50);
    ck_assert_int_eq(options.log_level, DIAGNOSTICS_DEBUG);
    ck_assert(options.log_json);
    ck_assert(options.insecure);
    ck_assert_str_eq(options.allow_hosts[0], "x");
    ck_assert_str_eq(options.allow_origins[0], "http://o");
    options_clear(&options);
    options = good(
        "--max-command-bytes 2MiB --max-query-bytes 1KiB --max-ndjson-bytes 3MiB --max-connections 5 --max-queued-bytes "
        "4MiB --max-queued-commands 6 --cache-bytes 0 --snapshot-entries 1",
        "");
    ck_assert_uint_eq(options.command_bytes_max, 2097152);
    ck_assert_uint_eq(options.query_bytes_max, 1024);
    ck_assert_uint_eq(options.ndjson_bytes_max, 3145728);
    ck_assert_uint_eq(options.connections_max, 5);
    ck_assert_uint_eq(options.queued_bytes_max, 4194304);
    ck_assert_uint_eq(options.queued_commands_max, 6);
    ck_assert_uint_eq(options.cache_bytes, 0);
    ck_assert_uint_eq(options.snapshot_entries, 1);
    options_clear(&options);
}
END_TEST

START_TEST(an_ipv6_address_is_advertised_in_brackets) {
    struct options options = good("--listen [::1]:8001", "");
    ck_assert_str_eq(options.advertise_url, "http://[::1]:8001");
    options_clear(&options);
}
END_TEST

START_TEST(every_option_can_come_from_the_environment) {
    struct options options =
        good("", "RAFTD_DATA_DIR=/e RAFTD_ID=7 RAFTD_INSECURE=true RAFTD_ALLOW_HOST=a,b RAFTD_HEARTBEAT=20ms OTHER=1");
    ck_assert_str_eq(options.data_dir, "/e");
    ck_assert_uint_eq(options.id, 7);
    ck_assert(options.insecure);
    ck_assert_str_eq(options.allow_hosts[1], "b");
    ck_assert_uint_eq(options.heartbeat_ms, 20);
    options_clear(&options);
}
END_TEST

START_TEST(the_command_line_wins_over_the_environment) {
    struct options options =
        good("--id 2 --allow-host c --insecure=false", "RAFTD_ID=nonsense RAFTD_ALLOW_HOST=a RAFTD_INSECURE=1");
    ck_assert_uint_eq(options.id, 2);
    ck_assert_str_eq(options.allow_hosts[0], "c");
    ck_assert_ptr_null(options.allow_hosts[1]);
    ck_assert(!options.insecure);
    options_clear(&options);
}
END_TEST

START_TEST(an_empty_variable_counts_as_absent) {
    struct options options = good("", "RAFTD_ID= RAFTD_CLUSTER=");
    ck_assert_uint_eq(options.id, 1);
    options_clear(&options);
}
END_TEST

START_TEST(values_may_follow_an_equals_sign_and_lists_may_be_repeated) {
    struct options options = good("--id=3 --allow-origin=http://a --allow-origin http://b,http://c --id=4", "");
    ck_assert_uint_eq(options.id, 4);
    ck_assert_str_eq(options.allow_origins[0], "http://a");
    ck_assert_str_eq(options.allow_origins[2], "http://c");
    ck_assert_ptr_null(options.allow_origins[3]);
    options_clear(&options);
}
END_TEST

START_TEST(help_and_version_are_told_apart) {
    struct options options;
    struct options_message message;
    ck_assert_int_eq(read_options("--id 2 --help", "", &options, &message), OPTIONS_HELP);
    ck_assert_int_eq(read_options("--version", "", &options, &message), OPTIONS_VERSION);
}
END_TEST

START_TEST(numbers_out_of_range_are_refused) {
    wrong("--id 0", "", "--id: '0' is not a number from 1 to 9007199254740991");
    wrong("--id 9007199254740992", "", "--id");
    wrong("--id x", "", "'x'");
    wrong("", "RAFTD_ID=0", "RAFTD_ID: '0'");
    wrong("--listen 127.0.0.1:0", "", "port from 1 to 65535");
    wrong("--listen 127.0.0.1:65536", "", "port from 1 to 65535");
    wrong("--max-connections 0", "", "--max-connections");
    wrong("--snapshot-entries 0", "", "--snapshot-entries");
    wrong("--snapshot-entries 1000000001", "", "--snapshot-entries");
    wrong("", "RAFTD_SNAPSHOT_ENTRIES=many", "RAFTD_SNAPSHOT_ENTRIES");
    wrong("--max-command-bytes 1023", "", "from 1024");
    wrong("--max-command-bytes 1MB", "", "64KiB");
}
END_TEST

START_TEST(durations_are_checked_at_their_edges) {
    wrong("--heartbeat 9ms", "", "--heartbeat: '9ms' is not a duration");
    wrong("--heartbeat 100", "", "like 250ms");
    wrong("--election-timeout 49ms --heartbeat 10ms", "", "--election-timeout");
    wrong("--election-timeout 199ms", "", "two heartbeats");
    struct options options = good("--election-timeout 200ms", "");
    options_clear(&options);
}
END_TEST

START_TEST(identical_nodes_are_told_a_name_and_a_number) {
    wrong("--discover raftd:8001", "", "goes with --expect");
    wrong("--expect 3", "", "goes with --discover");
    wrong("--discover raftd --expect 3", "", "HOST:PORT");
    wrong("--discover raftd:8001 --expect 0", "", "--expect");
    wrong("--discover raftd:8001 --expect 32", "", "from 1 to 31");
    wrong("--discover raftd:8001 --expect 3 --join http://a:1", "", "excludes");
    wrong("--discover raftd:8001 --expect 3 --cluster 1=http://a:1 --id 1", "", "excludes");
    wrong("--discover raftd:8001 --expect 3 --restore b", "", "excludes");
    wrong("--discover raftd:8001 --expect 3 --replace", "", "excludes");
    wrong("--discover raftd:8001 --expect 3 --tls-cert c --tls-key k", "", "certificate");
    struct options options = good("--discover raftd:8001 --expect 3 --listen 0.0.0.0:8001 --insecure --allow-host a", "");
    ck_assert_str_eq(options.discover, "raftd:8001");
    ck_assert_uint_eq(options.expect, 3);
    ck_assert_uint_eq(options.id, 0);
    ck_assert_str_eq(options.advertise_url, "");
    ck_assert_str_eq(options.client_url, "");
    ck_assert_uint_eq(options.cluster.count, 0);
    ck_assert_str_eq(options.allow_hosts[0], "a");
    ck_assert_str_eq(options.allow_hosts[1], "raftd");
    ck_assert_ptr_null(options.allow_hosts[2]);
    options_clear(&options);
    options = good("--discover raftd:8001 --expect 31 --id 7 --advertise http://a:1", "");
    ck_assert_uint_eq(options.id, 7);
    ck_assert_str_eq(options.client_url, "http://a:1");
    options_clear(&options);
}
END_TEST

START_TEST(backups_have_a_place) {
    wrong("--backup-dir b --backup-every 999ms", "", "--backup-every");
    wrong("--backup-dir b --backup-every 721h", "", "--backup-every");
    wrong("--backup-dir b --backup-keep 0", "", "--backup-keep");
    wrong("--backup-every 1h", "", "go with --backup-dir");
    wrong("", "RAFTD_BACKUP_KEEP=3", "go with --backup-dir");
    struct options options = good("--backup-dir b --backup-every 720h", "");
    ck_assert_str_eq(options.backup_dir, "b");
    ck_assert_uint_eq(options.backup_every_ms, 720 * 3600000U);
    ck_assert_uint_eq(options.backup_keep, 24);
    options_clear(&options);
}
END_TEST

START_TEST(a_machine_with_a_slash_is_a_library_which_is_not_opened_here) {
    struct options options = good("--machine ./no/such.so", "");
    ck_assert_str_eq(options.machine_path, "./no/such.so");
    ck_assert_ptr_null(options.machine);
    options_clear(&options);
}
END_TEST

START_TEST(an_unknown_option_or_a_missing_value_is_refused) {
    wrong("--nonsense", "", "unknown option '--nonsense'");
    wrong("--idx 1", "", "unknown option '--idx'");
    wrong("-v", "", "unknown option '-v'");
    wrong("serve", "", "unexpected argument 'serve'");
    wrong("--id", "", "--id needs a value");
    wrong("--id --insecure", "", "--id needs a value");
    wrong("--data-dir=", "", "--data-dir needs a value");
    wrong("--insecure=maybe", "", "--insecure");
    wrong("--machine tape", "", "hashmap, register, a library like ./mine.so, or a program");
    wrong("--log-level loud", "", "warning");
    wrong("--log-format xml", "", "text or json");
    wrong("--advertise node1:8001", "", "--advertise");
    wrong("--client-url http://a/b", "", "--client-url");
}
END_TEST

START_TEST(a_backup_is_for_a_node_that_founds_a_cluster) {
    struct options options =
        good("--restore backup --cluster 1=http://a:1,2=http://b:1 --id 2 --listen 127.0.0.1:1 --audit-log -", "");
    ck_assert_str_eq(options.restore_file, "backup");
    ck_assert_str_eq(options.audit_log, "-");
    options_clear(&options);
    wrong("--restore backup --join http://a:1 --id 4", "", "--restore excludes --join and --replace");
    wrong("--restore backup --replace", "", "--restore excludes --join and --replace");
    wrong("--restore", "", "--restore needs a value");
}
END_TEST

START_TEST(options_of_later_versions_are_not_known) {
    const char *const later[] = {"--discover-cluster", "--backup"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        wrong(later[i], "", "unknown option");
    }
}
END_TEST

START_TEST(a_cluster_list_is_checked_against_this_node) {
    wrong("--id 4 --cluster 1=http://a:1,2=http://b:1", "", "--id 4 is not in the list");
    wrong("--cluster 1=http://a:1,2=http://b:1", "", "--id");
    wrong("--id 1 --cluster 1=http://a:1,1=http://b:1", "", "listed twice");
    wrong("--id 1 --cluster 1=http://a:1,2=http://a:1", "", "listed twice");
    wrong("--id 1 --cluster a", "", "--cluster");
    wrong("--id 1", "RAFTD_CLUSTER=a", "RAFTD_CLUSTER");
    wrong("--id 1 --cluster 1=http://a:1,2=http://b:1 --advertise http://c:1", "", "is not what --cluster lists");
    struct options options = good("--id 1 --cluster 1=http://a:1,2=http://b:1 --advertise http://a:1", "");
    options_clear(&options);
}
END_TEST

START_TEST(every_address_of_the_machine_is_none_to_call) {
    wrong("--listen 0.0.0.0:8001 --insecure", "", "add --advertise");
    wrong("--listen [::]:8001 --insecure", "", "add --advertise");
    struct options options = good("--listen 0.0.0.0:8001 --insecure --advertise http://node1:8001", "");
    ck_assert_str_eq(options.cluster.list[0].url, "http://node1:8001");
    options_clear(&options);
}
END_TEST

START_TEST(with_tls_nodes_call_each_other_by_https) {
    struct options options = good("--tls-cert c --tls-key k --tls-ca a", "");
    ck_assert_str_eq(options.advertise_url, "https://127.0.0.1:8001");
    ck_assert_str_eq(options.client_url, "https://127.0.0.1:8001");
    ck_assert_str_eq(options.tls_ca, "a");
    options_clear(&options);
    options = good("--id 1 --tls-cert c --tls-key k --cluster 1=https://a:1,2=https://b:1 --client-url http://proxy", "");
    options_clear(&options);
    wrong("--tls-cert c", "", "--tls-cert and --tls-key go together");
    wrong("--tls-key k", "", "--tls-cert and --tls-key go together");
    wrong("--tls-ca a", "", "--tls-ca goes with them");
    wrong("--tls-cert c --tls-key k --id 1 --cluster 1=https://a:1,2=http://b:1", "", "http://b:1: nodes call each other");
    wrong("--tls-cert c --tls-key k --advertise http://a:1", "", "http://a:1: nodes call each other");
    wrong("--tls-cert c --tls-key k --id 2 --join http://a:1", "", "http://a:1: nodes call each other");
    wrong("--id 1 --cluster 1=https://a:1,2=https://b:1", "", "by URLs with http:// when --tls-cert is not given");
}
END_TEST

START_TEST(listening_beyond_loopback_needs_tokens_or_insecure) {
    wrong("--listen 192.0.2.1:8001", "", "--insecure if");
    wrong("--listen node1:8001", "", "add --token-file");
    wrong("--listen 0.0.0.0:8001 --advertise http://node1:8001", "", "--insecure if");
    struct options options = good("--listen localhost:8001", "");
    ck_assert_ptr_null(options.token_file);
    options_clear(&options);
    options = good("--listen 192.0.2.1:8001 --token-file tokens", "");
    ck_assert_str_eq(options.token_file, "tokens");
    options_clear(&options);
    options = good("--listen 192.0.2.1:8001", "RAFTD_TOKEN_FILE=/run/secrets/raftd");
    ck_assert_str_eq(options.token_file, "/run/secrets/raftd");
    options_clear(&options);
}
END_TEST

START_TEST(a_command_must_fit_where_commands_go) {
    wrong("--max-command-bytes 2MiB --max-ndjson-bytes 1MiB", "", "--max-command-bytes");
    wrong("--max-command-bytes 2MiB --max-queued-bytes 1MiB", "", "--max-command-bytes");
}
END_TEST

START_TEST(a_node_that_joins_lists_nobody) {
    struct options options = good("--id 4 --join http://a:8001 --learner --replace", "");
    ck_assert_str_eq(options.join_url, "http://a:8001");
    ck_assert(options.learner && options.replace);
    ck_assert_uint_eq(options.cluster.count, 0);
    options_clear(&options);
    options = good("", "RAFTD_JOIN=http://a RAFTD_ID=2 RAFTD_LEARNER=true");
    ck_assert_str_eq(options.join_url, "http://a");
    ck_assert(options.learner && !options.replace);
    options_clear(&options);
    wrong("--id 4 --join a:8001", "", "--join: 'a:8001' is not a URL");
    wrong("--id 1 --join http://a --cluster 1=http://b", "", "--join and --cluster exclude each other");
    wrong("--join http://a", "", "--id");
    wrong("--id 4 --listen 127.0.0.1:8004 --join http://127.0.0.1:8004", "", "this node itself");
    wrong("--learner", "", "--learner goes with --join");
}
END_TEST

START_TEST(help_names_every_option) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    options_print_help(file);
    fclose(file);
    const char *const names[] = {"--id",
                                 "--listen",
                                 "--advertise",
                                 "--client-url",
                                 "--data-dir",
                                 "--cluster",
                                 "--machine",
                                 "--heartbeat",
                                 "--election-timeout",
                                 "--log-level",
                                 "--log-format",
                                 "--insecure",
                                 "--allow-host",
                                 "--allow-origin",
                                 "--max-command-bytes",
                                 "--max-query-bytes",
                                 "--max-ndjson-bytes",
                                 "--max-connections",
                                 "--max-queued-bytes",
                                 "--max-queued-commands",
                                 "--snapshot-entries",
                                 "--cache-bytes",
                                 "--join",
                                 "--learner",
                                 "--replace",
                                 "--restore",
                                 "--audit-log",
                                 "RAFTD_DATA_DIR",
                                 "health"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_msg(strstr(text, names[i]) != NULL, "%s", names[i]);
    }
    free(text);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, without_an_argument_it_is_a_cluster_of_one_on_loopback);
    tcase_add_test(tcase, a_node_of_a_cluster_takes_its_url_from_the_list);
    tcase_add_test(tcase, every_option_is_read);
    tcase_add_test(tcase, an_ipv6_address_is_advertised_in_brackets);
    tcase_add_test(tcase, every_option_can_come_from_the_environment);
    tcase_add_test(tcase, the_command_line_wins_over_the_environment);
    tcase_add_test(tcase, an_empty_variable_counts_as_absent);
    tcase_add_test(tcase, values_may_follow_an_equals_sign_and_lists_may_be_repeated);
    tcase_add_test(tcase, help_and_version_are_told_apart);
    tcase_add_test(tcase, numbers_out_of_range_are_refused);
    tcase_add_test(tcase, durations_are_checked_at_their_edges);
    tcase_add_test(tcase, backups_have_a_place);
    tcase_add_test(tcase, identical_nodes_are_told_a_name_and_a_number);
    tcase_add_test(tcase, a_machine_with_a_slash_is_a_library_which_is_not_opened_here);
    tcase_add_test(tcase, an_unknown_option_or_a_missing_value_is_refused);
    tcase_add_test(tcase, a_backup_is_for_a_node_that_founds_a_cluster);
    tcase_add_test(tcase, options_of_later_versions_are_not_known);
    tcase_add_test(tcase, a_cluster_list_is_checked_against_this_node);
    tcase_add_test(tcase, every_address_of_the_machine_is_none_to_call);
    tcase_add_test(tcase, with_tls_nodes_call_each_other_by_https);
    tcase_add_test(tcase, listening_beyond_loopback_needs_tokens_or_insecure);
    tcase_add_test(tcase, a_command_must_fit_where_commands_go);
    tcase_add_test(tcase, a_node_that_joins_lists_nobody);
    tcase_add_test(tcase, help_names_every_option);
}

CHECK_MAIN("options", add_tests)
