/* Clients, and nodes themselves, who want the members changed (ch. 4, contract §4), on any node: the leader does it
 * (server/change_lead) and answers when the new configuration is committed, others pass the wish on and relay the answer.
 *
 *     NEW --- leads ---> TAKEN --- the change ends ---> ENDED
 *     NEW --- another leads ---> PASSED --- answered ---> ENDED
 *     TAKEN, PASSED --- leadership goes elsewhere ---> NEW: asks the next leader, who goes on with what it finds
 *
 * Asking again does no harm: what is done already is a no-op. But a problem that comes then says that the outcome is
 * unknown. */
#ifndef RAFTD_CHANGES_H
#define RAFTD_CHANGES_H

#include "server/change_lead.h"

enum changes_state { CHANGES_NEW, CHANGES_TAKEN, CHANGES_PASSED, CHANGES_ENDED };

struct changes_wish {
    uint64_t ticket;
    enum changes_state state;
    bool forward;
    bool maybe; /* It may have taken effect already. */
    uint64_t deadline_ms;
    uint64_t retry_ms; /* Whoever leads is not asked before. */
    struct change change;
    struct node_change_answer answer;
    node_change_done done; /* NULL: the client is gone. */
    void *context;
};

struct changes {
    struct changes_wish **list; /* Owned, as are the wishes. */
    size_t count;
    size_t capacity;
    struct change_lead lead;
};

void changes_clear(struct changes *changes);
uint64_t changes_add(struct node *node, const struct change *change, uint32_t timeout_ms, bool forward,
                     node_change_done done, void *context);
bool changes_cancel(struct changes *changes, uint64_t ticket);
/* Takes, passes on, and ends what can be ended. */
void changes_turn(struct node *node);
/* After the turn's actions: what has been reached is seen. Then calls back all that have ended. */
void changes_deliver(struct node *node);
/* UINT64_MAX when nobody waits. */
uint64_t changes_deadline_ms(const struct node *node);
/* The end of a wish that was passed on; `answer` NULL: none. */
void changes_answered(struct node *node, uint64_t ticket, enum transport_end end, const struct message_answer *answer,
                      const char *why);
/* A peer's MESSAGE_CHANGE. */
void changes_receive(struct node *node, const struct message_request *request, uint64_t ticket);

/* -- For change_lead -- */

/* The change that this leader was at has ended: all who wait for it have their answer; NULL: as the members are now. */
void changes_end_taken(struct node *node, const struct problem *problem);
/* All who wait for it have to ask whoever leads next; `maybe`: it may have taken effect. */
void changes_release_taken(struct node *node, bool maybe, bool forward);

#endif
