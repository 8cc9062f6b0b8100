#!/usr/bin/env bash
# Build the algorithm base image and the example algorithms, and push them to a registry.
#
#   scripts/images.sh            build and push all
#   scripts/images.sh average    build and push the base and one example
#
# Settings (environment):
#   BASE_IMAGE     what the base builds on (vantage6/test-base:bookworm; published: python:3.12-slim)
#   REGISTRY       where images are pushed (127.0.0.1:5055)
#   CA_BUNDLE      certificates pip trusts during the build, where TLS is inspected; found by itself
#                  from PIP_CERT, SSL_CERT_FILE or REQUESTS_CA_BUNDLE; "none" switches it off
#   PIP_INDEX_URL  package index used inside the build, when not the default one
#   WHEELHOUSE     folder of downloaded wheels: the build then asks no index at all
#   PYTHON         interpreter that builds the wheels (.venv/bin/python)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}
registry=${REGISTRY:-127.0.0.1:${REGISTRY_PORT:-5055}}
base_image=${BASE_IMAGE:-vantage6/test-base:bookworm}
ca_bundle=${CA_BUNDLE:-${PIP_CERT:-${SSL_CERT_FILE:-${REQUESTS_CA_BUNDLE:-}}}}
context=$root/.cache/images/algorithm-base

say() { printf 'images: %s\n' "$*"; }
die() { printf 'images: %s\n' "$*" >&2; exit 1; }

docker info >/dev/null 2>&1 || die "no Docker engine answers; run 'make services' first."
[ -x "$python" ] || die "$python is missing; run 'make setup' first."
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
version=$("$python" -c 'from vantage6.common._version import __version__; print(__version__)')
base_tag=vantage6/algorithm-base:$version

# build TAG CONTEXT ARGUMENTS...: quiet unless it fails; unchanged steps come from the cache.
build() {
    local tag=$1 folder=$2 log=$root/.cache/images/${1//[\/:]/_}.log; shift 2
    docker build --network "${BUILD_NETWORK:-default}" "$@" --tag "$tag" "$folder" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; die "building $tag failed; the whole output is in $log."; }
    say "built $tag"
}

# wheels FOLDER PACKAGE...: wheels of the given package folders, and nothing else, in FOLDER.
wheels() {
    local folder=$1; shift
    rm -rf "$folder"; mkdir -p "$folder"
    "$python" -m pip wheel --quiet --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation \
        --wheel-dir "$folder" "$@"
}

prepare_base_context() {
    mkdir -p "$context/ca"
    wheels "$context/wheels" "$root/vantage6-common" "$root/vantage6-algorithm-tools"
    cp "$root/requirements/constraints.txt" "$context/constraints.txt"
    cp "$root/docker/algorithm-base/Dockerfile" "$context/Dockerfile"
    rm -f "$context/ca/bundle.crt"
    if [ -n "$ca_bundle" ] && [ "$ca_bundle" != none ]; then
        [ -r "$ca_bundle" ] || die "the CA bundle $ca_bundle cannot be read; set CA_BUNDLE to a PEM file or to none."
        cp "$ca_bundle" "$context/ca/bundle.crt"
    fi
    if [ -n "${WHEELHOUSE:-}" ]; then
        [ -d "$WHEELHOUSE" ] || die "WHEELHOUSE names $WHEELHOUSE, which is no folder."
        cp "$WHEELHOUSE"/*.whl "$context/wheels/"
    fi
}

build_base() {
    prepare_base_context
    build "$base_tag" "$context" --build-arg "BASE_IMAGE=$base_image" \
        --build-arg "PIP_INDEX_URL=${PIP_INDEX_URL:-}" \
        --build-arg "PIP_OPTIONS=${WHEELHOUSE:+--no-index}"
}

build_example() {
    local name=$1 tag=$registry/vantage6/$1:$version
    [ -f "$root/examples/algorithms/$name/Dockerfile" ] ||
        die "there is no example algorithm '$name' in examples/algorithms."
    build "$tag" "$root/examples/algorithms/$name" --build-arg "BASE_IMAGE=$base_tag"
    docker push --quiet "$tag" >/dev/null || die "pushing $tag failed; is the registry there ('make services')?"
    say "pushed $tag"
}

examples() {
    if (($#)); then printf '%s\n' "$@"; return; fi
    find "$root/examples/algorithms" -mindepth 2 -maxdepth 2 -name Dockerfile -printf '%h\n' |
        xargs -r -n 1 basename | sort
}

mkdir -p "$root/.cache/images"
build_base
for name in $(examples "$@"); do build_example "$name"; done
