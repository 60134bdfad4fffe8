#include "api/ctl/help.h"

#include "tests/check_main.h"

#include <stdlib.h>
#include <string.h>

static char *printed(enum options_command command) {
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    help_print(file, command);
    fclose(file);
    return text;
}

/* Calls `each` with every option named at the beginning of a line. */
static void for_each_option(char *text, void (*each)(const char *option)) {
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "  --", 4) == 0) {
            line[2 + strcspn(line + 2, " ")] = '\0';
            each(line + 2);
        }
    }
}

static bool known_to(const char *option, enum options_command command) {
    /* Whatever the value: an option that is known is wrong in another way, if at all. */
    const char *const arguments[] = {options_command_name(command), option, "1", NULL}, *const none[] = {NULL};
    struct options options;
    char message[512] = "";
    options_read(arguments, none, &options, message, sizeof message);
    return strstr(message, "unknown option") == NULL && strstr(message, "is no option of") == NULL;
}

static unsigned counted;

static void is_known(const char *option) {
    bool known = false;
    counted++;
    for (enum options_command command = 0; command < OPTIONS_COMMANDS; command++) {
        known = known || known_to(option, command);
    }
    ck_assert_msg(known, "%s", option);
}

START_TEST(every_option_in_the_help_is_one) {
    char *text = printed(OPTIONS_COMMANDS);
    counted = 0;
    for_each_option(text, is_known);
    ck_assert_uint_ge(counted, 22);
    free(text);
}
END_TEST

static enum options_command command_of_help;

static void is_known_to_command(const char *option) {
    ck_assert_msg(known_to(option, command_of_help), "%s %s", options_command_name(command_of_help), option);
}

START_TEST(the_help_of_a_command_has_its_usage_and_only_options_that_it_knows) {
    for (command_of_help = 0; command_of_help < OPTIONS_COMMANDS; command_of_help++) {
        char usage[64], *text = printed(command_of_help), *all = printed(OPTIONS_COMMANDS);
        snprintf(usage, sizeof usage, "  raftctl %s", options_command_name(command_of_help));
        ck_assert_ptr_nonnull(strstr(text, usage));
        ck_assert_ptr_nonnull(strstr(all, usage));
        ck_assert_ptr_nonnull(strstr(text, "--endpoints"));
        for_each_option(text, is_known_to_command);
        free(text);
        free(all);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_option_in_the_help_is_one);
    tcase_add_test(tcase, the_help_of_a_command_has_its_usage_and_only_options_that_it_knows);
}

CHECK_MAIN("help", add_tests)
