/* POST /v1/query and GET /v1/query?q=: reading without writing to the log. */
#ifndef RAFTD_API_QUERY_H
#define RAFTD_API_QUERY_H

struct request;

void query_handle_post(struct request *request);
void query_handle_get(struct request *request);

#endif
