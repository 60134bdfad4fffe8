/* What came of looking whether a file has changed. */
#ifndef RAFTD_REFRESHED_H
#define RAFTD_REFRESHED_H

enum refreshed {
    REFRESHED_NOTHING, /* It is the same as before, */
    REFRESHED,         /* another one, which counts now, */
    REFRESHED_IN_VAIN  /* or another one that is wrong: what was before goes on. */
};

#endif
