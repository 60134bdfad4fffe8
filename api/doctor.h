/* GET /v1/doctor: what is wrong with the cluster, as seen from this node, with the evidence and what to do. All members are
 * asked at once, and again after CHECKUP_APART_MS; a dead one costs API_ASK_TIMEOUT_MS more each time. */
#ifndef RAFTD_API_DOCTOR_H
#define RAFTD_API_DOCTOR_H

struct request;

void doctor_handle(struct request *request);

#endif
