/* Many commands in one body, one a line (application/x-ndjson), answered line by line. */
#ifndef RAFTD_API_PROPOSE_LINES_H
#define RAFTD_API_PROPOSE_LINES_H

struct request;

/* The request's body is complete. */
void propose_lines_handle(struct request *request);

#endif
