#!/usr/bin/env bash
# Bring up what the full test set needs and this machine lacks: a Docker engine, a small Python
# base image, a registry on loopback, the programs of PostgreSQL (tests start their own server).
# Changes nothing that is already there.
#
#   scripts/services.sh start|stop|status
#
# Settings (environment): REGISTRY_PORT (5055), BASE_TAG (vantage6/test-base:bookworm).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
state=$root/.cache/services
registry_port=${REGISTRY_PORT:-5055}
registry=127.0.0.1:$registry_port
base_tag=${BASE_TAG:-vantage6/test-base:bookworm}
base_tarball=$root/.cache/test-base-bookworm.tar.gz

say() { printf 'services: %s\n' "$*"; }
die() { printf 'services: %s\n' "$*" >&2; exit 1; }
engine_answers() { docker info >/dev/null 2>&1; }
registry_answers() { python3 - "http://$registry/v2/" <<'PY'
import sys, urllib.request
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=2)
except OSError:
    sys.exit(1)
PY
}

# wait_until SECONDS COMMAND...: true as soon as the command is.
wait_until() {
    local deadline=$((SECONDS + $1)); shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.3
    done
}

# Every missing thing is named before anything is tried, one sentence each.
require_debian_root() {
    local missing=("$@")
    ((${#missing[@]})) || return 0
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null && return 0
    for thing in "${missing[@]}"; do
        printf 'services: %s is missing and can only be set up by itself on Debian as root; install and start it, then repeat.\n' \
            "$thing" >&2
    done
    exit 1
}

install_packages() {
    local wanted=() name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || wanted+=("$name")
    done
    ((${#wanted[@]})) || return 0
    say "installing ${wanted[*]}"
    local log=$state/apt.log
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${wanted[@]}"; } >"$log" 2>&1 </dev/null ||
        die "apt-get could not install ${wanted[*]}; see $log."
}

# start_detached NAME COMMAND...: outlives this script; pid in NAME.pid, output in NAME.log.
start_detached() {
    local name=$1; shift
    setsid nohup "$@" >"$state/$name.log" 2>&1 </dev/null &
    echo $! >"$state/$name.pid"
}

ensure_engine() {
    engine_answers && { say "Docker engine answers"; return; }
    command -v dockerd >/dev/null && command -v docker >/dev/null && command -v iptables >/dev/null ||
        install_packages docker.io iptables
    if [ -d /run/systemd/system ]; then
        systemctl start docker || die "systemd could not start docker; see 'journalctl -u docker'."
    elif ! wait_until 3 engine_answers; then
        say "starting dockerd"
        # A pid file that outlived its daemon would make the new one refuse to start.
        if [ -s /var/run/docker.pid ] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then
            rm -f /var/run/docker.pid
        fi
        start_detached dockerd dockerd
    fi
    wait_until 60 engine_answers || die "the Docker engine does not answer; see $state/dockerd.log."
    say "Docker engine answers"
}

# The mirror apt already uses on this machine; debootstrap's own default when none is named.
debian_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ' || true
}

make_base_tarball() {
    install_packages debootstrap
    local tree=$root/.cache/test-base mirror
    mirror=$(debian_mirror)
    rm -rf --one-file-system "$tree"
    mkdir -p "$tree"
    say "making the base image with debootstrap (about a minute)"
    # shellcheck disable=SC2086 # an empty mirror must vanish
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
        bookworm "$tree" $mirror >"$state/debootstrap.log" 2>&1 </dev/null ||
        die "debootstrap failed; see $state/debootstrap.log."
    rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale}/*
    tar -C "$tree" --numeric-owner -cz . >"$base_tarball.part"
    mv "$base_tarball.part" "$base_tarball"
    rm -rf --one-file-system "$tree"
}

ensure_base_image() {
    docker image inspect "$base_tag" >/dev/null 2>&1 && { say "image $base_tag is there"; return; }
    [ -s "$base_tarball" ] || make_base_tarball
    docker import --change 'CMD ["python3"]' "$base_tarball" "$base_tag" >/dev/null
    say "image $base_tag is there"
}

ensure_registry() {
    registry_answers && { say "registry answers at $registry"; return; }
    command -v docker-registry >/dev/null || install_packages docker-registry
    cat >"$state/registry.yml" <<YAML
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: $root/.cache/registry}
  delete: {enabled: true}
http: {addr: "$registry"}
YAML
    start_detached registry docker-registry serve "$state/registry.yml"
    wait_until 20 registry_answers || die "the registry does not answer at $registry; see $state/registry.log."
    say "registry answers at $registry"
}

postgresql_is_there() {
    [ -n "${V6_TEST_POSTGRESQL_URI:-}" ] || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

ensure_postgresql() {
    if ! postgresql_is_there; then
        # Tests make clusters of their own; one that runs all the time is nobody's wish.
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
        install_packages postgresql
    fi
    say "PostgreSQL is there"
}

start() {
    local missing=()
    engine_answers || missing+=("a Docker engine")
    docker image inspect "$base_tag" >/dev/null 2>&1 || [ -s "$base_tarball" ] ||
        missing+=("the base image $base_tag")
    registry_answers || command -v docker-registry >/dev/null || missing+=("a Docker registry at $registry")
    postgresql_is_there || missing+=("PostgreSQL")
    require_debian_root "${missing[@]}"
    mkdir -p "$state"
    ensure_engine
    ensure_base_image
    ensure_registry
    ensure_postgresql
}

# Only what start() started, recognized by pid file and program name.
stop_one() {
    local name=$1 program=$2 pid
    [ -s "$state/$name.pid" ] || return 0
    pid=$(cat "$state/$name.pid")
    rm -f "$state/$name.pid"
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$program" ] || return 0
    kill "$pid"
    local deadline=$((SECONDS + 30))
    while kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.2; done
    kill -0 "$pid" 2>/dev/null && die "$name (pid $pid) did not stop within 30 s."
    say "$name stopped"
}

status() {
    engine_answers && say "Docker engine answers" || say "no Docker engine answers"
    docker image inspect "$base_tag" >/dev/null 2>&1 && say "image $base_tag is there" || say "image $base_tag is missing"
    registry_answers && say "registry answers at $registry" || say "no registry answers at $registry"
    postgresql_is_there && say "PostgreSQL is there" || say "PostgreSQL is missing"
}

case ${1:-start} in
    start) start ;;
    stop) stop_one registry docker-registry; stop_one dockerd dockerd ;;
    status) status ;;
    *) die "unknown command $1: use start, stop or status." ;;
esac
