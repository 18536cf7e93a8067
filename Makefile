# The commands of everyday work. Each is one line here; the work is in scripts/.

.DEFAULT_GOAL := help
.PHONY: help demo check test format generate fuzz bench

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

demo: ## try it: the hub with invented people and authorities, on this machine only
	go run -buildvcs=false ./cmd/luvat demo

check: ## after every change: form, go vet, tests on SQLite
	@scripts/test.sh check

test: ## everything: all checks, SQLite and PostgreSQL, race detector, browser, fuzzing
	@scripts/test.sh all

format: ## format all Go files
	@scripts/format.sh

generate: ## write the generated pages anew
	@scripts/generate.sh

fuzz: ## fuzz every target for a minute
	@scripts/fuzz.sh 1m

bench: ## measure the hub on this machine
	go run -buildvcs=false ./cmd/luvat bench
