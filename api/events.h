/* GET /v1/events: what happened to this node in the last hour, and how it fared in the last minutes. */
#ifndef RAFTD_API_EVENTS_H
#define RAFTD_API_EVENTS_H

#include "api/inside.h"

#include "server/json/json.h"

struct request;

/* {"id","events":[{"age_ms","kind","term","subject"}],"samples":{}}, oldest first. */
void events_write(const struct api *api, struct json_writer *writer);
void events_handle(struct request *request);

#endif
