/* The commands of a story; tests/scenarios/README.md says what each does. */
#include "tests/scenarios/runner/world.h"

#include "server/raft/configuration.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct words {
    size_t count;
    char *list[COMMAND_WORDS_MAX]; /* Into `line`. */
    char line[1024];
};

static bool wrong(struct world *world, const char *why) {
    text_clear(&world->out);
    text_add(&world->out, "%s", why);
    return false;
}

/* -- Words -- */

static bool split(struct words *words, const char *line) {
    if (strlen(line) >= sizeof words->line) {
        return false;
    }
    strcpy(words->line, line);
    words->count = 0;
    for (char *word = strtok(words->line, " "); word != NULL; word = strtok(NULL, " ")) {
        if (words->count == COMMAND_WORDS_MAX) {
            return false;
        }
        words->list[words->count++] = word;
    }
    return words->count > 0;
}

static bool read_number(const char *word, uint64_t *out) {
    char *end;
    *out = strtoull(word, &end, 10);
    return isdigit((unsigned char)word[0]) && *end == '\0';
}

static bool read_node(const struct world *world, const char *word, struct cluster_node **out) {
    uint64_t id;
    if (!read_number(word, &id) || id < 1 || id > world->cluster->node_count) {
        return false;
    }
    *out = &world->cluster->nodes[id - 1];
    return true;
}

static bool read_running(const struct world *world, const char *word, struct cluster_node **out) {
    return read_node(world, word, out) && (*out)->raft != NULL;
}

static bool read_ms(const char *word, uint64_t *out) {
    char *end;
    *out = strtoull(word, &end, 10);
    return isdigit((unsigned char)word[0]) && (strcmp(end, "ms") == 0 || strcmp(end, "s") == 0) &&
           (*out *= strcmp(end, "s") == 0 ? 1000 : 1) > 0;
}

/* "1->2", "*->2", "1->*", "*". */
static bool read_link(const struct world *world, const char *word, struct link *out) {
    *out = (struct link){0};
    if (strcmp(word, "*") == 0) {
        return true;
    }
    const char *arrow = strstr(word, "->");
    if (arrow == NULL || arrow - word != 1 || strlen(arrow) != 3) {
        return false;
    }
    raft_node_id *ends[] = {&out->from, &out->to};
    const char found[] = {word[0], arrow[2]};
    for (size_t i = 0; i < 2; i++) {
        uint64_t id = (uint64_t)(found[i] - '0');
        if (found[i] != '*' && (id < 1 || id > world->cluster->node_count)) {
            return false;
        }
        *ends[i] = found[i] == '*' ? 0 : id;
    }
    return true;
}

/* Ids with commas between them, ascending. */
static bool read_ids(const char *word, raft_node_id *ids, size_t *count) {
    *count = 0;
    while (*word != '\0') {
        char *end;
        uint64_t id = strtoull(word, &end, 10);
        if (end == word || id < 1 || id > CLUSTER_NODES_MAX || (*end != ',' && *end != '\0') ||
            *count == CLUSTER_NODES_MAX) {
            return false;
        }
        ids[(*count)++] = id;
        word = *end == ',' ? end + 1 : end;
    }
    return *count > 0;
}

/* first, first + 1, ... */
static bool go_on_from(const raft_node_id *ids, size_t count, raft_node_id first) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] != first + i) {
            return false;
        }
    }
    return true;
}

/* The value of "name=value"; NULL: it is another. */
static const char *option(const char *word, const char *name) {
    size_t length = strlen(name);
    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* -- The beginning -- */

static bool run_cluster(struct world *world, const struct words *words) {
    struct raft_configuration first = {0};
    uint64_t voters;
    uint64_t in_flight = 4;
    uint64_t batch = 8;
    uint64_t pieces = 1;
    raft_node_id spare[CLUSTER_NODES_MAX];
    size_t spare_count = 0;
    if (world->cluster != NULL) {
        return wrong(world, "a story has one cluster");
    }
    if (words->count < 2 || !read_number(words->list[1], &voters) || voters < 1 || voters > CLUSTER_NODES_MAX) {
        return wrong(world, "cluster VOTERS [learners=4,5] [spare=6] [in-flight=4] [batch=8] [pieces=1]");
    }
    for (raft_node_id id = 1; id <= voters; id++) {
        first.voters[first.voter_count++] = id;
    }
    for (size_t i = 2; i < words->count; i++) {
        const char *word = words->list[i];
        if (!(option(word, "learners") != NULL &&
              read_ids(option(word, "learners"), first.learners, &first.learner_count)) &&
            !(option(word, "spare") != NULL && read_ids(option(word, "spare"), spare, &spare_count)) &&
            !(option(word, "in-flight") != NULL && read_number(option(word, "in-flight"), &in_flight)) &&
            !(option(word, "batch") != NULL && read_number(option(word, "batch"), &batch)) &&
            !(option(word, "pieces") != NULL && read_number(option(word, "pieces"), &pieces))) {
            return wrong(world, "no such option of cluster");
        }
    }
    size_t count = voters + first.learner_count + spare_count;
    if (!go_on_from(first.learners, first.learner_count, voters + 1) ||
        !go_on_from(spare, spare_count, voters + first.learner_count + 1) || count > CLUSTER_NODES_MAX || in_flight < 1 ||
        in_flight > RAFT_IN_FLIGHT_MAX || batch < 1 || pieces < 1) {
        return wrong(world, "voters, then learners, then spare nodes: numbered on, seven at most");
    }
    world_create(world, count, &first, (uint32_t)in_flight, (uint32_t)batch, pieces);
    return true;
}

static bool run_term(struct world *world, const struct words *words) {
    struct cluster_node *node;
    struct raft_hard_state state = {0};
    if ((words->count != 3 && words->count != 5) || !read_running(world, words->list[1], &node) ||
        !read_number(words->list[2], &state.term) || state.term < node->durable_state.term ||
        (words->count == 5 && (strcmp(words->list[3], "vote") != 0 || !read_number(words->list[4], &state.voted_for) ||
                               state.voted_for > world->cluster->node_count))) {
        return wrong(world, "term NODE TERM [vote NODE]");
    }
    if (world->begun) {
        return wrong(world, "terms are given before anything happens");
    }
    world_give_state(world, node, state);
    return true;
}

/* -- Looking -- */

static bool look(struct world *world, const struct words *words,
                 void (*tell)(struct world *world, const struct cluster_node *node)) {
    for (size_t i = 0; i < world->cluster->node_count && words->count == 1; i++) {
        tell(world, &world->cluster->nodes[i]);
    }
    for (size_t i = 1; i < words->count; i++) {
        struct cluster_node *node;
        if (!read_node(world, words->list[i], &node)) {
            return wrong(world, "no such node");
        }
        tell(world, node);
    }
    return true;
}

static bool run_log(struct world *world, const struct words *words) {
    struct cluster_node *node;
    uint64_t terms;
    if (words->count != 3 || strlen(words->list[2]) < 2) {
        return look(world, words, telling_log);
    }
    if (world->begun) {
        return wrong(world, "logs are given before anything happens");
    }
    if (!read_running(world, words->list[1], &node) || !read_number(words->list[2], &terms) ||
        !world_give_log(world, node, words->list[2])) {
        return wrong(world, "log MEMBER TERMS: digits that do not fall, beginning with the configuration's 1");
    }
    return true;
}

static bool run_status(struct world *world, const struct words *words) {
    return look(world, words, telling_status);
}

static bool run_disk(struct world *world, const struct words *words) {
    return look(world, words, telling_disk);
}

static bool run_entries(struct world *world, const struct words *words) {
    return words->count == 2 ? look(world, words, telling_entries) : wrong(world, "entries NODE");
}

static bool run_peers(struct world *world, const struct words *words) {
    struct cluster_node *node;
    return words->count == 2 && read_running(world, words->list[1], &node) ? look(world, words, telling_peers)
                                                                           : wrong(world, "peers NODE");
}

static bool run_network(struct world *world, const struct words *words) {
    if (words->count != 1) {
        return wrong(world, "network");
    }
    network_list(world);
    return true;
}

/* -- Time -- */

static bool run_tick(struct world *world, const struct words *words) {
    uint64_t ms;
    struct cluster_node *node;
    if (words->count < 2 || !read_ms(words->list[words->count - 1], &ms)) {
        return wrong(world, "tick [NODE...] TIME");
    }
    for (size_t i = 1; i + 1 < words->count; i++) {
        if (!read_running(world, words->list[i], &node)) {
            return wrong(world, "no such node, or it is down");
        }
    }
    for (uint64_t t = 0; t < ms; t++) {
        for (size_t i = 0; i < world->cluster->node_count && words->count == 2; i++) {
            world_pass(world, &world->cluster->nodes[i], 1);
        }
        for (size_t i = 1; i + 1 < words->count && read_running(world, words->list[i], &node); i++) {
            world_pass(world, node, 1);
        }
    }
    return true;
}

static bool stabilize_all(struct world *world) {
    bool among[CLUSTER_NODES_MAX];
    memset(among, true, sizeof among);
    return network_stabilize(world, among) || wrong(world, "this does not come to rest");
}

static bool run_run(struct world *world, const struct words *words) {
    uint64_t ms;
    if (words->count != 2 || !read_ms(words->list[1], &ms)) {
        return wrong(world, "run TIME");
    }
    world->without_messages = true;
    bool rests = true;
    for (uint64_t t = 0; t < ms && rests; t++) {
        for (size_t i = 0; i < world->cluster->node_count; i++) {
            world_pass(world, &world->cluster->nodes[i], 1);
        }
        rests = stabilize_all(world);
    }
    world->without_messages = false;
    return rests;
}

static bool run_timeout(struct world *world, const struct words *words) {
    struct cluster_node *node;
    if (words->count != 2 || !read_running(world, words->list[1], &node)) {
        return wrong(world, "timeout NODE, which runs");
    }
    world_time_out(world, node);
    return true;
}

/* All followers have heard of no leader for an election time-out, and this one is the first to act on it. */
static bool campaign(struct world *world, struct cluster_node *node) {
    if (raft_role(node->raft) == RAFT_LEADER) {
        return wrong(world, "it leads already");
    }
    for (size_t i = 0; i < world->cluster->node_count; i++) {
        struct cluster_node *other = &world->cluster->nodes[i];
        if (other == node || other->raft == NULL || raft_role(other->raft) != RAFT_FOLLOWER) {
            continue;
        }
        uint64_t deadline_ms = raft_next_deadline_ms(other->raft);
        for (size_t t = 0; t < CLUSTER_ELECTION_MS && cluster_clock_ms(world->cluster, other) + 1 < deadline_ms; t++) {
            world_pass(world, other, 1);
        }
    }
    world_time_out(world, node);
    return true;
}

static bool run_campaign(struct world *world, const struct words *words) {
    struct cluster_node *node;
    if (words->count != 2 || !read_running(world, words->list[1], &node)) {
        return wrong(world, "campaign NODE, which runs");
    }
    return campaign(world, node);
}

static bool run_elect(struct world *world, const struct words *words) {
    struct cluster_node *node;
    if (words->count != 2 || !read_running(world, words->list[1], &node)) {
        return wrong(world, "elect NODE, which runs");
    }
    if (!campaign(world, node) || !stabilize_all(world)) {
        return false;
    }
    return raft_role(node->raft) == RAFT_LEADER || wrong(world, "it does not win");
}

/* -- Network -- */

static bool run_on_links(struct world *world, const struct words *words,
                         size_t (*act)(struct world *world, struct link link)) {
    size_t count = 0;
    struct link link = {0};
    if (words->count == 1) {
        act(world, link);
        return true;
    }
    for (size_t i = 1; i < words->count; i++) {
        if (!read_link(world, words->list[i], &link)) {
            return wrong(world, "a link is 1->2, 1->*, *->2 or *, and of one message 1->2 #1");
        }
        if (i + 1 < words->count && words->list[i + 1][0] == '#') {
            uint64_t number;
            if (!read_number(words->list[++i] + 1, &number) || number == 0) {
                return wrong(world, "messages are numbered #1, #2, ...");
            }
            link.number = number;
        }
        count = act(world, link);
        if (count == 0) {
            return wrong(world, "there is no such message");
        }
    }
    return true;
}

static bool run_deliver(struct world *world, const struct words *words) {
    return run_on_links(world, words, network_deliver);
}

static bool run_drop(struct world *world, const struct words *words) {
    return run_on_links(world, words, network_drop);
}

static bool run_fail(struct world *world, const struct words *words) {
    return run_on_links(world, words, network_fail);
}

static bool run_duplicate(struct world *world, const struct words *words) {
    return run_on_links(world, words, network_duplicate);
}

static bool run_reorder(struct world *world, const struct words *words) {
    return run_on_links(world, words, network_reverse);
}

static bool run_stabilize(struct world *world, const struct words *words) {
    bool among[CLUSTER_NODES_MAX] = {false};
    struct cluster_node *node;
    if (words->count == 1) {
        return stabilize_all(world);
    }
    for (size_t i = 1; i < words->count; i++) {
        if (!read_node(world, words->list[i], &node)) {
            return wrong(world, "stabilize [NODE...]");
        }
        among[node->id - 1] = true;
    }
    return network_stabilize(world, among) || wrong(world, "this does not come to rest");
}

static bool set_links(struct world *world, const struct words *words, size_t first, bool value,
                      void (*set)(struct world *world, struct link link, bool value)) {
    struct link link = {0};
    if (words->count == first) {
        set(world, link, value);
    }
    for (size_t i = first; i < words->count; i++) {
        if (!read_link(world, words->list[i], &link)) {
            return wrong(world, "a link is 1->2, 1->*, *->2 or *");
        }
        set(world, link, value);
    }
    return true;
}

static bool set_disks(struct world *world, const struct words *words, bool held) {
    struct cluster_node *node;
    for (size_t i = 2; i < words->count; i++) {
        if (!read_running(world, words->list[i], &node)) {
            return wrong(world, "no such node, or it is down");
        }
        world->disk_held[node->id - 1] = held;
        if (!held) {
            world_persist(world, node, node->write_count);
        }
    }
    return words->count > 2 || wrong(world, "whose disk?");
}

static bool run_hold(struct world *world, const struct words *words) {
    return words->count > 1 && strcmp(words->list[1], "disk") == 0 ? set_disks(world, words, true)
                                                                   : set_links(world, words, 1, true, network_hold);
}

static bool run_release(struct world *world, const struct words *words) {
    return words->count > 1 && strcmp(words->list[1], "disk") == 0 ? set_disks(world, words, false)
                                                                   : set_links(world, words, 1, false, network_hold);
}

/* "cut 1 2 | 3 4 5": in parts, whoever is in none is alone. Or single links, one way. */
static bool cut_in_parts(struct world *world, const struct words *words) {
    size_t part_of[CLUSTER_NODES_MAX];
    size_t part = CLUSTER_NODES_MAX;
    for (size_t i = 0; i < CLUSTER_NODES_MAX; i++) {
        part_of[i] = i;
    }
    for (size_t i = 1; i < words->count; i++) {
        struct cluster_node *node;
        if (strcmp(words->list[i], "|") == 0) {
            part++;
        } else if (read_node(world, words->list[i], &node)) {
            part_of[node->id - 1] = part;
        } else {
            return wrong(world, "cut 1 2 | 3 4 5, or cut 1->2");
        }
    }
    for (raft_node_id from = 1; from <= CLUSTER_NODES_MAX; from++) {
        for (raft_node_id to = 1; to <= CLUSTER_NODES_MAX; to++) {
            if (part_of[from - 1] != part_of[to - 1]) {
                network_cut(world, (struct link){from, to, 0}, true);
            }
        }
    }
    return true;
}

static bool run_cut(struct world *world, const struct words *words) {
    struct link link;
    if (words->count > 1 && read_link(world, words->list[1], &link)) {
        return set_links(world, words, 1, true, network_cut);
    }
    return words->count > 1 ? cut_in_parts(world, words) : wrong(world, "cut 1 2 | 3 4 5, or cut 1->2");
}

static bool run_heal(struct world *world, const struct words *words) {
    return set_links(world, words, 1, false, network_cut);
}

/* -- Disks and lives -- */

static bool run_persist(struct world *world, const struct words *words) {
    struct cluster_node *node;
    uint64_t count = SIZE_MAX;
    if (words->count < 2 || words->count > 3 || !read_running(world, words->list[1], &node) ||
        (words->count == 3 && !read_number(words->list[2], &count))) {
        return wrong(world, "persist NODE [WRITES]");
    }
    if (node->write_count == 0) {
        return wrong(world, "nothing is being written there");
    }
    world_persist(world, node, count);
    return true;
}

static bool run_crash(struct world *world, const struct words *words) {
    struct cluster_node *node;
    for (size_t i = 1; i < words->count; i++) {
        if (!read_running(world, words->list[i], &node)) {
            return wrong(world, "no such node, or it is down");
        }
        world_crash(world, node);
    }
    return words->count > 1 || wrong(world, "crash NODE...");
}

static bool run_restart(struct world *world, const struct words *words) {
    struct cluster_node *node;
    for (size_t i = 1; i < words->count; i++) {
        if (!read_node(world, words->list[i], &node) || node->raft != NULL) {
            return wrong(world, "no such node, or it runs");
        }
        world_restart(world, node);
    }
    return words->count > 1 || wrong(world, "restart NODE...");
}

/* -- Work -- */

static bool run_propose(struct world *world, const struct words *words) {
    struct cluster_node *node;
    if (words->count < 3 || !read_running(world, words->list[1], &node)) {
        return wrong(world, "propose NODE COMMAND...");
    }
    for (size_t i = 2; i < words->count; i++) {
        struct cluster_entry command = {.type = RAFT_COMMAND, .value = world_value(world, words->list[i])};
        if (!cluster_propose_entry(world->cluster, node, &command)) {
            telling_line(world, "%" PRIu64 " takes no proposals", node->id);
        }
    }
    world_settle(world, node);
    return true;
}

static bool run_read(struct world *world, const struct words *words) {
    struct cluster_node *node;
    bool lease = words->count == 3 && strcmp(words->list[2], "lease") == 0;
    if ((words->count != 2 && !lease) || !read_running(world, words->list[1], &node)) {
        return wrong(world, "read NODE [lease]");
    }
    uint64_t ticket = world->cluster->committed.count;
    if (!(lease ? raft_read_lease(node->raft, ticket) : raft_read(node->raft, ticket))) {
        telling_line(world, "%" PRIu64 " does not lead: no read", node->id);
    }
    world_settle(world, node);
    return true;
}

static bool run_transfer(struct world *world, const struct words *words) {
    struct cluster_node *node;
    uint64_t to = 0;
    if ((words->count != 2 &&
         (words->count != 4 || strcmp(words->list[2], "to") != 0 || !read_number(words->list[3], &to))) ||
        !read_running(world, words->list[1], &node)) {
        return wrong(world, "transfer NODE [to NODE]");
    }
    if (!raft_transfer(node->raft, to)) {
        telling_line(world, "%" PRIu64 " does not hand over", node->id);
    }
    world_settle(world, node);
    return true;
}

static bool run_fit(struct world *world, const struct words *words) {
    struct cluster_node *node;
    if (words->count != 2 || !read_running(world, words->list[1], &node)) {
        return wrong(world, "fit NODE, unfit NODE");
    }
    cluster_set_unfit(node, strcmp(words->list[0], "unfit") == 0);
    world_settle(world, node);
    return true;
}

static bool run_gone(struct world *world, const struct words *words) {
    struct cluster_node *node;
    uint64_t who;
    if (words->count != 3 || !read_running(world, words->list[1], &node) || !read_number(words->list[2], &who)) {
        return wrong(world, "gone NODE LEADER: to NODE the process of LEADER seems to have ended");
    }
    raft_hint_gone(node->raft, who);
    world_settle(world, node);
    return true;
}

static bool run_compact(struct world *world, const struct words *words) {
    struct cluster_node *node;
    uint64_t through;
    if (words->count < 2 || words->count > 3 || !read_running(world, words->list[1], &node)) {
        return wrong(world, "compact NODE [INDEX]");
    }
    through = node->commit_index;
    if ((words->count == 3 && !read_number(words->list[2], &through)) || through > node->commit_index || through == 0) {
        return wrong(world, "what is committed can be compacted, not more");
    }
    cluster_take_snapshot_and_compact(world->cluster, node, through);
    world_settle(world, node);
    return true;
}

/* -- Members -- */

static void drop_id(raft_node_id *ids, size_t *count, raft_node_id id) {
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (ids[i] != id) {
            ids[kept++] = ids[i];
        }
    }
    *count = kept;
}

static void put_id(raft_node_id *ids, size_t *count, raft_node_id id) {
    drop_id(ids, count, id);
    size_t at = (*count)++;
    while (at > 0 && ids[at - 1] > id) {
        ids[at] = ids[at - 1];
        at--;
    }
    ids[at] = id;
}

/* add, remove and learner change what is there, set says it anew: voters, then "learners" and those. */
static bool read_target(const struct world *world, const struct words *words, struct raft_configuration *target) {
    const char *verb = words->list[2];
    bool learners = strcmp(verb, "learner") == 0;
    if (strcmp(verb, "set") == 0) {
        *target = (struct raft_configuration){0};
    } else if (strcmp(verb, "add") != 0 && strcmp(verb, "remove") != 0 && !learners) {
        return false;
    }
    for (size_t i = 3; i < words->count; i++) {
        struct cluster_node *node;
        if (strcmp(verb, "set") == 0 && strcmp(words->list[i], "learners") == 0) {
            learners = true;
            continue;
        }
        if (!read_node(world, words->list[i], &node)) {
            return false;
        }
        drop_id(target->voters, &target->voter_count, node->id);
        drop_id(target->learners, &target->learner_count, node->id);
        if (strcmp(verb, "remove") != 0) {
            put_id(learners ? target->learners : target->voters, learners ? &target->learner_count : &target->voter_count,
                   node->id);
        }
    }
    return target->voter_count > 0;
}

static const char *verdict_text(enum raft_change_verdict verdict) {
    switch (verdict) {
    case RAFT_CHANGE_BEGUN:
        return "begins a change";
    case RAFT_CHANGE_NONE:
        return "has that configuration already";
    case RAFT_CHANGE_NOT_LEADER:
        return "begins no change: it does not lead, or hands over";
    case RAFT_CHANGE_NOT_YET:
        return "begins no change: nothing of its term is committed yet";
    case RAFT_CHANGE_IN_PROGRESS:
        return "begins no change: another one is under way";
    case RAFT_CHANGE_NO_MAJORITY:
        return "begins no change: no majority of the new voters was heard lately";
    case RAFT_CHANGE_TOO_MANY:
        return "begins no change: too many servers";
    }
    return "?";
}

static bool run_change(struct world *world, const struct words *words) {
    struct cluster_node *node;
    if (words->count < 4 || !read_running(world, words->list[1], &node)) {
        return wrong(world, "change NODE add|remove|learner NODE..., change NODE set VOTER... [learners NODE...]");
    }
    const struct raft_configuration *current = raft_current_configuration(node->raft, NULL);
    struct raft_configuration target = {.voter_count = current->voter_count, .learner_count = current->learner_count};
    memcpy(target.voters, current->voters, sizeof target.voters);
    memcpy(target.learners, current->learners, sizeof target.learners);
    if (!read_target(world, words, &target)) {
        return wrong(world, "change NODE add|remove|learner NODE..., change NODE set VOTER... [learners NODE...]");
    }
    struct raft_configuration first;
    enum raft_change_verdict verdict = raft_change(node->raft, &target, &first);
    telling_line(world, "%" PRIu64 " %s", node->id, verdict_text(verdict));
    if (verdict == RAFT_CHANGE_BEGUN) {
        cluster_propose_configuration(world->cluster, node, &first);
    }
    world_settle(world, node);
    return true;
}

/* -- All -- */

struct command {
    const char *name;
    bool begins; /* Logs and terms cannot be given after it. */
    bool (*run)(struct world *world, const struct words *words);
};

static const struct command commands[] = {
    {"cluster", false, run_cluster},    {"log", false, run_log},
    {"term", false, run_term},          {"status", false, run_status},
    {"disk", false, run_disk},          {"entries", false, run_entries},
    {"peers", false, run_peers},        {"network", false, run_network},
    {"tick", true, run_tick},           {"run", true, run_run},
    {"timeout", true, run_timeout},     {"campaign", true, run_campaign},
    {"elect", true, run_elect},         {"deliver", true, run_deliver},
    {"drop", true, run_drop},           {"fail", true, run_fail},
    {"duplicate", true, run_duplicate}, {"reorder", true, run_reorder},
    {"stabilize", true, run_stabilize}, {"hold", true, run_hold},
    {"release", true, run_release},     {"cut", true, run_cut},
    {"heal", true, run_heal},           {"persist", true, run_persist},
    {"crash", true, run_crash},         {"restart", true, run_restart},
    {"propose", true, run_propose},     {"read", true, run_read},
    {"transfer", true, run_transfer},   {"fit", true, run_fit},
    {"unfit", true, run_fit},           {"gone", true, run_gone},
    {"compact", true, run_compact},     {"change", true, run_change},
};

static bool run_named(struct world *world, const struct words *words) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, words->list[0]) != 0) {
            continue;
        }
        if (world->cluster == NULL && commands[i].run != run_cluster) {
            return wrong(world, "a story begins with a cluster");
        }
        world->begun = world->begun || commands[i].begins;
        return commands[i].run(world, words);
    }
    return wrong(world, "there is no such command");
}

bool command_run(struct world *world, const char *line) {
    static const char quietly[] = "quietly ";
    bool quiet = strncmp(line, quietly, strlen(quietly)) == 0;
    struct words words;
    if (!split(&words, quiet ? line + strlen(quietly) : line)) {
        return wrong(world, "a command is a few words");
    }
    size_t before = world->out.size;
    if (!run_named(world, &words)) {
        return false;
    }
    if (quiet && world->out.bytes != NULL) {
        world->out.size = before;
        world->out.bytes[before] = '\0';
    }
    return true;
}
