/* A shared library that is no state machine. */
int raftd_machines(void);
int raftd_machines(void) {
    return 1;
}
