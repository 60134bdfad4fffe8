#!/usr/bin/env bash
# Identical containers that find each other by the service's name: three found a cluster, two more come in, one is killed, all get
# new addresses, a volume is lost, and one member goes for good.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck disable=SC2034
compose_file=server/package/docker-compose.scale.yml
# shellcheck source=tests/docker/common.sh
. tests/docker/common.sh

container() { # INDEX: of those that there are now, by name.
    docker ps -a --filter "label=com.docker.compose.project=raftd-test-$$" --format '{{.Names}}' | sort -V | sed -n "$1p"
}

url() { # CONTAINER
    echo "http://$(docker port "$1" 8001/tcp | head -n 1)"
}

ask() { # CONTAINER PATH [CURL ARGUMENT...]
    local at=$1 path=$2
    shift 2
    curl -sf -m 20 "$@" "$(url "$at")$path"
}

ready() {
    ask "$1" /readyz
}

status() { # CONTAINER: id, cluster and how many vote.
    ask "$1" /v1/status | python3 -c '
import json, sys
status = json.load(sys.stdin)
print(status["id"], status["cluster_id"], len((status["configuration"] or {"voters": []})["voters"]))'
}

vote() { # COUNT: so many containers are ready in one cluster, of which so many vote.
    local at ids=0 clusters=
    for at in $(docker ps --filter "label=com.docker.compose.project=raftd-test-$$" --format '{{.Names}}'); do
        ready "$at" >/dev/null || return 1
        read -r _ cluster voters <<<"$(status "$at")"
        [ "$voters" = "$1" ] || return 1
        clusters="$clusters $cluster"
        ids=$((ids + 1))
    done
    [ "$ids" -ge 3 ] && [ "$(tr ' ' '\n' <<<"$clusters" | grep -c . )" = "$ids" ] && [ "$(tr ' ' '\n' <<<"$clusters" | sort -u | grep -c .)" = 1 ]
}

holds() { # CONTAINER KEY
    ask "$1" /v1/query -d "{\"op\":\"get\",\"key\":\"$2\"}" | grep -q '"found":true'
}

put() { # CONTAINER KEY
    ask "$1" '/v1/propose?timeout=10s' -d "{\"op\":\"put\",\"key\":\"$2\",\"value\":1}"
}

all_hold() {
    local at
    for at in $(docker ps --filter "label=com.docker.compose.project=raftd-test-$$" --format '{{.Names}}'); do
        holds "$at" "$1" || return 1
    done
}

build_image
"${compose[@]}" up -d --scale raftd=3 >"$log" 2>&1 || fail "three containers start"
until_true 60 "three identical containers are one cluster" vote 3
put "$(container 1)" first >/dev/null || fail "a command is taken"
until_true 20 "all have it" all_hold first

"${compose[@]}" up -d --scale raftd=5 >"$log" 2>&1 || fail "two more start"
until_true 60 "two more are taken in" vote 5

killed=$(container 2)
docker kill "$killed" >/dev/null
until_true 30 "the others go on without one" put "$(container 1)" without
docker start "$killed" >/dev/null
until_true 60 "it comes back" vote 5

addresses() {
    docker ps -q --filter "label=com.docker.compose.project=raftd-test-$$" | xargs docker inspect -f '{{.Name}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' | sort
}
before=$(addresses)
names=$(docker ps --filter "label=com.docker.compose.project=raftd-test-$$" --format '{{.Names}}' | sort -V)
# shellcheck disable=SC2086
docker stop -t 15 $names >/dev/null
sort -rV <<<"$names" | while read -r name; do # In another order, because addresses are given out in order.
    docker start "$name" >/dev/null
done
[ "$before" != "$(addresses)" ] || fail "the containers have other addresses"
check "the containers have other addresses, each one that another had"
until_true 90 "all find each other again" vote 5
until_true 20 "nothing is lost" all_hold first

lost=$(container 3)
read -r id _ _ <<<"$(status "$lost")"
docker rm -f -v "$lost" >/dev/null
"${compose[@]}" up -d --scale raftd=5 >"$log" 2>&1 || fail "a container starts in its place"
until_true 60 "who lost its volume comes in as another node" vote 6
ask "$(container 1)" "/v1/members/$id" -X DELETE >/dev/null || fail "the lost one is removed"
until_true 30 "the lost one is removed" vote 5

last=$(container 5)
read -r id _ _ <<<"$(status "$last")"
ask "$(container 1)" "/v1/members/$id" -X DELETE >/dev/null || fail "a member is removed"
docker rm -f -v "$last" >/dev/null
until_true 30 "one less" vote 4
until_true 20 "nothing is lost at the end" all_hold first
echo "containers by the service's name: $checks checks passed"
