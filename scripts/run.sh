#!/usr/bin/env bash
# Runs tests that scripts/test.sh has built, two packages at a time, and shows
# their results, short: scripts/run.sh WHAT FOLDER [FLAG…] -- PACKAGE…
#
# Linking a test program takes as long as many of them run, so it is done once for
# both databases. The packages come in the order in which they are given.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

what=$1 folder=$2
shift 2
flags=()
while [[ $1 != -- ]]; do
	flags+=("$1")
	shift
done
shift

# one runs the tests of a package, from its folder as go test does.
one() {
	local place=$root/${1#"$module"/} program=$folder/${1##*/}.test out
	if [[ ! -x $program ]]; then
		compgen -G "$place/*_test.go" >/dev/null && echo "{\"Action\":\"fail\",\"Package\":\"$1\"}" # it was not built
		return 0
	fi
	out=$(mktemp)
	(cd "$place" && "$tools/bin/test2json" -t -p "$1" "$program" -test.v=test2json -test.paniconexit0 -test.timeout=25m "${@:2}") >"$out" 2>&1 || true
	cat "$out" # whole, so that two packages do not mix
	rm -f "$out"
}
export -f one
export root tools folder
module=$(go list -m)
export module

# What failed stands in the events; report tells it, also of a program that died.
printf '%s\n' "$@" | xargs -P 2 -I{} bash -c 'one "$@"' one {} "${flags[@]}" |
	tee "$tools/log/$what.json" | "$tools/bin/report" -summary "$tools/log/$what.txt"
