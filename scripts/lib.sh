# SPDX-License-Identifier: BSD-2-Clause
# What the scripts of this folder share: installing Debian packages that are missing, building in a
# folder of its own, and saying in plain words what goes on. Sourced, never run.
# shellcheck shell=bash

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian packages by purpose; the scripts take what they need.
# shellcheck disable=SC2034
PACKAGES_BUILD=(gcc make autoconf automake libtool pkg-config libc6-dev libboost-context-dev
    libuv1-dev libtalloc-dev libfcgi-dev libcjson-dev libical-dev libglib2.0-dev libexpat1-dev
    libsodium-dev libsystemd-dev libseccomp-dev libcurl4-openssl-dev libhiredis-dev libsqlite3-dev libpq-dev
    libxlsxwriter-dev libisal-dev libminizip-dev libssl-dev zlib1g-dev)
PACKAGES_DEMO=(nginx-light libjs-chart.js python3 python3-aiosmtpd)
PACKAGES_UNIT=(libcmocka-dev mandoc)
PACKAGES_SYSTEM=("${PACKAGES_DEMO[@]}" apache2-bin libapache2-mod-fcgid lighttpd caddy haproxy
    spawn-fcgi libfcgi-bin media-types radicale xandikos prometheus postgresql redis-server faketime
    openssl python3-dateutil python3-openpyxl python3-pytest python3-pytest-xdist python3-requests
    python3-selenium chromium chromium-driver libreoffice-calc-nogui)
PACKAGES_CLANG=(clang)
PACKAGES_VALGRIND=(valgrind)
PACKAGES_DIST=(xz-utils)
PACKAGES_DEB=(apache2-dev bash-completion build-essential debhelper dh-apparmor fakeroot libhiredis-dev
    pkgconf xz-utils)
PACKAGES_BENCH=("${PACKAGES_DEMO[@]}" wrk nodejs node-redis redis-server erlang-base elixir
    erlang-inets erlang-p1-sqlite3 erlang-redis-client)
# The platforms that we are compared with: not each Debian has them all.
PACKAGES_PEERS=(erlang-jiffy gunicorn kore php-curl php-fpm php-redis puma python3-falcon
    python3-gevent python3-hiredis python3-redis python3-urllib3 ruby-connection-pool ruby-redis)

# The services among them; each is named like its program, or has it behind a colon.
SERVICES=(nginx apache2 lighttpd caddy haproxy prometheus postfix radicale redis-server postgresql:pg_ctlcluster)

# Debian's own, which has Debian's modules; another one may come first in PATH.
# shellcheck disable=SC2034
PYTHON=/usr/bin/python3

# Say what goes on, for people; standard output belongs to results.
say() {
    printf '%s\n' "$*" >&2
}

# Say why it cannot go on, and stop.
die() {
    say "${0##*/}: $*"
    exit 1
}

# How many jobs make may run at once.
jobs_count() {
    nproc 2>/dev/null || echo 1
}

# Is this package there, or another one that stands for it? Any flavour of nginx will do.
has_package() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ] && return
    [ "$1" = nginx-light ] && [ -x /usr/sbin/nginx ]
}

# Install these Debian packages unless they are there: need PACKAGE …
need() {
    local missing=() as_root=() package
    command -v dpkg-query >/dev/null || die "this is not Debian; please install yourself: $*"
    for package in "$@"; do
        has_package "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "please run as root first: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    say "Installing from Debian: ${missing[*]}"
    keep_services_stopped "${as_root[@]}"
    # The lists of packages may be missing or old: then fetch them and try again.
    if ! apt_get "${as_root[@]}" -- install "${missing[@]}"; then
        apt_get "${as_root[@]}" -- update && apt_get "${as_root[@]}" -- install "${missing[@]}" || {
            say "$APT_OUTPUT"
            die "could not install ${missing[*]}"
        }
    fi
    let_services_be "${as_root[@]}"
}

# apt_get [sudo] -- ACTION [PACKAGE …]; what it says is kept in APT_OUTPUT.
apt_get() {
    local as_root=()
    while [ "$1" != -- ]; do
        as_root+=("$1")
        shift
    done
    shift
    APT_OUTPUT=$("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Lock::Timeout=60 \
        -o Acquire::Retries=3 "$@" 2>&1 </dev/null)
}

# We use web servers with configurations of our own: where a package comes for us only, its service
# on port 80 shall not start.
keep_services_stopped() {
    local service program
    NEW_SERVICES=()
    [ -d /run/systemd/system ] || return 0
    for service in "${SERVICES[@]}"; do
        program=${service#*:}
        command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] && continue
        NEW_SERVICES+=("${service%%:*}.service")
    done
    [ ${#NEW_SERVICES[@]} -eq 0 ] || "$@" systemctl --quiet --runtime mask "${NEW_SERVICES[@]}" || true
}

let_services_be() {
    [ ${#NEW_SERVICES[@]} -gt 0 ] || return 0
    "$@" systemctl --quiet --runtime unmask "${NEW_SERVICES[@]}" || true
    "$@" systemctl --quiet disable "${NEW_SERVICES[@]}" >/dev/null 2>&1 || true
}

# Build out of tree: build FOLDER [CONFIGURE OPTION …]. Quick when there is nothing to do; on failure the
# end of the log is shown. The folder is below the root unless it is absolute.
build() {
    local folder=$1
    shift
    case $folder in /*) ;; *) folder=$ROOT/$folder ;; esac
    mkdir -p "$folder"
    local log=$folder/build.log
    if ! configure_and_make "$folder" "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        die "the build in $folder failed; the whole log: $log"
    fi
}

configure_and_make() {
    local folder=$1
    shift
    configure_in "$folder" "$@" && make -C "$folder" -j"$(jobs_count)"
}

# Make the configure script if there is none, and run it in FOLDER unless it ran there with the
# same options.
configure_in() {
    local folder=$1
    shift
    if [ ! -e "$ROOT/configure" ]; then
        (cd "$ROOT" && autoreconf -fi) || return
    fi
    mkdir -p "$folder"
    if [ ! -e "$folder/Makefile" ] || [ "$(cat "$folder/configure.options" 2>/dev/null)" != "$*" ]; then
        (cd "$folder" && "$ROOT/configure" --quiet "$@") || return
        printf '%s' "$*" >"$folder/configure.options"
    fi
}
