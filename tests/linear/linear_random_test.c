/* Random histories: those of a real register are always found linearizable; small ones, true or not, are judged as by
 * trying all orders.
 *
 * LINEAR_SEED=n begins with another seed, LINEAR_ROUNDS=n does so many. */
#include "tests/check_main.h"
#include "tests/number_from.h"

#include "tests/linear/brute_force.h"
#include "tests/linear/linear.h"
#include "tests/linear/linear_task.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SMALL_MAX = 8, ROUNDS = 20000, LARGE_ROUNDS = 60, LARGE = 4000 };

static uint64_t random_state;

static uint64_t next_random(void) {
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = random_state;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static uint64_t below(uint64_t limit) {
    return next_random() % limit;
}

/* How a history is drawn. */
struct weather {
    size_t count;
    uint64_t values;  /* That may be written; 0: each another. */
    uint64_t spread;  /* How long before and after its effect an operation may be invoked and answered. */
    uint64_t step;    /* How far effects are apart, at most. */
    uint64_t unknown; /* In 100. */
    uint64_t silent;  /* In 100 answers that do not tell what was seen. */
    uint64_t keys;
};

static uint64_t draw_value(const struct weather *weather, size_t index) {
    return weather->values == 0 ? index + 1 : below(weather->values + 1);
}

/* A register that does one after the other; who asks it sees it through delays. Of unknown operations half took effect. */
static void draw_true_history(struct linear_operation *out, const struct weather *weather) {
    uint64_t there[8] = {LINEAR_ABSENT};
    uint64_t now = weather->spread;
    for (size_t i = 0; i < weather->count; i++) {
        uint64_t key = below(weather->keys);
        struct linear_operation operation = {
            .kind = (enum linear_kind)(LINEAR_READ + below(3)), .key = (uint32_t)key, .client = (uint32_t)i};
        now += below(weather->step + 1);
        operation.invoked = now - below(weather->spread + 1);
        operation.returned = now + below(weather->spread + 1);
        operation.value = below(10) == 0 ? LINEAR_ABSENT : draw_value(weather, i);
        operation.expected = below(4) > 0 ? there[key] : draw_value(weather, below(weather->count));
        operation.seen = there[key];
        operation.seen_known = operation.kind == LINEAR_READ || below(100) >= weather->silent;
        operation.taken = operation.kind == LINEAR_SWAP && operation.expected == there[key];
        bool is_unknown = below(100) < weather->unknown;
        bool has_effect = !is_unknown || below(2) == 0;
        if (has_effect && (operation.kind == LINEAR_WRITE || operation.taken))
            there[key] = operation.value;
        if (is_unknown) {
            operation.returned = LINEAR_NEVER;
            operation.seen = below(3);
        }
        out[i] = operation;
    }
}

static void change_an_answer(struct linear_operation *history, const struct weather *weather) {
    struct linear_operation *changed = &history[below(weather->count)];
    if (changed->kind == LINEAR_SWAP && below(2) == 0)
        changed->taken = !changed->taken;
    else if (below(8) == 0)
        changed->seen = 77; /* Which nobody ever wrote. */
    else
        changed->seen = below(4) == 0 ? LINEAR_ABSENT : draw_value(weather, below(weather->count));
}

static void print_history(const struct linear_operation *history, size_t count) {
    static const char *const kinds[] = {"", "read", "write", "swap"};
    for (size_t i = 0; i < count; i++) {
        const struct linear_operation *one = &history[i];
        printf("  %zu %s invoked %" PRIu64 " returned %" PRId64 " value %" PRIu64 " expected %" PRIu64 " seen %" PRIu64
               "%s%s\n",
               i, kinds[one->kind], one->invoked, (int64_t)one->returned, one->value, one->expected, one->seen,
               one->seen_known ? "" : " (silent)", one->taken ? " taken" : "");
    }
}

static struct weather draw_weather(size_t count, uint64_t keys) {
    static const uint64_t spreads[] = {0, 2, 6, 15, 40};
    static const uint64_t unknown[] = {0, 10, 40, 70};
    static const uint64_t silent[] = {0, 30, 100};
    return (struct weather){.count = count,
                            .values = below(4),
                            .spread = spreads[below(5)],
                            .step = 1 + below(6),
                            .unknown = unknown[below(4)],
                            .silent = silent[below(3)],
                            .keys = keys};
}

/* Each search by itself, whatever the other says. */
static bool searches_agree(const struct linear_operation *history, size_t count, const struct linear_report *report,
                           enum linear_verdict verdict) {
    size_t chosen[SMALL_MAX];
    for (size_t i = 0; i < count; i++)
        chosen[i] = i;
    struct linear_task task;
    linear_task_make(&task, history, chosen, count);
    struct linear_limits limits = {.goal = task.count, .looks_ahead = true};
    size_t place = 0;
    uint64_t steps = 0;
    bool agree = linear_search_depth(&task, &limits, &place, &steps) == verdict;
    limits.looks_ahead = false;
    agree = linear_search_depth(&task, &limits, &place, &steps) == verdict && agree;
    agree = (verdict == LINEAR_YES || task.steps[task.by_answer[place]].origin == report->culprit) && agree;
    agree = linear_search_breadth(&task, 0, &place, &steps) == verdict && agree;
    agree = (verdict == LINEAR_YES || task.steps[task.by_answer[place]].origin == report->culprit) && agree;
    linear_task_free(&task);
    return agree;
}

START_TEST(small_histories_are_judged_as_by_trying_all_orders) {
    uint64_t seed = number_from("LINEAR_SEED", 1);
    uint64_t rounds = number_from("LINEAR_ROUNDS", ROUNDS);
    uint64_t yes = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        random_state = seed * 1000003 + round;
        struct weather weather = draw_weather(1 + below(SMALL_MAX), 1);
        struct linear_operation history[SMALL_MAX];
        draw_true_history(history, &weather);
        for (uint64_t changes = below(4); changes > 0; changes--)
            change_an_answer(history, &weather);

        struct linear_report report;
        enum linear_verdict verdict = linear_check(history, weather.count, 0, &report);
        uint64_t until = brute_force_fits_until(history, weather.count);
        bool agrees = (verdict == LINEAR_YES) == (until == LINEAR_NEVER) && verdict != LINEAR_UNDECIDED &&
                      searches_agree(history, weather.count, &report, verdict) &&
                      brute_force_check(history, weather.count) == (until == LINEAR_NEVER) &&
                      (verdict == LINEAR_YES || history[report.culprit].returned == until);
        if (!agrees) {
            print_history(history, weather.count);
            ck_abort_msg("round %" PRIu64 ": verdict %d, culprit %zu, all orders fit until %" PRId64, round, (int)verdict,
                         report.culprit, (int64_t)until);
        }
        yes += verdict == LINEAR_YES;
    }
    ck_assert_uint_gt(yes, rounds / 4);
    ck_assert_uint_lt(yes, rounds * 3 / 4);
}
END_TEST

START_TEST(what_a_real_register_answered_is_linearizable) {
    uint64_t seed = number_from("LINEAR_SEED", 1);
    static struct linear_operation history[LARGE];
    for (uint64_t round = 0; round < LARGE_ROUNDS; round++) {
        random_state = seed * 2000003 + round;
        struct weather weather = draw_weather(1 + below(LARGE), 1 + below(8));
        weather.step += weather.spread / 10; /* Not more than a dozen or two at once. */
        if (below(2) == 0)
            weather.values = 0;
        draw_true_history(history, &weather);
        struct linear_report report;
        enum linear_verdict verdict = linear_check(history, weather.count, 20000000, &report);
        ck_assert_msg(verdict == LINEAR_YES, "round %" PRIu64 ": verdict %d after %" PRIu64 " steps", round, (int)verdict,
                      report.steps);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, small_histories_are_judged_as_by_trying_all_orders);
    tcase_add_test(tcase, what_a_real_register_answered_is_linearizable);
}

CHECK_MAIN("linear_random", add_tests)
