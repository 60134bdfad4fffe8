#include "server/contacts.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void contacts_clear(struct contacts *contacts) {
    free(contacts->list);
    *contacts = (struct contacts){0};
}

static struct contact *find(const struct contacts *contacts, raft_node_id id) {
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

void contacts_moved(struct node *node, const struct members_member *member) {
    const struct members_member *known = roster_find(&node->roster, member->id);
    if (known == NULL || member->id == node->options.id || member->incarnation[0] == '\0' ||
        strcmp(known->incarnation, member->incarnation) != 0) {
        return;
    }
    contacts_asked(node, member->id);
    struct contact *contact = find(&node->contacts, member->id);
    contact->elsewhere = true;
    memcpy(contact->told, member->url, sizeof contact->told);
    memcpy(contact->incarnation, member->incarnation, sizeof contact->incarnation);
}

const char *contacts_elsewhere(const struct node *node, const struct members_member *to) {
    const struct contact *contact = find(&node->contacts, to->id);
    const struct members_member *listed = members_find(&node->options.cluster, to->id);
    if (contact != NULL && contact->elsewhere && contact->told[0] != '\0' && strcmp(contact->told, to->url) != 0 &&
        strcmp(contact->incarnation, to->incarnation) == 0) {
        return contact->told;
    }
    bool differs = listed != NULL && strcmp(listed->url, to->url) != 0;
    return contact != NULL && contact->elsewhere && differs ? listed->url : NULL;
}

/* It said so itself, with the disk that it has. */
static bool has_said(const struct node *node, const struct members_member *member, const char *url, bool *out_there) {
    const struct contact *contact = find(&node->contacts, member->id);
    if (contact == NULL || contact->told[0] == '\0' || strcmp(contact->incarnation, member->incarnation) != 0) {
        return false;
    }
    *out_there = strcmp(contact->told, url) == 0;
    return true;
}

static bool answers_there(const struct node *node, const struct members_member *mover) {
    const struct contact *contact = find(&node->contacts, mover->id);
    bool there = false;
    return has_said(node, mover, mover->url, &there) && there && contact->elsewhere && !contact->silent &&
           node->now_ms - contact->answered_ms < node->options.election_timeout_ms;
}

raft_node_id contacts_gone(const struct node *node, const struct members *members, const struct members_member *mover) {
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        if (member->id == mover->id || strcmp(member->url, mover->url) != 0) {
            continue;
        }
        bool there = true;
        if (member->id == node->options.id) {
            there = strcmp(node->options.url, mover->url) == 0;
        } else if (!has_said(node, member, mover->url, &there)) {
            there = !answers_there(node, mover);
        }
        return there ? 0 : member->id;
    }
    return 0;
}

bool contacts_is_anyone_silent(const struct node *node) {
    for (size_t i = 0; i < node->contacts.count; i++) {
        const struct contact *contact = &node->contacts.list[i];
        if (contact->silent && roster_find(&node->roster, contact->id) != NULL) {
            return true;
        }
    }
    return false;
}

void contacts_answered(struct node *node, raft_node_id id) {
    struct contact *contact = find(&node->contacts, id);
    if (contact->silent) {
        say(node, DIAGNOSTICS_INFO, id, "answers again", "");
    }
    contact->silent = false;
    contact->answered_ms = node->now_ms;
}

static bool is_long_silent(const struct node *node, const struct contact *contact) {
    return node->now_ms - contact->answered_ms >= node->options.election_timeout_ms;
}

/* A single failure says little: a slow disk, or a restart that is over soon. Before the cluster is formed, formation tells
 * what is missing. */
void contacts_failed(struct node *node, raft_node_id id, const char *why) {
    struct contact *contact = find(&node->contacts, id);
    if (node->core != NULL && !contact->silent && is_long_silent(node, contact)) {
        contact->silent = true;
        say(node, DIAGNOSTICS_WARNING, id, "does not answer: ", why);
    }
}

/* Several requests may fail at once: each says only something about the place that it went to. */
void contacts_missed(struct node *node, raft_node_id id, bool elsewhere, bool absent) {
    struct contact *contact = find(&node->contacts, id);
    if (elsewhere) {
        contact->elsewhere = false;
    } else if (absent || is_long_silent(node, contact)) {
        contact->elsewhere = true;
    }
}
