#include "api/ctl/ctl.h"
#include "api/ctl/diagnosis.h"

#include <inttypes.h>

/* Each dead node costs the one that is asked some seconds. */
enum { ASK_MS = 10000 };

int doctor_run(struct ctl *ctl) {
    const struct raftclient_request request = {
        .size = sizeof request, .method = "GET", .path = "/v1/doctor", .attempt_ms = ASK_MS};
    bool healthy = false;
    if (ctl->options->argument_count != 0) {
        return ctl_wrong("doctor takes no argument");
    }
    const struct raftclient_answer *answer = raftclient_call(ctl->client, &request);
    int code = ctl_judge(answer);
    if (code != CTL_DONE) {
        return code;
    }
    if (!ctl->options->json) {
        printf("as seen from node %" PRIu64 ", %s:\n", answer->node, answer->node_url);
    }
    if (!diagnosis_show(answer->body, answer->body_size, ctl->options->json ? NULL : stdout, &healthy)) {
        fprintf(stderr, "raftctl: %s answered what is no diagnosis\n", answer->node_url);
        return CTL_FAILED;
    }
    if (ctl->options->json && !ctl_line(answer->body, answer->body_size)) {
        return CTL_FAILED;
    }
    return healthy ? CTL_DONE : CTL_FAILED;
}
