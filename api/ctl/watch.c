#include "api/ctl/ctl.h"

#include <inttypes.h>

struct tale {
    const struct ctl *ctl;
    uint64_t left; /* Events; 0: no end. */
    bool unread;
};

static bool tell(void *context, const struct raftclient_event *event) {
    struct tale *tale = context;
    if (tale->ctl->options->json) {
        tale->unread = !ctl_line(event->data, event->data_size);
    } else {
        printf("%" PRIu64 "\t%" PRIu64 "\t", event->index, event->term);
        tale->unread = !ctl_line(event->command, event->command_size);
    }
    return !tale->unread && (tale->left == 0 || --tale->left > 0);
}

int watch_run(struct ctl *ctl) {
    struct tale tale = {.ctl = ctl, .left = ctl->options->count};
    if (ctl->options->argument_count != 0) {
        return ctl_wrong("watch takes no argument");
    }
    int code = ctl_judge(raftclient_watch(ctl->client, ctl->options->from, tell, &tale));
    return tale.unread ? CTL_FAILED : code;
}
