#!/usr/bin/env bash
# The compose file with real containers: forms a cluster, kills and restarts each container, takes all down and up again (with new
# addresses), and looks each time whether what was written is there. Skips where no container engine runs.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck disable=SC2034
compose_file=docker-compose.yml
# shellcheck source=tests/docker/common.sh
. tests/docker/common.sh

ready() {
    curl -sf -m 2 "http://localhost:$1/readyz"
}

put() { # PORT KEY VALUE
    curl -sf -m 15 -d "{\"op\":\"put\",\"key\":\"$2\",\"value\":\"$3\"}" "http://localhost:$1/v1/propose?timeout=10s"
}

holds() { # PORT KEY VALUE
    curl -sf -m 15 -d "{\"op\":\"get\",\"key\":\"$2\"}" "http://localhost:$1/v1/query" | grep -q "\"value\":\"$3\""
}

healthy() { # Three containers, as the engine's own health checks see them.
    local ids id
    ids=$("${compose[@]}" ps -q)
    for id in $ids; do
        [ "$(docker inspect -f '{{.State.Health.Status}}' "$id")" = healthy ] || return 1
    done
    [ "$(echo "$ids" | wc -w)" = 3 ]
}

all_ready() {
    for port in 8001 8002 8003; do
        until_true 60 "node on port $port is ready $1" ready $port
    done
}

for port in 8001 8002 8003; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        skip "port $port is taken"
    fi
done

build_image
echo "  $(docker image inspect -f '{{.Size}}' raftd | awk '{printf "%d MB", $1 / 1000000}') on top of nothing, $(docker image inspect -f '{{.Config.User}}' raftd) runs it"
"${compose[@]}" up -d >/dev/null 2>&1 || fail "the containers start"
all_ready "after the first start"
until_true 60 "all containers are healthy" healthy
put 8001 first one >/dev/null || fail "a command is taken"
until_true 20 "another node has it" holds 8002 first one
location=
for port in 8001 8002 8003; do # Two of them are followers.
    location=$location$(curl -s -m 5 -o /dev/null -w '%{redirect_url} ' -d '{"op":"delete","key":"none"}' "http://localhost:$port/v1/propose?forward=false")
done
case $location in
*http://localhost:800[123]/v1/propose*) check "redirects lead where this machine can follow" ;;
*) fail "redirects lead where this machine can follow: '$location'" ;;
esac

for id in 1 2 3; do
    container=$("${compose[@]}" ps -q "node$id")
    docker kill "$container" >/dev/null
    other=$((8001 + id % 3))
    until_true 30 "two nodes go on without node $id" put $other "without$id" yes
    docker start "$container" >/dev/null
    until_true 60 "node $id is ready again" ready $((8000 + id))
    until_true 20 "node $id has what it missed" holds $((8000 + id)) "without$id" yes
done

addresses() {
    for id in 1 2 3; do
        docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$("${compose[@]}" ps -q "node$id")"
    done
}

before=$(addresses)
"${compose[@]}" down --timeout 15 >/dev/null 2>&1
for id in 3 2 1; do # In another order, because addresses are given out in order.
    "${compose[@]}" up -d "node$id" >/dev/null 2>&1 || fail "the containers start again"
done
[ "$before" != "$(addresses)" ] || fail "the containers have new addresses"
check "the containers have new addresses"
all_ready "after all were down"
for id in 1 2 3; do
    until_true 20 "node $id kept its data" holds $((8000 + id)) first one
done
codes=$("${compose[@]}" stop --timeout 15 >/dev/null 2>&1; "${compose[@]}" ps -q -a 2>/dev/null | xargs -r docker inspect -f '{{.State.ExitCode}}' | sort -u | tr '\n' ' ')
[ "$codes" = "0 " ] || fail "every node ends with code 0 when stopped (got: $codes)"
check "every node ends with code 0 when stopped"
echo "containers: $checks checks passed"
