#!/usr/bin/env bash
# Installs what the tests lack: servers, the browser and the checkers from
# Debian, axe-core and an OpenID provider with its Node.js from npm. Does nothing
# when all is there.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

has() { command -v "$1" >/dev/null; }

packages=()
[[ -x $postgres_bin/postgres && -x $postgres_bin/initdb ]] || packages+=(postgresql-15)
has chromium || packages+=(chromium)
has chromium-headless-shell || packages+=(chromium-headless-shell)
has pdftotext && has pdfinfo || packages+=(poppler-utils)
has qpdf || packages+=(qpdf)
has certutil && has pk12util || packages+=(libnss3-tools)
has openssl || packages+=(openssl)
has php && [[ -d /usr/share/simplesamlphp/www ]] || packages+=(simplesamlphp php-cli php-xml php-mbstring)
has gcc || packages+=(gcc libc6-dev)
has node && has npm || packages+=(nodejs npm)

if ((${#packages[@]})); then
	if ! has apt-get; then
		echo "Missing: ${packages[*]} (names of Debian 12 packages). Install them and try again." >&2
		exit 1
	fi
	if ((EUID != 0)); then
		echo "Missing: ${packages[*]}. Run as root:" >&2
		echo "  apt-get update && apt-get install -y --no-install-recommends ${packages[*]}" >&2
		exit 1
	fi
	echo "installing ${packages[*]}"

	# The packaged PostgreSQL must not start a server: the tests start their own.
	policy=/usr/sbin/policy-rc.d
	if [[ ! -e $policy ]]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	log=$(mktemp)
	apt() {
		DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=1200 -o Acquire::Retries=3 "$@" >"$log" 2>&1 </dev/null || {
			cat "$log" >&2
			echo "apt-get $1 failed: see above." >&2
			exit 1
		}
	}
	apt update
	apt install -y --no-install-recommends "${packages[@]}"
	rm -f "$log"
fi

axe() { sed -n 's/^  "version": "\(.*\)",*$/\1/p' e2e/node_modules/axe-core/package.json 2>/dev/null || true; }
wanted=$(sed -n 's/.*"axe-core": "\(.*\)".*/\1/p' e2e/package.json)
if [[ $(axe) != "$wanted" || ! -s e2e/node_modules/axe-core/axe.min.js ]]; then
	echo "installing axe-core $wanted"
	(cd e2e && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null)
fi

# The provider asks for Node.js 22 and Debian 12 has 18, so npm brings one beside it.
provider=internal/testkit/oidcprovider
locked() { sed -n '/"node_modules\/oidc-provider"/,/version/s/.*"version": "\(.*\)".*/\1/p' "$1" 2>/dev/null || true; }
recent() {
	local node major
	for node in $provider/node_modules/node-linux-*/bin/node node; do
		major=$("$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null) && ((major >= 22)) && return
	done
	return 1
}
if [[ $(locked $provider/node_modules/.package-lock.json) != "$(locked $provider/package-lock.json)" ]] || ! recent; then
	echo "installing oidc-provider $(locked $provider/package-lock.json)"
	(cd $provider && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null)
	recent || {
		echo "Node.js 22 or newer is missing, and npm has none for this machine: install it and try again." >&2
		exit 1
	}
fi
