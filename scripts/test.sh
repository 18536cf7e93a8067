#!/usr/bin/env bash
# Checks all that can be checked: scripts/test.sh [all | check | STAGE...].
#
#   all    every stage, with the race detector, on both databases (default)
#   check  what one wants after every change: form, vet, tests on SQLite
#
# Both begin with what the tests need (scripts/need.sh).
#
# A failing stage does not stop the others: one run tells all. The last line
# says how it went; the exit code too.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

began=$SECONDS
running=''
failed=()

finish() {
	trap - EXIT
	[[ -z $running ]] || { kill -TERM -- "-$running" 2>/dev/null && sleep 2; } || true
	[[ -z $running ]] || kill -KILL -- "-$running" 2>/dev/null || true
}
trap finish EXIT
trap 'echo "Stopped before the end."; exit 129' HUP
trap 'echo "Stopped before the end."; exit 130' INT
trap 'echo "Stopped before the end."; exit 143' TERM

# living names the processes of a group that have not ended.
living() {
	sed -nE "s/^([0-9]+) \\((.*)\\) [^ZX] [0-9]+ $1 .*/\\2 (\\1)/p" /proc/[0-9]*/stat 2>/dev/null || true
}

# stage NAME COMMAND… runs the command as one process group, so that stopping
# this script stops all that it began. A function that is run so must return its
# failures itself: set -e does not hold in it.
stage() {
	local name=$1 start=$SECONDS code=0
	shift
	echo
	echo "== $name"
	set -m
	"$@" </dev/null 2>&1 &
	running=$!
	set +m
	wait "$running" || code=$?
	# Nothing that a stage began may outlive it.
	if [[ -n $(living "$running") ]] && sleep 2 && [[ -n $(living "$running") ]]; then
		echo "it left processes behind, ended now:" $(living "$running")
		kill -KILL -- "-$running" 2>/dev/null || true
		code=1
	fi
	running=''
	if ((code)); then
		failed+=("$name")
		echo "== $name: FAILED after $((SECONDS - start)) s"
	else
		echo "== $name: good, $((SECONDS - start)) s"
	fi
	return "$code"
}

form() {
	local list
	list=$(sources | xargs -0 -r "$tools/bin/gofumpt" -l) || return
	if [[ -n $list ]]; then
		echo "Not formatted; run make format:"
		sed 's/^/  /' <<<"$list"
		return 1
	fi
}

# The race detector is the only thing here that needs cgo.
cgo() { [[ -z $race ]] || export CGO_ENABLED=1; }

vet() { cgo && go vet $race -vettool="$tools/bin/lint" ./... && go test -C tools ./...; }

staticcheck() { cgo && GOFLAGS="$GOFLAGS $race" "$tools/bin/staticcheck" ./...; }

# build_programs FOLDER PACKAGE… builds the tests of the packages. They are linked
# without what a debugger reads, as go test does.
build_programs() (
	folder=$1
	shift
	rm -rf "$folder"
	mkdir -p "$folder"
	cgo
	go test -c $race -vet=off -ldflags='-s -w' -o "$folder/" "$@" 2>&1 | { grep -v 'no test files' || true; }
)

# stateful lists the packages whose tests use a database: those that link testkit.
stateful() {
	cgo
	go list -e $race -test -f '{{$p := .ImportPath}}{{range .Deps}}{{$p}} {{.}}{{"\n"}}{{end}}' ./... |
		awk '$1 ~ /\.test$/ && $2 == "luvat/internal/testkit" {sub(/\.test$/, "", $1); print $1}' | sort -u
}

# Whole lives are tested apart, without the race detector, which makes a program
# start too slowly for them: the main job in a browser, and the hub that is
# killed 200 times. Pages look and weigh the same on both databases.
lives='^TestKilledAtAnyMoment$'
looks='^(TestAccessibilityOfEveryPage|TestWeight.*)$'

# slow are the packages whose tests take longest, which begin first: so that
# none is left to run alone at the end.
slow='/internal/(app|matter|web/customer|identity/saml|dossier|web/officer)$'

longest_first() {
	local all
	all=$(cat)
	{ grep -E "$slow" || true; } <<<"$all"
	{ grep -vE "$slow" || true; } <<<"$all"
}

others() { go list ./... | grep -v '/e2e$' | longest_first; }

# built builds what the stages run: the tests of all packages, and those of whole
# lives apart.
built() {
	local packages
	mapfile -t packages < <(others)
	build_programs "$programs" "${packages[@]}" || return
	[[ " ${stages[*]} " != *" lives"* ]] || race='' build_programs "$programs-lives" ./e2e ./internal/app
}

on_sqlite() {
	local packages
	unset LUVAT_TEST_POSTGRES
	mapfile -t packages < <(others)
	scripts/run.sh sqlite "$programs" -test.skip="$lives" -- "${packages[@]}"
}

lives_on_sqlite() {
	unset LUVAT_TEST_POSTGRES
	scripts/run.sh lives "$programs-lives" -test.parallel=3 -- luvat/e2e && scripts/run.sh kills "$programs-lives" -test.run="$lives" -- luvat/internal/app
}

lives_on_postgres() {
	scripts/with-postgres.sh scripts/run.sh lives-postgres "$programs-lives" -test.parallel=3 -test.skip="$looks" -- luvat/e2e &&
		scripts/with-postgres.sh scripts/run.sh kills-postgres "$programs-lives" -test.run="$lives" -- luvat/internal/app
}

on_postgres() {
	local packages
	mapfile -t packages < <(stateful | grep -v '/e2e$' | longest_first)
	if ((${#packages[@]} == 0)); then
		echo "no package uses a database?"
		return 1
	fi
	scripts/with-postgres.sh scripts/run.sh postgres "$programs" -test.skip="$lives" -- "${packages[@]}"
}

pure() { go build -o "$tools/luvat" ./cmd/luvat; }

programs=$tools/tests

stages=("$@")
((${#stages[@]})) || stages=(all)
race=-race
case ${stages[0]} in
all) stages=(need tools form generated vet staticcheck pure built sqlite lives postgres livespg fuzz) ;;
check)
	race=''
	stages=(need tools form vet built sqlite)
	;;
esac
# A stage that runs tests runs them as they are now.
if [[ " ${stages[*]} " =~ \ (sqlite|postgres|lives|livespg)\  && " ${stages[*]} " != *" built "* ]]; then
	stages=(built "${stages[@]}")
fi
[[ " ${stages[*]} " == *" tools "* ]] || stages=(tools "${stages[@]}")
mkdir -p "$tools/log"
rm -f "$tools"/log/*

for s in "${stages[@]}"; do
	case $s in
	need) stage "what the tests need" scripts/need.sh || break ;;
	tools) stage "tools" build_tools || break ;;
	form) stage "form (gofumpt)" form || true ;;
	generated) stage "generated pages (templ)" scripts/generate.sh --check || true ;;
	vet) stage "go vet, with linters of its kind" vet || true ;;
	staticcheck) stage "staticcheck" staticcheck || true ;;
	pure) stage "the program without cgo" pure || true ;;
	built) stage "test programs" built || break ;;
	sqlite) stage "tests on SQLite${race:+, with the race detector}" on_sqlite || true ;;
	lives) stage "whole lives on SQLite: browser, kills" lives_on_sqlite || true ;;
	livespg) stage "whole lives on PostgreSQL: browser, kills" lives_on_postgres || true ;;
	postgres) stage "tests on PostgreSQL${race:+, with the race detector}" on_postgres || true ;;
	fuzz) stage "fuzzing" scripts/fuzz.sh "${FUZZTIME:-6s}" || true ;;
	*)
		echo "no stage is called $s" >&2
		exit 2
		;;
	esac
done

counted() { [[ ! -s $tools/log/$1.txt ]] || echo "; $(<"$tools/log/$1.txt")${2:-}"; }
took="$(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s"
counts="$(counted sqlite ' on SQLite')$(counted lives ' in a browser')$(counted postgres ' on PostgreSQL')$(counted lives-postgres ' in a browser')$(counted fuzz)"
passed=$({ cat "$tools"/log/{sqlite,postgres,lives,kills,lives-postgres,kills-postgres}.txt 2>/dev/null || true; } | awk '{n += $1} END {print n + 0}')
echo
if ((${#failed[@]})); then
	list=$(printf ', %s' "${failed[@]}")
	echo "FAILED: ${list:2}${counts}; $took."
	echo "$passed passed, ${#failed[@]} failed"
	exit 1
fi
echo "All good: ${#stages[@]} stages${counts}; $took."
echo "$passed passed, 0 failed"
