#!/usr/bin/env bash
# Formats all Go files that people write.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ -x $tools/bin/gofumpt ]] || build_tools
sources | xargs -0 -r "$tools/bin/gofumpt" -l -w
