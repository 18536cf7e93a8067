#!/usr/bin/env bash
# Writes the generated pages anew, from the root: where templ is run from shows
# in the files. With --check nothing is written; it fails when one of the files
# is not what its source makes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[[ -x $tools/bin/templ ]] || build_tools
if [[ ${1:-} != --check ]]; then
	exec "$tools/bin/templ" generate -log-level warn
fi

# First, for templ removes them: pages that were taken away.
bad=0
while IFS= read -r -d '' file; do
	if [[ ! -e ${file%_templ.go}.templ ]]; then
		echo "$file has no .templ any more; remove it."
		bad=1
	fi
done < <(sources generated)
((bad == 0)) || exit 1

"$tools/bin/templ" generate -check -log-level warn || {
	echo "Generated pages are stale; run make generate and commit them."
	exit 1
}
