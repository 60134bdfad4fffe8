# What the scripts of this folder share; sourced from the top of the tree with `compose_file` set. Skips where no engine runs.
# shellcheck shell=bash

skip() {
    echo "containers: skipped, $1"
    exit 0
}
command -v docker >/dev/null || skip "there is no docker command"
timeout 10 docker info >/dev/null 2>&1 || skip "no container engine runs"
if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
else
    skip "there is no docker compose"
fi
docker image inspect debian:bookworm-slim >/dev/null 2>&1 || timeout 120 docker pull -q debian:bookworm-slim >/dev/null 2>&1 ||
    skip "the image debian:bookworm-slim cannot be had"
# A project of its own, so that a user's cluster from the same file is left alone.
compose+=(--project-name "raftd-test-$$" -f "${compose_file:?}")

checks=0
check() {
    checks=$((checks + 1))
    echo "ok $checks: $1"
}

fail() {
    echo "not ok: $1" >&2
    "${compose[@]}" ps >&2 || true
    "${compose[@]}" logs --tail 20 >&2 || true
    exit 1
}

finish() {
    "${compose[@]}" down --volumes --timeout 10 >/dev/null 2>&1 || true
}
log=$(mktemp)
trap 'finish; rm -f "$log"' EXIT

# until_true SECONDS WHAT COMMAND...
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "$what"
        sleep 0.2
    done
    check "$what"
}

build_image() {
    "${compose[@]}" build >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        fail "the image builds"
    }
    check "the image builds"
}
