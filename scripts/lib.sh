# What all scripts share. Sourced, not run.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# A bare shell of a build machine may lack both.
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
export HOME
command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || {
	echo "Go is missing: install Go 1.26 (https://go.dev/dl/) and put it on PATH." >&2
	exit 1
}

# Only the race detector needs cgo: all else is built once, as it is delivered.
export CGO_ENABLED=0

# The clone may belong to another user than the one who builds: no stamping.
export GOFLAGS="-buildvcs=false ${GOFLAGS:-}"

tools=$root/.tools # ignored by git: our tools, and the logs of the last run
postgres_bin=/usr/lib/postgresql/15/bin

# build_tools builds what tools/go.mod names, our linter and the reader of test
# results.
build_tools() {
	mkdir -p "$tools/bin" "$tools/log" &&
		go build -modfile=tools/go.mod -o "$tools/bin/" tool &&
		go build -C tools -o "$tools/bin/lint" ./lint &&
		go build -o "$tools/bin/" ./scripts/report cmd/test2json
}

# sources [generated] lists the Go files that people write, or the pages that
# templ writes, each ended by a zero byte.
sources() {
	local which=(! -name '*_templ.go')
	[[ -z ${1:-} ]] || which=(-name '*_templ.go')
	find . \( -name node_modules -o -name .tools -o -name .git \) -prune -o -name '*.go' "${which[@]}" -print0
}
