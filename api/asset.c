#include "api/asset.h"

#include "api/answer.h"

#include <string.h>

const struct asset *asset_find(const char *path, size_t size) {
    for (size_t i = 0; i < asset_count; i++) {
        if (strncmp(asset_table[i].path, path, size) == 0 && asset_table[i].path[size] == '\0') {
            return &asset_table[i];
        }
    }
    return NULL;
}

void asset_handle(struct request *request) {
    const struct asset *asset = asset_find(request->target.path, request->target.path_size);
    if (asset == NULL) {
        struct problem problem;
        problem_set(&problem, PROBLEM_NOT_FOUND, false, "there is no such file");
        answer_problem(request, &problem);
        return;
    }
    bool known = head_has_etag(&request->head, asset->etag);
    answer_send(request, &(struct answer){
                             .status = known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK,
                             .content_type = asset->content_type,
                             .fixed_body = asset->begin,
                             .size = known ? 0 : (size_t)(asset->end - asset->begin),
                             .etag = asset->etag,
                             .page = true,
                         });
}
