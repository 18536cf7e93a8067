#!/usr/bin/env bash
# Runs every fuzz target for a while, three at a time: scripts/fuzz.sh [time,
# default 5s]. What breaks one is written into its package's testdata/fuzz:
# commit it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

time=${1:-5s}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$(go env GOCACHE)/fuzz/$(go list -m) # where go test keeps what it finds interesting

targets=$(grep -rnE --include='*_test.go' --exclude-dir=node_modules --exclude-dir=.tools '^func Fuzz[A-Za-z0-9_]*\(' . |
	sed -E 's/^\.\/([^:]*)\/[^\/:]*:[0-9]+:func (Fuzz[A-Za-z0-9_]*).*/\1 \2/' | sort)

# A package is built once for all its targets.
for package in $(cut -d' ' -f1 <<<"$targets" | uniq); do
	go test -c -vet=off -fuzz=. -o "$work/${package//\//-}" "./$package"
done

# fuzz PACKAGE TARGET runs one target, from its package as go test does.
fuzz() {
	local package=$1 name=$2 log=$work/$2.${1//\//-}.log
	# Shortening what it finds interesting would take all of a short time.
	run() (cd "$package" && "$work/${package//\//-}" -test.run='^$' -test.fuzz="^$name\$" -test.fuzztime="$time" -test.fuzzminimizetime=100x \
		-test.fuzzcachedir="$cache/$package" -test.parallel=1 -test.timeout=5m >"$log" 2>&1 </dev/null)

	# The end of the time sometimes reads as a failure that names no input.
	if run || { grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log" && run; }; then
		echo "ok    $package $name, $(sed -n 's/.*execs: \([0-9]*\).*/\1/p' "$log" | tail -n 1) tries"
	else
		echo "FAIL  $package $name"
		head -c 20000 "$log"
		return 1
	fi
}
export -f fuzz
export work cache time

[[ ! -d $tools/log ]] || echo "$(wc -l <<<"$targets") fuzz targets" >"$tools/log/fuzz.txt"
xargs -P 3 -L 1 bash -c 'fuzz "$@"' fuzz <<<"$targets"
