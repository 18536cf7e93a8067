#!/usr/bin/env bash
# Runs every fuzz target for a while: scripts/fuzz.sh [time, default 5s].
# What breaks one is written into its package's testdata/fuzz: commit it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

time=${1:-5s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

targets=0 bad=0
while IFS=: read -r file name; do
	package=./$(dirname "$file")
	package=${package/\/.\///}
	targets=$((targets + 1))
	# Shortening what it finds interesting would take all of a short time.
	run() { go test -vet=off -run='^$' -fuzz="^$name\$" -fuzztime="$time" -fuzzminimizetime=100x -parallel=2 -timeout=5m "$package" >"$log" 2>&1 </dev/null; }

	# The end of the time sometimes reads as a failure that names no input.
	if run || { grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log" && run; }; then
		echo "ok    ${package#./} $name, $(sed -n 's/.*execs: \([0-9]*\).*/\1/p' "$log" | tail -n 1) tries"
	else
		echo "FAIL  ${package#./} $name"
		head -c 20000 "$log"
		bad=$((bad + 1))
	fi
done < <(grep -rnE --include='*_test.go' --exclude-dir=node_modules --exclude-dir=.tools '^func Fuzz[A-Za-z0-9_]*\(' . |
	sed -E 's/^\.\/([^:]*):[0-9]+:func (Fuzz[A-Za-z0-9_]*).*/\1:\2/' | sort)

[[ ! -d $tools/log ]] || echo "$targets fuzz targets" >"$tools/log/fuzz.txt"
((bad == 0))
