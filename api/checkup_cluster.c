#include "api/checkup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static size_t count_voters(const struct checkup *checkup, bool answering) {
    size_t count = 0;
    for (size_t i = 0; i < checkup->count; i++) {
        const struct checkup_node *node = &checkup->nodes[i];
        count += node->voter && (!answering || checkup_is_ours(checkup, node)) ? 1 : 0;
    }
    return count;
}

static void look_at_leader(const struct checkup *checkup, struct checkup_findings *findings) {
    size_t voters = count_voters(checkup, false);
    if (checkup->cluster_id[0] == '\0' || checkup->leader != 0 || voters == 0) {
        return;
    }
    size_t answering = count_voters(checkup, true);
    struct checkup_finding *found = checkup_add(findings, CHECKUP_PROBLEM, "no_leader", 0);
    checkup_say(found->problem, "nobody leads, so nothing can be written");
    checkup_say(found->evidence, "node %" PRIu64 " knows no leader in term %" PRIu64 "; %zu of %zu voters answer it",
                checkup->self, checkup->term, answering, voters);
    if (answering > voters / 2) {
        checkup_say(found->command, "curl %s/readyz   # an election may be under way: ask again", checkup->client_url);
    } else {
        checkup_say(found->command,
                    "start %zu more voters; only if their disks are lost: raftd recover --data-dir DIR   # on a survivor",
                    voters / 2 + 1 - answering);
    }
}

static void look_at_voters(const struct checkup *checkup, struct checkup_findings *findings) {
    size_t voters = count_voters(checkup, false);
    if (voters == 1) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_WARNING, "one_voter", 0);
        checkup_say(found->problem, "there is one voter only: when it fails, all stops, and with its disk all is lost");
        checkup_say(found->evidence, "the configuration has 1 voter");
        checkup_say(found->command, "raftd --id ID --join %s ...   # on two more machines", checkup->client_url);
    } else if (voters > 0 && voters % 2 == 0) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_WARNING, "even_voters", 0);
        checkup_say(found->problem, "an even number of voters bears no more failures than one voter less");
        checkup_say(found->evidence, "%zu voters have a majority of %zu: %zu may fail, as of %zu", voters, voters / 2 + 1,
                    (voters - 1) / 2, voters - 1);
        checkup_say(found->command,
                    "raftd --id ID --join %s ...   # one more; or remove one: curl -X DELETE %s/v1/members/ID",
                    checkup->client_url, checkup->client_url);
    }
}

static void look_at_versions(const struct checkup *checkup, struct checkup_findings *findings) {
    const struct checkup_node *first = NULL;
    bool mixed = false;
    char list[CHECKUP_TEXT_SIZE] = "";
    size_t size = 0;
    for (size_t i = 0; i < checkup->count; i++) {
        const struct checkup_node *node = &checkup->nodes[i];
        if (!checkup_is_ours(checkup, node) || node->version[0] == '\0') {
            continue;
        }
        first = first == NULL ? node : first;
        mixed = mixed || strcmp(first->version, node->version) != 0;
        if (size < sizeof list) {
            size += (size_t)snprintf(list + size, sizeof list - size, "%snode %" PRIu64 " runs %s", size > 0 ? ", " : "",
                                     node->id, node->version);
        }
    }
    if (mixed) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_WARNING, "mixed_versions", 0);
        checkup_say(found->problem, "nodes run different versions: an upgrade was not finished");
        checkup_say(found->evidence, "%s", list);
        checkup_say(found->command,
                    "install the newest raftd on the others, one after the other; wait for /readyz between them");
    }
}

void checkup_cluster(const struct checkup *checkup, struct checkup_findings *findings) {
    look_at_leader(checkup, findings);
    look_at_voters(checkup, findings);
    look_at_versions(checkup, findings);
}
