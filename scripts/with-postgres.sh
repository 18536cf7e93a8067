#!/usr/bin/env bash
# Runs a command with a PostgreSQL server of its own:
#
#   scripts/with-postgres.sh go test ./internal/db/
#
# The server listens on a socket in a folder of its own, keeps nothing safe
# (no fsync: never for measuring), and is gone when the command ends.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [[ ! -x $postgres_bin/postgres ]]; then
	echo "PostgreSQL 15 is missing: run scripts/need.sh, or apt-get install postgresql-15." >&2
	exit 1
fi

# PostgreSQL refuses to run as root.
user=$(id -un)
as=(setpriv --pdeathsig QUIT)
if ((EUID == 0)); then
	user=postgres
	id "$user" >/dev/null 2>&1 || user=nobody
	as+=(--reuid "$user" --regid "$(id -g "$user")" --clear-groups)
fi

# The path of a socket has 107 bytes at most: not under TMPDIR.
dir=$(mktemp -d /tmp/luvat-pg.XXXXXX)
server='' command=''

finish() {
	trap - EXIT
	if [[ -n $command ]]; then
		kill -TERM -- "-$command" 2>/dev/null && sleep 1
		kill -KILL -- "-$command" 2>/dev/null || true
	fi
	if [[ -n $server ]]; then
		kill -QUIT "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[[ $EUID != 0 ]] || chown "$user" "$dir"
fail() {
	cat "$dir/log" >&2
	echo "PostgreSQL: $1, see above." >&2
	exit 1
}
# The child must not hold a folder or a terminal that it may not read.
run() { (cd "$dir" && HOME=$dir exec "${as[@]}" "$@" </dev/null); }

: >"$dir/log"
run "$postgres_bin/initdb" --pgdata="$dir/data" --username="$user" --auth=trust \
	--encoding=UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 || fail "initdb failed"

(cd "$dir" && HOME=$dir exec "${as[@]}" "$postgres_bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= \
	-c max_connections=300 -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
	-c shared_buffers=64MB -c autovacuum=off -c timezone=UTC </dev/null >"$dir/log" 2>&1) &
server=$!

for ((i = 0; ; i++)); do
	"$postgres_bin/pg_isready" -q -h "$dir" -U "$user" -d postgres && break
	kill -0 "$server" 2>/dev/null || fail "the server ended"
	((i < 300)) || fail "the server did not answer in 30 seconds"
	sleep 0.1
done

export LUVAT_TEST_POSTGRES="postgres://$user@/postgres?host=$dir"

# In the background with a process group of its own, so that a signal ends it
# with all its children.
set -m
"$@" </dev/null &
command=$!
set +m
code=0
wait "$command" || code=$?
command=''
exit "$code"
