/* GET /v1/log: some of the log's entries. */
#ifndef RAFTD_API_LOG_PAGE_H
#define RAFTD_API_LOG_PAGE_H

struct request;

void log_page_handle(struct request *request);

#endif
