/* A story file: lines that begin with # and empty lines are for people; commands, a line ----, and what they are expected
 * to tell, up to an empty line. */
#ifndef TESTS_SCENARIOS_STORY_H
#define TESTS_SCENARIOS_STORY_H

#include <stdbool.h>

/* Tells the story and compares, or with `rewrite` writes into the file what is told. False: something is wrong, and was
 * printed with file and line. */
bool story_tell(const char *path, bool rewrite);
/* The command that is being run, for what ends the process in the middle: "path:line: command". NULL: none. */
const char *story_where(void);

#endif
