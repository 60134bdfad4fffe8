#include "tests/check_main.h"
#include "tests/unit/machine/sqlite_machine.h"

static void contains(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %.300s", part, text);
}

/* {"sql":"...","args":[...]}; the SQL has no quotes of JSON. */
static const char *with(const char *sql, const char *args) {
    static char text[210000];
    snprintf(text, sizeof text, "{\"sql\":\"%s\",\"args\":%s}", sql, args);
    return text;
}

static const char *plain(const char *sql) {
    return with(sql, "[]");
}

START_TEST(statements_and_queries_get_their_answers) {
    struct driver driver = sqlite_driver();
    static const char *const cases[][3] = {
        {"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE)", "[]", "{\"changes\":0,\"last_insert_rowid\":0}"},
        {"INSERT INTO t (name) VALUES (?), (?)", "[\"one\",\"two\"]", "{\"changes\":2,\"last_insert_rowid\":2}"},
        {"UPDATE t SET name = name || ?1 || ?1", "[\"!\"]", "{\"changes\":2,\"last_insert_rowid\":0}"},
        {"DELETE FROM t WHERE id = 1 RETURNING id, name", "[]",
         "{\"columns\":[\"id\",\"name\"],\"rows\":[[1,\"one!!\"]],\"changes\":1,\"last_insert_rowid\":0}"},
        {"DELETE FROM t WHERE id = 1", "[]", "{\"changes\":0,\"last_insert_rowid\":0}"},
        {"SELECT count(*) AS n FROM t;  -- that is all", "[]",
         "{\"columns\":[\"n\"],\"rows\":[[1]],\"changes\":0,\"last_insert_rowid\":0}"},
        {"ALTER TABLE t RENAME COLUMN name TO title", "[]", "{\"changes\":0,\"last_insert_rowid\":0}"},
        {"ALTER TABLE t ADD COLUMN more", "[]", "{\"changes\":0,\"last_insert_rowid\":0}"},
        {"ALTER TABLE t DROP COLUMN more", "[]", "{\"changes\":0,\"last_insert_rowid\":0}"},
        {"CREATE TRIGGER twice AFTER INSERT ON t WHEN new.id < 10 BEGIN INSERT INTO t VALUES (new.id + 10, NULL); END",
         "[]", "{\"changes\":0,\"last_insert_rowid\":0}"},
        {"INSERT INTO t VALUES (5, NULL)", "[]", "{\"changes\":2,\"last_insert_rowid\":5}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_str_eq(sqlite_done(&driver, with(cases[i][0], cases[i][1])), cases[i][2]);
    }
    ck_assert_str_eq(driver_query(&driver, with("SELECT * FROM t WHERE id > ? ORDER BY id", "[1]")),
                     "{\"columns\":[\"id\",\"title\"],\"rows\":[[2,\"two!!\"],[5,null],[15,null]]}");
    ck_assert_str_eq(driver_query(&driver, plain("SELECT 1 WHERE 0")), "{\"columns\":[\"1\"],\"rows\":[]}");
    ck_assert_str_eq(driver_query(&driver, "{\"sql\":\"SELECT 2\"}"), "{\"columns\":[\"2\"],\"rows\":[[2]]}");
    driver_destroy(&driver);
}
END_TEST

START_TEST(values_come_back_as_what_they_were) {
    struct driver driver = sqlite_driver();
    static const char *const cases[][3] = {
        {"null", "null", "null"},
        {"true", "1", "integer"},
        {"false", "0", "integer"},
        {"9223372036854775807", "9223372036854775807", "integer"},
        {"-9223372036854775808", "-9223372036854775808", "integer"},
        {"-0", "0", "integer"},
        {"1.0", "1.0", "real"},
        {"-0.0", "-0.0", "real"},
        {"1e2", "100.0", "real"},
        {"0.1", "0.1", "real"},
        {"0.30000000000000004", "0.30000000000000004", "real"},
        {"5e-324", "4.94065645841247e-324", "real"},
        {"1.7976931348623157e308", "1.7976931348623157e+308", "real"},
        {"1e999", "1e999", "real"},
        {"-1e999", "-1e999", "real"},
        {"\"\"", "\"\"", "text"},
        {"\"a\\u0000b\\n\\\"\\\\\"", "\"a\\u0000b\\u000a\\\"\\\\\"", "text"},
        {"\"\\u00e4\\ud83d\\ude00\"", "\"\303\244\360\237\230\200\"", "text"},
        {"{\"blob\":\"\"}", "{\"blob\":\"\"}", "blob"},
        {"{\"blob\":\"00FF7f\"}", "{\"blob\":\"00ff7f\"}", "blob"},
    };
    sqlite_done(&driver, plain("CREATE TABLE t (v)"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char argument[100], expected[200];
        snprintf(argument, sizeof argument, "[%s]", cases[i][0]);
        snprintf(expected, sizeof expected, "{\"columns\":[\"v\",\"k\"],\"rows\":[[%s,\"%s\"]]}", cases[i][1], cases[i][2]);
        sqlite_done(&driver, plain("DELETE FROM t"));
        sqlite_done(&driver, with("INSERT INTO t VALUES (?)", argument));
        ck_assert_str_eq(driver_query(&driver, plain("SELECT v, typeof(v) AS k FROM t")), expected);
    }
    /* A text that is no UTF-8 is told as a blob. */
    ck_assert_str_eq(driver_query(&driver, plain("SELECT CAST(x'61ff' AS TEXT) AS v, CAST(x'eda080' AS TEXT) AS w")),
                     "{\"columns\":[\"v\",\"w\"],\"rows\":[[{\"blob\":\"61ff\"},{\"blob\":\"eda080\"}]]}");
    driver_destroy(&driver);
}
END_TEST

/* Before it reaches the log. */
START_TEST(what_is_no_command_is_refused_at_the_door) {
    static const char *const cases[][2] = {
        {"null", "a statement is"},
        {"[]", "a statement is"},
        {"\"SELECT 1\"", "a statement is"},
        {"{}", "a statement is"},
        {"{\"sql\":1}", "a statement is"},
        {"{\"sql\":\"SELECT 1\\u0000\"}", "sql is a text"},
        {"{\"sql\":\"\\ud800\"}", "sql is a text"},
        {"{\"sql\":\"SELECT ?\",\"args\":1}", "args is an array"},
        {"{\"sql\":\"SELECT ?\",\"args\":[9223372036854775808]}", "64 bits"},
        {"{\"sql\":\"SELECT ?\",\"args\":[\"\\udc00\"]}", "half a pair"},
        {"{\"sql\":\"SELECT ?\",\"args\":[\"\\ud800\\u0041\"]}", "half a pair"},
        {"{\"sql\":\"SELECT ?\",\"args\":[[]]}", "an argument is"},
        {"{\"sql\":\"SELECT ?\",\"args\":[{\"blob\":1}]}", "an argument is"},
        {"{\"sql\":\"SELECT ?\",\"args\":[{\"blob\":\"abc\"}]}", "an argument is"},
        {"{\"sql\":\"SELECT ?\",\"args\":[{\"blob\":\"0g\"}]}", "hexadecimal"},
        {"{\"batch\":{}}", "batch is an array"},
        {"{\"batch\":[{\"sql\":\"SELECT 1\"},7]}", "statement 2: a statement is"},
    };
    struct driver driver = sqlite_driver();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        contains(driver_refusal(&driver, cases[i][0]), cases[i][1]);
    }
    driver_destroy(&driver);
}
END_TEST

START_TEST(what_would_differ_between_nodes_is_refused) {
    static const char *const cases[][2] = {
        {"INSERT INTO t VALUES (random())", "the function random may not be used"},
        {"INSERT INTO t VALUES (RANDOM())", "the function random may not be used"},
        {"INSERT INTO t VALUES (hex(randomblob(8)))", "the function randomblob"},
        {"SELECT * FROM t ORDER BY random()", "the function random"},
        {"INSERT INTO t VALUES (CURRENT_TIMESTAMP)", "the function current_timestamp"},
        {"INSERT INTO t VALUES (CURRENT_DATE)", "the function current_date"},
        {"INSERT INTO t VALUES (CURRENT_TIME)", "the function current_time"},
        {"INSERT INTO stamped (a) VALUES (1)", "the function current_timestamp"},
        {"INSERT INTO drawn (a) VALUES (1)", "the function random"},
        {"INSERT INTO waved DEFAULT VALUES", "the function sin"},
        {"INSERT INTO t VALUES (date('now'))", "date may not use now"},
        {"INSERT INTO t VALUES (datetime('NOW', '+1 day'))", "datetime may not use NOW"},
        {"INSERT INTO t VALUES (strftime('%s', lower('NOW')))", "strftime may not use now"},
        {"INSERT INTO t VALUES (strftime('%s'))", "strftime may not use the time of day"},
        {"INSERT INTO t VALUES (julianday())", "julianday may not use the time of day"},
        {"INSERT INTO t VALUES (time('12:00', 'localtime'))", "time may not use localtime"},
        {"INSERT INTO t VALUES (unixepoch('2020-01-01', 'utc'))", "unixepoch may not use utc"},
        {"INSERT INTO t VALUES (changes())", "the function changes"},
        {"INSERT INTO t VALUES (total_changes())", "the function total_changes"},
        {"INSERT INTO t VALUES (sqlite_version())", "the function sqlite_version"},
        {"INSERT INTO t VALUES (sin(1))", "the function sin"},
        {"SELECT load_extension('x')", "the function load_extension"},
        {"ATTACH 'other' AS other", "other databases may not be used"},
        {"DETACH main", "other databases may not be used"},
        {"PRAGMA foreign_keys=OFF", "PRAGMA foreign_keys may not be used"},
        {"SELECT * FROM pragma_database_list", "pragma_database_list may not be used"},
        {"SELECT * FROM dbstat", "dbstat"},
        {"CREATE TEMP TABLE x (a)", "what is temporary may not be used"},
        {"CREATE TABLE temp.x (a)", "what is temporary may not be used"},
        {"CREATE TEMP VIEW x AS SELECT 1", "what is temporary"},
        {"CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END", "what is temporary"},
        {"CREATE VIRTUAL TABLE x USING fts5(a)", "virtual tables may not be used"},
        {"BEGIN", "transactions of one's own"},
        {"COMMIT", "transactions of one's own"},
        {"ROLLBACK", "transactions of one's own"},
        {"SAVEPOINT x", "transactions of one's own"},
        {"ANALYZE", "ANALYZE may not be used"},
        {"VACUUM", "VACUUM"},
        {"VACUUM INTO '/dev/shm/raftd-vacuum'", "VACUUM"},
        {"EXPLAIN SELECT 1", "EXPLAIN may not be used"},
        {"INSERT INTO ids VALUES (9223372036854775807)", "the rowid 9223372036854775807 may not be used (in ids)"},
        {"UPDATE ids SET id = 9223372036854775807", "the rowid 9223372036854775807 may not be used"},
        {"INSERT INTO sneaky VALUES (1)", "the function random"},
        {"SELECT * FROM sneaky_view", "the function random"},
        {"UPDATE sqlite_schema SET sql = ''", "may not be modified"},
        {"SELECT 1; SELECT 2", "more than one statement"},
        {"SELECT 1; nonsense", "more than one statement"},
        {"-- nothing", "no statement"},
        {"", "no statement"},
        {"SELECT ?", "0 arguments for 1 parameters"},
        {"nonsense", "syntax error"},
        {"SELECT * FROM nowhere", "no such table"},
    };
    struct driver driver = sqlite_driver();
    sqlite_done(&driver, plain("CREATE TABLE t (v)"));
    sqlite_done(&driver, plain("CREATE TABLE ids (id INTEGER PRIMARY KEY)"));
    sqlite_done(&driver, plain("INSERT INTO ids VALUES (1)"));
    sqlite_done(&driver, plain("CREATE TABLE stamped (a, b DEFAULT CURRENT_TIMESTAMP)"));
    sqlite_done(&driver, plain("CREATE TABLE drawn (a, b DEFAULT (random()))"));
    sqlite_done(&driver, plain("CREATE TABLE waved (a DEFAULT (sin(1)))"));
    sqlite_done(&driver, plain("CREATE TABLE sneaky (v)"));
    sqlite_done(&driver, plain("CREATE TRIGGER sneak AFTER INSERT ON sneaky BEGIN INSERT INTO t VALUES (random()); END"));
    sqlite_done(&driver, plain("CREATE VIEW sneaky_view AS SELECT random()"));
    struct bytes before = driver_snapshot(&driver);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        contains(sqlite_refused(&driver, plain(cases[i][0])), cases[i][1]);
    }
    struct bytes after = driver_snapshot(&driver);
    ck_assert(bytes_equal(&before, &after));
    /* With a time that is given, dates are the same everywhere. */
    contains(driver_query(&driver, plain("SELECT date('2026-11-23', '+1 month'), strftime('%Y', 0, 'unixepoch'), "
                                         "unixepoch('2026-11-23 10:00:00')")),
             "[[\"2026-12-23\",\"1970\",1795428000]]");
    sqlite_done(&driver, plain("INSERT INTO ids VALUES (9223372036854775806)"));
    bytes_free(&before);
    bytes_free(&after);
    driver_destroy(&driver);
}
END_TEST

START_TEST(a_batch_is_done_whole_or_not_at_all) {
    struct driver driver = sqlite_driver();
    ck_assert_str_eq(sqlite_done(&driver, "{\"batch\":[{\"sql\":\"CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE)\"},"
                                          "{\"sql\":\"INSERT INTO t VALUES (1, ?)\",\"args\":[\"a\"]},"
                                          "{\"sql\":\"INSERT INTO t VALUES (last_insert_rowid() + 1, 'b')\"},"
                                          "{\"sql\":\"SELECT v FROM t\"}]}"),
                     "{\"results\":[{\"changes\":0,\"last_insert_rowid\":0},{\"changes\":1,\"last_insert_rowid\":1},"
                     "{\"changes\":1,\"last_insert_rowid\":2},"
                     "{\"columns\":[\"v\"],\"rows\":[[\"a\"],[\"b\"]],\"changes\":0,\"last_insert_rowid\":2}]}");
    struct bytes before = driver_snapshot(&driver);
    static const char *const cases[][2] = {
        {"INSERT INTO t VALUES (4, 'a')", "statement 3: UNIQUE constraint failed: t.v"},
        {"INSERT OR ROLLBACK INTO t VALUES (4, 'a')", "statement 3: UNIQUE constraint failed: t.v"},
        {"SELECT random()", "statement 3: the function random"},
        {"DELETE FROM t WHERE v = date('now')", "statement 3: date may not use now"},
        {"INSERT INTO child VALUES (77)", "FOREIGN KEY constraint failed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char command[500];
        snprintf(command, sizeof command,
                 "{\"batch\":[{\"sql\":\"CREATE TABLE child (p REFERENCES t DEFERRABLE INITIALLY DEFERRED)\"},"
                 "{\"sql\":\"INSERT INTO t VALUES (3, 'c')\"},{\"sql\":\"%s\"}]}",
                 cases[i][0]);
        contains(sqlite_refused(&driver, command), cases[i][1]);
    }
    struct bytes after = driver_snapshot(&driver);
    ck_assert(bytes_equal(&before, &after));
    ck_assert_str_eq(sqlite_done(&driver, "{\"batch\":[]}"), "{\"results\":[]}");
    bytes_free(&before);
    bytes_free(&after);
    driver_destroy(&driver);
}
END_TEST

START_TEST(queries_change_nothing) {
    struct driver driver = sqlite_driver();
    sqlite_done(&driver, plain("CREATE TABLE t (v)"));
    sqlite_done(&driver, plain("CREATE INDEX some ON t (v)"));
    static const char *const cases[] = {"INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE u (v)", "DELETE FROM t",
                                        "CREATE INDEX i ON t (v)",  "REINDEX",      "UPDATE t SET v = 1"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        contains(driver_query_refusal(&driver, plain(cases[i])), "a query changes nothing: propose this");
    }
    contains(driver_query_refusal(&driver, plain("SELECT random()")), "the function random");
    contains(driver_query_refusal(&driver, "{\"batch\":[]}"), "a statement is");
    ck_assert_str_eq(driver_query(&driver, plain("SELECT last_insert_rowid() AS l, count(*) AS n FROM t")),
                     "{\"columns\":[\"l\",\"n\"],\"rows\":[[0,0]]}");
    driver_destroy(&driver);
}
END_TEST

#define COUNTED "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %s) "

START_TEST(each_limit_holds) {
    struct driver driver = sqlite_driver();
    char sql[500];
    sqlite_done(&driver, plain("CREATE TABLE t (v)"));
    struct bytes before = driver_snapshot(&driver);
    /* Rows, and bytes of rows, of queries and of what is returned. */
    snprintf(sql, sizeof sql, COUNTED "SELECT n FROM c", "10000");
    contains(driver_query(&driver, plain(sql)), "[10000]]}");
    snprintf(sql, sizeof sql, COUNTED "SELECT n FROM c", "10001");
    contains(driver_query_refusal(&driver, plain(sql)), "more than 10000 rows or 8388608 bytes: use LIMIT");
    snprintf(sql, sizeof sql, COUNTED "SELECT hex(zeroblob(400000)) FROM c", "20");
    contains(driver_query_refusal(&driver, plain(sql)), "use LIMIT");
    snprintf(sql, sizeof sql, COUNTED "INSERT INTO t SELECT n FROM c RETURNING v", "10001");
    contains(sqlite_refused(&driver, plain(sql)), "use LIMIT");
    /* Steps: what counts to a million is done, what counts to ten million is not, and leaves nothing behind. */
    snprintf(sql, sizeof sql, COUNTED "SELECT max(n) FROM c", "1000000");
    contains(driver_query(&driver, plain(sql)), "[[1000000]]");
    snprintf(sql, sizeof sql, COUNTED "SELECT max(n) FROM c", "10000000");
    contains(driver_query_refusal(&driver, plain(sql)), "it takes more than 20000000 steps");
    snprintf(sql, sizeof sql, COUNTED "INSERT INTO t SELECT n FROM c", "10000000");
    contains(sqlite_refused(&driver, plain(sql)), "it takes more than 20000000 steps");
    /* Those of a batch are added up. */
    char batch[2000];
    snprintf(sql, sizeof sql, "{\"sql\":\"" COUNTED "SELECT max(n) FROM c\"}", "800000");
    snprintf(batch, sizeof batch, "{\"batch\":[%s,%s,%s]}", sql, sql, sql);
    contains(sqlite_refused(&driver, batch), "it takes more than 20000000 steps");
    /* What is sorted. */
    snprintf(sql, sizeof sql,
             COUNTED "SELECT length(max(v)) FROM (SELECT n || hex(zeroblob(10000)) AS v FROM c ORDER BY 1)", "1000");
    contains(driver_query(&driver, plain(sql)), "[[20003]]");
    snprintf(sql, sizeof sql, COUNTED "SELECT n || hex(zeroblob(10000)) FROM c ORDER BY 1 LIMIT 10000, 1", "10000");
    contains(driver_query_refusal(&driver, plain(sql)), "full");
    snprintf(sql, sizeof sql, COUNTED "INSERT INTO t SELECT DISTINCT n || hex(zeroblob(10000)) FROM c", "10000");
    contains(sqlite_refused(&driver, plain(sql)), "full");
    /* Sizes. */
    contains(driver_query_refusal(&driver, plain("SELECT 1 LIKE '12345678901234567890123456789012345678901234567890%'")),
             "pattern too complex");
    contains(driver_query_refusal(&driver, plain("SELECT zeroblob(1000001)")), "too big");
    contains(driver_query(&driver, plain("SELECT length(zeroblob(1000000))")), "[[1000000]]");
    static char large[100200];
    memset(large, ' ', 100001);
    memcpy(large, "SELECT 1", 8);
    contains(driver_query_refusal(&driver, plain(large)), "100,000 bytes");
    contains(driver_refusal(&driver, plain(large)), "100,000 bytes");
    char *arguments = large;
    arguments += sprintf(arguments, "[1");
    for (int i = 1; i <= 1000; i++) {
        arguments += sprintf(arguments, ",1");
    }
    sprintf(arguments, "]");
    static char command[101000];
    snprintf(command, sizeof command, "{\"sql\":\"SELECT 1\",\"args\":%s}", large);
    contains(driver_refusal(&driver, command), "more than 1000 arguments");
    char *statements = large;
    statements += sprintf(statements, "{\"batch\":[{\"sql\":\"SELECT 1\"}");
    for (int i = 1; i <= 1000; i++) {
        statements += sprintf(statements, ",{\"sql\":\"SELECT 1\"}");
    }
    sprintf(statements, "]}");
    contains(driver_refusal(&driver, large), "more than 1000 statements");
    struct bytes after = driver_snapshot(&driver);
    ck_assert(bytes_equal(&before, &after));
    bytes_free(&before);
    bytes_free(&after);
    driver_destroy(&driver);
}
END_TEST

/* -- Snapshots -- */

START_TEST(a_frozen_view_stays_as_it_was) {
    struct driver driver = sqlite_driver();
    char sql[200];
    sqlite_done(&driver, plain("CREATE TABLE t (id INTEGER PRIMARY KEY, v)"));
    snprintf(sql, sizeof sql, COUNTED "INSERT INTO t SELECT n, hex(zeroblob(50)) FROM c", "5000");
    sqlite_done(&driver, plain(sql));
    struct bytes expected = driver_snapshot(&driver), first = bytes_empty(), second = bytes_empty();
    void *frozen = driver.machine->freeze(driver.state);
    sqlite_done(&driver, plain("UPDATE t SET v = id"));
    void *later = driver.machine->freeze(driver.state);
    sqlite_done(&driver, plain("DROP TABLE t"));
    ck_assert(driver.machine->write(frozen, bytes_output(&first)));
    ck_assert(bytes_equal(&first, &expected));
    ck_assert(driver.machine->write(later, bytes_output(&second)));
    ck_assert(!bytes_equal(&second, &expected));
    driver.machine->release(driver.state, later);
    driver.machine->release(driver.state, frozen);
    /* It is what SQLite would have in a file. */
    ck_assert_mem_eq(first.data, "SQLite format 3", 16);
    struct bytes full = bytes_limited(10000);
    frozen = driver.machine->freeze(driver.state);
    ck_assert(!driver.machine->write(frozen, bytes_output(&full)));
    driver.machine->release(driver.state, frozen);
    bytes_free(&full);
    bytes_free(&first);
    bytes_free(&second);
    bytes_free(&expected);
    driver_destroy(&driver);
}
END_TEST

START_TEST(bytes_that_are_no_database_are_refused) {
    struct driver driver = sqlite_driver();
    sqlite_done(&driver, plain("CREATE TABLE t (v)"));
    sqlite_done(&driver, plain("INSERT INTO t VALUES (1)"));
    struct bytes snapshot = driver_snapshot(&driver);
    static const size_t offsets[] = {0, 30, 100, 4096};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct driver other = sqlite_driver();
        snapshot.data[offsets[i]] = (char)~snapshot.data[offsets[i]];
        ck_assert(!driver_restore(&other, snapshot.data, snapshot.size, 1000));
        snapshot.data[offsets[i]] = (char)~snapshot.data[offsets[i]];
        ck_assert_str_eq(other.result.data, "these bytes are no database of SQLite");
        driver_destroy(&other);
    }
    struct driver other = sqlite_driver();
    ck_assert(driver_restore(&other, snapshot.data, snapshot.size, 7));
    contains(driver_query(&other, plain("SELECT v FROM t")), "[[1]]");
    driver_destroy(&other);
    struct driver blank = sqlite_driver();
    ck_assert(driver_restore(&blank, "", 0, 7));
    sqlite_done(&blank, plain("CREATE TABLE t (v)"));
    driver_destroy(&blank);
    bytes_free(&snapshot);
    driver_destroy(&driver);
}
END_TEST

/* Some command, many of which fail in the middle of their work. */
static const char *draw_command(uint64_t *seed) {
    static char command[700];
    static const char *const forms[] = {
        "INSERT INTO t (v, w) VALUES (%d, %d)",
        "INSERT INTO t SELECT NULL, v + %d, w FROM t WHERE id %% 7 = %d LIMIT 300",
        "UPDATE t SET v = v + %d WHERE id %% 5 = %d",
        "UPDATE t SET w = hex(zeroblob(%d)) WHERE id %% 11 = %d",
        "DELETE FROM t WHERE id %% 13 = %d AND v < %d",
        "INSERT OR REPLACE INTO u VALUES (%d, %d)",
        "INSERT INTO u SELECT v, count(*) + %d * 0 FROM t WHERE v > %d GROUP BY v",
        "INSERT INTO u VALUES (%d, last_insert_rowid() + %d)",
        "DELETE FROM u WHERE k > %d * 2 + %d",
        "CREATE TABLE x%d AS SELECT * FROM t WHERE id < %d",
        "DROP TABLE x%d -- %d",
        "CREATE INDEX y%d ON t (v, w) -- %d",
        "DROP INDEX y%d -- %d",
        "SELECT %d, total(v), group_concat(w) FROM (SELECT * FROM t LIMIT %d)",
        "ALTER TABLE x%d ADD COLUMN n%d",
        "INSERT INTO t VALUES (%d, random(), %d)",
    };
    char sql[2][300];
    for (int i = 0; i < 2; i++) {
        int first = (int)(draw(seed) % 12), second = (int)(draw(seed) % 40);
        const char *form = forms[draw(seed) % (sizeof forms / sizeof forms[0])];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(sql[i], sizeof sql[i], form, first, second);
#pragma GCC diagnostic pop
    }
    if (draw(seed) % 2 == 0) {
        return plain(sql[0]);
    }
    snprintf(command, sizeof command, "{\"batch\":[{\"sql\":\"%s\"},{\"sql\":\"%s\"}]}", sql[0], sql[1]);
    return command;
}

static void answer(struct driver *driver, const char *command) {
    driver->result.size = 0;
    driver->machine->apply(driver->state, ++driver->index, command, strlen(command), bytes_output(&driver->result));
}

/* Who has lived through all of it, and who begins with a snapshot again and again, answer the same and are the same bytes.
 */
START_TEST(a_nodes_past_makes_no_difference) {
    uint64_t seed = 4711 + (uint64_t)_i;
    struct driver old = sqlite_driver(), young = sqlite_driver();
    int done = 0;
    for (int i = 0; i < 400; i++) {
        const char *command = i == 0   ? plain("CREATE TABLE t (id INTEGER PRIMARY KEY, v INT, w)")
                              : i == 1 ? plain("CREATE TABLE u (k PRIMARY KEY, n CHECK (n < 50))")
                                       : draw_command(&seed);
        answer(&old, command);
        answer(&young, command);
        ck_assert_msg(strcmp(old.result.data, young.result.data) == 0, "%d: %s: %s and %s", i, command, old.result.data,
                      young.result.data);
        done += old.result.data[0] == '{';
        driver_query(&old, plain("SELECT count(*) FROM t"));
        if (draw(&seed) % 10 == 0) {
            struct bytes snapshot = driver_snapshot(&old), same = driver_snapshot(&young);
            ck_assert_msg(bytes_equal(&snapshot, &same), "%d", i);
            driver_destroy(&young);
            young = sqlite_driver();
            ck_assert(driver_restore(&young, snapshot.data, snapshot.size, 5000));
            bytes_free(&snapshot);
            bytes_free(&same);
        }
    }
    ck_assert_int_gt(done, 100);
    ck_assert_int_lt(done, 390);
    driver_destroy(&old);
    driver_destroy(&young);
}
END_TEST

static void add_tests(TCase *tcase) {
    if (!sqlite_there()) {
        return;
    }
    tcase_add_test(tcase, statements_and_queries_get_their_answers);
    tcase_add_test(tcase, values_come_back_as_what_they_were);
    tcase_add_test(tcase, what_is_no_command_is_refused_at_the_door);
    tcase_add_test(tcase, what_would_differ_between_nodes_is_refused);
    tcase_add_test(tcase, a_batch_is_done_whole_or_not_at_all);
    tcase_add_test(tcase, queries_change_nothing);
    tcase_add_test(tcase, each_limit_holds);
    tcase_add_test(tcase, a_frozen_view_stays_as_it_was);
    tcase_add_test(tcase, bytes_that_are_no_database_are_refused);
    tcase_add_loop_test(tcase, a_nodes_past_makes_no_difference, 0, 10);
}

CHECK_MAIN("sqlite_machine", add_tests)
