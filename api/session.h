/* /v1/sessions: opened, looked at and closed. Proposing in one is propose.c. */
#ifndef RAFTD_API_SESSION_H
#define RAFTD_API_SESSION_H

struct request;

void session_handle_open(struct request *request);
void session_handle_close(struct request *request);
void session_handle_read(struct request *request);

#endif
