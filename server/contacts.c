#include "server/contacts.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <inttypes.h>
#include <stdlib.h>

void contacts_clear(struct contacts *contacts) {
    free(contacts->list);
    *contacts = (struct contacts){0};
}

static struct contact *find(struct contacts *contacts, raft_node_id id) {
    for (size_t i = 0; i < contacts->count; i++) {
        if (contacts->list[i].id == id) {
            return &contacts->list[i];
        }
    }
    return NULL;
}

static void say(const struct node *node, enum diagnostics_level level, raft_node_id id, const char *what, const char *why) {
    const char *url = node_member_url(node, id);
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, level, "peers", "node %" PRIu64 " (%s) %s%s", id, url == NULL ? "" : url,
                          what, why);
    }
}

void contacts_asked(struct node *node, raft_node_id id) {
    struct contacts *contacts = &node->contacts;
    if (find(contacts, id) == NULL) {
        contacts->list = memory_grow(contacts->list, &contacts->capacity, contacts->count + 1, sizeof *contacts->list);
        contacts->list[contacts->count++] = (struct contact){.id = id, .answered_ms = node->now_ms};
    }
}

void contacts_answered(struct node *node, raft_node_id id) {
    struct contact *contact = find(&node->contacts, id);
    if (contact->silent) {
        say(node, DIAGNOSTICS_INFO, id, "answers again", "");
    }
    contact->silent = false;
    contact->answered_ms = node->now_ms;
}

/* A single failure says little: a slow disk, or a restart that is over soon. Before the cluster is formed, formation tells
 * what is missing. */
void contacts_failed(struct node *node, raft_node_id id, const char *why) {
    struct contact *contact = find(&node->contacts, id);
    bool long_ago = node->now_ms - contact->answered_ms >= node->options.election_timeout_ms;
    if (node->core != NULL && !contact->silent && long_ago) {
        contact->silent = true;
        say(node, DIAGNOSTICS_WARNING, id, "does not answer: ", why);
    }
}
