/* Tells the service manager that started this process how it is: systemd's notification protocol (sd_notify(3), a datagram
 * of lines to the socket that $NOTIFY_SOCKET names; systemd documents it as stable and as easy to speak without its
 * library). A unit with Type=notify is started once this node serves, with WatchdogSec= it is started again when the
 * reactor no longer turns, and `systemctl status` shows in one line what the node does.
 *
 * Without a manager that asks for it there is nothing to tell: supervisor_open answers NULL, which every function takes.
 * What cannot be delivered is dropped, since a manager that is gone is no reason to end. Times are in ms. One thread. */
#ifndef RAFTD_SUPERVISOR_H
#define RAFTD_SUPERVISOR_H

#include <stdint.h>

struct supervisor;

enum { SUPERVISOR_STATUS_SIZE = 128 /* Bytes of a status line with its NUL; what is longer is cut. */ };

/* `socket_path` is $NOTIFY_SOCKET: a path, or @NAME of an abstract socket; NULL, empty or anything else: nobody asks.
 * `watchdog_us` and `watchdog_process` are $WATCHDOG_USEC and $WATCHDOG_PID, NULL when absent: a watchdog meant for another
 * process, or one that is no number, is none. */
struct supervisor *supervisor_open(const char *socket_path, const char *watchdog_us, const char *watchdog_process);
void supervisor_close(struct supervisor *supervisor);

/* It serves. */
void supervisor_ready(struct supervisor *supervisor);
/* It ends, and takes a moment for it. */
void supervisor_stopping(struct supervisor *supervisor);
/* What it does, for people. The same line again is not sent again. */
void supervisor_status(struct supervisor *supervisor, const char *line);
/* The reactor has turned: answers the watchdog when half of its time is over. */
void supervisor_turned(struct supervisor *supervisor, uint64_t now_ms);
/* When supervisor_turned must be called at the latest; UINT64_MAX without a watchdog. */
uint64_t supervisor_next_deadline_ms(const struct supervisor *supervisor);

#endif
