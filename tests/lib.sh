# Functions shared by tests/run, benches/run and .ci/run. Sourced, not run.
# shellcheck shell=bash

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${RESTOCK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/restock}
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
mkdir -p "$CACHE" "$CARGO_TARGET_DIR"
CACHE=$(cd "$CACHE" && pwd)
CARGO_TARGET_DIR=$(cd "$CARGO_TARGET_DIR" && pwd)
export CARGO_TARGET_DIR PATH="$PATH:$CACHE/bin"

say() { printf '==> %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Every checkout of a user shares one target directory, and cargo tells fresh from stale by the
# files' times alone: after a build in a newer checkout it would run that one's program here.
# Forgetting what was built of restock itself, when the checkout changes, keeps the dependencies.
# Two checkouts that build at the same moment need a CARGO_TARGET_DIR each all the same.
own_target_dir() {
    local mark=$CARGO_TARGET_DIR/.restock-checkout
    if [[ ! -f $mark || $(<"$mark") != "$ROOT" ]]; then
        rm -rf "$CARGO_TARGET_DIR"/*/.fingerprint/restock-*
        printf '%s\n' "$ROOT" >"$mark"
    fi
}

# Runs a function while no other run uses the cache for the same purpose. The lock is on a file
# descriptor that dies with the subshell, so a killed run leaves nothing behind.
locked() {
    local name=$1
    shift
    (
        if command -v flock >/dev/null; then flock 9; fi
        "$@" 9>&-
    ) 9>"$CACHE/$name.lock"
}

# --- Python tools ---------------------------------------------------------------------------

need_python() {
    # Debian's python3 comes without the part that venv needs.
    python3 -c 'import ensurepip, venv' 2>/dev/null && return
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        say "installing python3 and python3-venv"
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3 python3-venv >&2
    else
        die "python3 with the venv module is needed (on Debian: apt-get install python3 python3-venv)"
    fi
}

# The environment's name is a hash of what it holds: a changed pin or interpreter gets a new one,
# and checkouts with different pins do not fight over it.
need_venv() {
    need_python
    local key
    key=$({ python3 --version && cat "$ROOT/tests/requirements.txt"; } | sha256sum)
    VENV=$CACHE/venv-${key:0:12}
    [[ -f $VENV/complete ]] || locked venv make_venv
}

make_venv() {
    [[ ! -f $VENV/complete ]] || return 0
    say "installing the test servers and clients into $VENV"
    rm -rf "$VENV"
    python3 -m venv "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
        --requirement "$ROOT/tests/requirements.txt" >&2
    touch "$VENV/complete"
}

# --- Prometheus -----------------------------------------------------------------------------

# The server, and promtool with it.
need_prometheus() {
    if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
        install_packages prometheus
    fi
}

# --- cargo tools ----------------------------------------------------------------------------

declare -A TOOL_VERSIONS=([cargo-nextest]=0.9.143 [cargo-deny]=0.20.2)

# need_cargo_tool NAME: one that is on PATH already is good enough, whatever its version.
need_cargo_tool() {
    command -v "$1" >/dev/null || locked "$1" install_cargo_tool "$1"
}

install_cargo_tool() {
    # Another run may have installed it while this one waited for the lock.
    [[ ! -x $CACHE/bin/$1 ]] || return 0
    say "installing $1 into $CACHE/bin (takes some minutes, once)"
    # With our target directory, the tool's own objects would stay there for ever.
    env -u CARGO_TARGET_DIR cargo install --locked --quiet --root "$CACHE" \
        --version "${TOOL_VERSIONS[$1]}" "$1" >&2
}

# --- Environment ----------------------------------------------------------------------------

# Nothing of the user's own may change a result, and nothing may leave this machine: no proxy, no
# credentials, no configuration of S3 and database clients, no look-up of an instance's role.
# AWS_CA_BUNDLE is among what goes: rclone refuses to start with one that it cannot parse.
hermetic() {
    local name
    for name in $(compgen -e); do
        case $name in
        AWS_* | RCLONE_* | RESTOCK_* | JFS_* | MINIO_* | FLEET_* | \
            PG* | MYSQL_* | MARIADB_* | \
            http_proxy | https_proxy | all_proxy | no_proxy | \
            HTTP_PROXY | HTTPS_PROXY | ALL_PROXY | NO_PROXY | \
            CARGO_HTTP_PROXY | DATABASE_URL) unset "$name" ;;
        esac
    done
    export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
    export AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
    export RCLONE_CONFIG=/dev/null
}

# --- Servers --------------------------------------------------------------------------------

WORK=
KEEP_LOGS=

# Everything the servers write is below $WORK, and a signal ends the script through its EXIT trap.
begin_work() {
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/restock-tests.XXXXXX")
    mkdir "$WORK/logs" "$WORK/data"
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# Stops what launch started and nothing else: the shell knows its own running jobs, and each of
# them leads a process group of its own. The data is thrown away, so there is nothing to flush;
# only PostgreSQL is asked to go, because its shared memory would stay.
clean_up() {
    local pid
    for pid in $(jobs -rp); do
        if [[ $pid == "${PIDS[postgres]-}" ]]; then
            { kill -QUIT "$pid" && wait "$pid"; } 2>/dev/null || true
        fi
        { kill -KILL -- "-$pid" && wait "$pid"; } 2>/dev/null || true
    done
    rm -rf "$WORK/data"
    [[ -n $KEEP_LOGS ]] || rm -rf "$WORK"
}

# After failing tests: where to look. The logs themselves only if a server is gone, for else they
# would push what the tests said off the screen.
point_to_logs() {
    KEEP_LOGS=1
    if (($(jobs -rp | wc -l) < ${#PIDS[@]})); then
        show_logs
    else
        say "the servers' logs are in $WORK/logs"
    fi
}

show_logs() {
    local log
    KEEP_LOGS=1
    for log in "$WORK"/logs/*; do
        printf -- '--- %s ends with\n' "$log" >&2
        tail -n 20 "$log" >&2
    done
}

free_port() {
    python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# launch NAME COMMAND...: a background job in a process group of its own, which job control gives.
# The log is that of its last start, for some are known by it to be ready.
launch() {
    local name=$1
    shift
    set -m
    HOME=$WORK/data TMPDIR=$WORK/data "$@" </dev/null >"$WORK/logs/$name.log" 2>&1 &
    set +m
}

# dying COMMAND...: becomes the command, which ends with this script even if that is killed.
dying() {
    if setpriv --help 2>/dev/null | grep -q pdeathsig; then
        exec setpriv --pdeathsig KILL -- "$@"
    fi
    exec "$@"
}

# answers PORT PATH: whether a GET gives 200. Needs no curl on the machine.
answers() {
    local status=
    {
        printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
        IFS= read -r -t 5 status <&3
    } 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    [[ $status == HTTP/1.?\ 200* ]]
}

declare -A PORTS PIDS

# begin NAME...: starts servers with launch_NAME on free ports, which are left in PORTS.
begin() {
    local name
    for name in "$@"; do
        PORTS[$name]=$(free_port)
        "launch_$name"
        PIDS[$name]=$!
    done
}

# up NAME: waits until NAME_answers. Someone else may take the port before the server does; then
# it ends at once, and another port is tried.
up() {
    local name=$1 attempt deadline
    for attempt in 1 2 3; do
        ((attempt == 1)) || begin "$name"
        deadline=$((SECONDS + 60))
        while kill -0 "${PIDS[$name]}" 2>/dev/null && ((SECONDS < deadline)); do
            if "${name}_answers" && kill -0 "${PIDS[$name]}" 2>/dev/null; then
                return 0
            fi
            sleep 0.05
        done
    done
    show_logs
    die "$name does not start"
}

launch_moto() {
    launch moto dying "$VENV/bin/moto_server" -H 127.0.0.1 -p "${PORTS[moto]}"
}
moto_answers() { answers "${PORTS[moto]}" /moto-api/; }

# --keep-etag and --object-meta: without them the gateway has no ETags and forgets user metadata.
# --no-agent, --metrics, --no-usage-report: no listener on a fixed port, no word to its makers.
# Without --trash-days 0 a deleted object would move to a trash that listings show.
serve_juicefs() {
    local juicefs=("$VENV/bin/juicefs" --no-agent) meta=sqlite3://$WORK/data/juicefs.db
    "${juicefs[@]}" format --storage file --bucket "$WORK/data/blocks/" --trash-days 0 \
        "$meta" "$RESTOCK_TEST_JUICEFS_BUCKET"
    export MINIO_ROOT_USER=$RESTOCK_TEST_ACCESS_KEY MINIO_ROOT_PASSWORD=$RESTOCK_TEST_SECRET_KEY
    dying "${juicefs[@]}" gateway --keep-etag --object-meta --no-banner --no-bgjob \
        --cache-size 0 --cache-dir "$WORK/data/cache" --metrics 127.0.0.1:0 --no-usage-report \
        "$meta" "127.0.0.1:${PORTS[juicefs]}"
}
launch_juicefs() { launch juicefs serve_juicefs; }
juicefs_answers() { answers "${PORTS[juicefs]}" /minio/health/ready; }

# Starts all servers side by side and exports what the tests read of them.
start_servers() {
    export RESTOCK_TEST_ACCESS_KEY=restock-test RESTOCK_TEST_SECRET_KEY=restock-test-secret
    export RESTOCK_TEST_JUICEFS_BUCKET=restock
    begin_work
    begin moto juicefs
    begin_databases
    up moto
    up juicefs
    export RESTOCK_TEST_MOTO=http://127.0.0.1:${PORTS[moto]}
    export RESTOCK_TEST_JUICEFS=http://127.0.0.1:${PORTS[juicefs]}
    await_databases
}

# The same for the databases alone.
start_databases() {
    begin_work
    begin_databases
    await_databases
}

# shellcheck source-path=SCRIPTDIR source=databases.sh
. "$ROOT/tests/databases.sh"
