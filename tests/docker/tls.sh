#!/usr/bin/env bash
# The compose file with TLS: three nodes with certificates form a cluster; without the authority, or by plain HTTP, nobody is answered.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck disable=SC2034
compose_file=server/package/docker-compose.tls.yml
# shellcheck source=tests/docker/common.sh
. tests/docker/common.sh

command -v openssl >/dev/null || skip "there is no openssl"
[ ! -e certs ] || skip "there is a folder certs already"
for port in 8001 8002 8003; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        skip "port $port is taken"
    fi
done
trap 'finish; rm -rf "$log" certs' EXIT
server/certs.sh certs >/dev/null
chown -R 8001 certs

ask() { # PORT PATH [CURL ARGUMENT...]
    local port=$1 path=$2
    shift 2
    curl -sf -m 15 --cacert certs/ca.pem "$@" "https://localhost:$port$path"
}

healthy() {
    local id
    for id in $("${compose[@]}" ps -q); do
        [ "$(docker inspect -f '{{.State.Health.Status}}' "$id")" = healthy ] || return 1
    done
}

build_image
"${compose[@]}" up -d >"$log" 2>&1 || fail "the containers start"
for port in 8001 8002 8003; do
    until_true 60 "node on port $port is ready, by https" ask $port /readyz
done
until_true 60 "all containers are healthy" healthy
ask 8002 /v1/propose -d '{"op":"put","key":"a","value":1}' >/dev/null || fail "a command is taken"
ask 8003 /v1/query -d '{"op":"get","key":"a"}' | grep -q '"value":1' || fail "another node has it"
check "another node has it"
! curl -sf -m 5 http://localhost:8001/readyz >/dev/null 2>&1 || fail "plain HTTP is not answered"
check "plain HTTP is not answered"
! curl -sf -m 5 https://localhost:8001/readyz >/dev/null 2>&1 || fail "without the authority it is not trusted"
check "without the authority it is not trusted"
echo "containers with TLS: $checks checks passed"
