/* Tells stories: scenarios [--rewrite] FILE... Exit 0 when all are told as they are written. */
#include "tests/scenarios/runner/story.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An invariant that is broken, or an assertion of the core's, ends the process: say by which command. */
static void say_where(void) {
    if (story_where() != NULL) {
        fprintf(stderr, "%s: ended here\n", story_where());
    }
}

static void aborted(int number) {
    const char *where = story_where();
    if (where != NULL && write(STDERR_FILENO, where, strlen(where)) >= 0) {
        (void)!write(STDERR_FILENO, ": ended here\n", strlen(": ended here\n"));
    }
    signal(number, SIG_DFL);
    raise(number);
}

int main(int count, char **arguments) {
    bool rewrite = count > 1 && strcmp(arguments[1], "--rewrite") == 0;
    int first = rewrite ? 2 : 1;
    int wrong = 0;
    if (count <= first) {
        fprintf(stderr, "usage: scenarios [--rewrite] FILE...\n");
        return 2;
    }
    atexit(say_where);
    signal(SIGABRT, aborted);
    for (int i = first; i < count; i++) {
        wrong += story_tell(arguments[i], rewrite) ? 0 : 1;
    }
    printf("%d stories, %d wrong\n", count - first, wrong);
    return wrong == 0 ? 0 : 1;
}
