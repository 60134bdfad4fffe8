/* What changes the members (ch. 4): POST and PUT /v1/members, POST /v1/members/{id}/promote, DELETE /v1/members/{id}. */
#ifndef RAFTD_API_MEMBER_CHANGE_H
#define RAFTD_API_MEMBER_CHANGE_H

struct request;

void member_change_handle_add(struct request *request);
void member_change_handle_put(struct request *request);
void member_change_handle_promote(struct request *request);
void member_change_handle_remove(struct request *request);

#endif
