# What the tests need of database servers. Sourced by tests/lib.sh, not run.
# shellcheck shell=bash

# need_databases: the servers and clients of both, a pooler, and openssl for certificates. Debian has
# MariaDB without its service, but not PostgreSQL.
need_databases() {
    local packages=() name
    for name in mariadbd mariadb-install-db mariadb; do
        PATH=$PATH:/usr/sbin command -v "$name" >/dev/null || {
            packages+=(mariadb-server-core mariadb-client-core)
            break
        }
    done
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
        packages+=(postgresql)
    PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null || packages+=(pgbouncer)
    command -v openssl >/dev/null || packages+=(openssl)
    ((${#packages[@]} == 0)) || install_packages "${packages[@]}"
}

# Debian starts a service as it is installed, unless a policy says otherwise. The tests need none.
install_packages() {
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        die "not all that this needs is installed (on Debian: apt-get install $*)"
    fi
    say "installing $*"
    [[ "$*" != *postgresql* ]] ||
        say "Debian will start a PostgreSQL server of its own from the next boot on"
    (
        policy=/usr/sbin/policy-rc.d
        if [[ ! -e $policy ]]; then
            trap 'rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' >"$policy"
            chmod 755 "$policy"
        fi
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
    )
}

# make_certificates DIR: a CA, and what it signed for the servers and for a client.
make_certificates() {
    local dir=$1
    mkdir -m 711 "$dir"
    (
        cd "$dir" && umask 077 &&
            requested ca "/CN=restock's tests" -x509 -days 2 -out ca.pem &&
            signed server "/CN=localhost" \
                "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1" &&
            signed client "/CN=restock" "extendedKeyUsage=clientAuth" &&
            rm ca.key && chmod 644 ./*.pem
    ) >>"$WORK/logs/openssl.log" 2>&1 || { show_logs; die "openssl made no certificates"; }
}

# requested NAME SUBJECT ARGUMENT...: a key and, with the arguments, what openssl makes of it.
requested() {
    local name=$1 subject=$2
    shift 2
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$name.key" \
        -subj "$subject" "$@"
}

# signed NAME SUBJECT EXTENSIONS: a key and a certificate of the CA.
signed() {
    requested "$1" "$2" -out "$1.csr" &&
        openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -days 2 -out "$1.pem" \
            -extfile <(printf 'basicConstraints=CA:FALSE\n%b\n' "$3") &&
        rm "$1.csr"
}

# Before the servers start: what their data directories are made of.
prepare_databases() {
    local dir=$WORK/data/databases
    # As root, the servers run as users of their own, who have to get to their directories.
    chmod 711 "$WORK" "$WORK/data"
    mkdir -m 711 "$dir" "$dir/templates"
    make_certificates "$dir/tls"
    DATABASE_PASSWORD=$(python3 -c 'import secrets; print(secrets.token_hex(16))')
    export RESTOCK_TEST_TLS_CA=$dir/tls/ca.pem
    export RESTOCK_TEST_TLS_CERT=$dir/tls/client.pem RESTOCK_TEST_TLS_KEY=$dir/tls/client.key
    export RESTOCK_TEST_DATABASE_TEMPLATES=$dir/templates
}

# serve_database KIND: the template is made once, and every server gets a copy of it.
serve_database() {
    local template=$RESTOCK_TEST_DATABASE_TEMPLATES/$1
    if [[ ! -d $template ]]; then
        rm -rf "$template.new"
        RESTOCK_PASSWORD=$DATABASE_PASSWORD RESTOCK_TLS=$WORK/data/databases/tls \
            "$ROOT/tests/database" make "$1" "$template.new"
        mv "$template.new" "$template"
    fi
    exec "$ROOT/tests/database" serve "$1" "$WORK/data/databases/$1" "${PORTS[$1]}"
}

launch_mariadb() { launch mariadb serve_database mariadb; }
launch_postgres() { launch postgres serve_database postgres; }

mariadb_answers() { grep -q 'ready for connections' "$WORK/logs/mariadb.log"; }
postgres_answers() { grep -q 'ready to accept connections' "$WORK/logs/postgres.log"; }

begin_databases() {
    prepare_databases
    begin mariadb postgres
}

# Waits for them, and exports what the tests read of them.
await_databases() {
    up mariadb
    up postgres
    export_databases
}

export_databases() {
    local login=restock:$DATABASE_PASSWORD
    export RESTOCK_TEST_MYSQL=mysql://$login@127.0.0.1:${PORTS[mariadb]}/
    export RESTOCK_TEST_POSTGRES=postgres://$login@127.0.0.1:${PORTS[postgres]}/postgres
}
