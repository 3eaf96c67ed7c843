#!/bin/sh
# Installed by `make hooks`: DVC's files and Snakemake's records follow the revision that git checks out.
case "$(basename "$0")" in
post-checkout) [ "$3" = 1 ] || exit 0 ;; # not on the checkout of single files
post-rewrite) [ "$1" = rebase ] || exit 0 ;; # an amended commit has the same files
esac
if [ "$(basename "$0")" != post-rewrite ]; then # inside a rebase: wait for its end
    for state in rebase-merge rebase-apply; do [ ! -d "$(git rev-parse --git-path $state)" ] || exit 0; done
fi
bridge=$(ls workflow/bridge/__main__.py workflow/bridge.py 2>/dev/null) # the latter before version 0.2
[ -f dvc.lock ] && [ -n "$bridge" ] || exit 0
main=$(dirname "$(git rev-parse --path-format=absolute --git-common-dir)") # not $PWD in a `git worktree`
PATH="$PWD/.venv/bin:$main/.venv/bin:$PATH"
command -v dvc >/dev/null || { echo "hook: no dvc here; run make, then make pull" >&2; exit 0; }
if [ "$main" != "$PWD" ] && [ -d "$main/.dvc" ] && [ ! -e .dvc/config.local ]; then # all worktrees share one cache
    dvc config --quiet --local cache.dir "$(cd "$main" && dvc cache dir)"
fi
dvc checkout >/dev/null ||
    echo "hook: all but what dvc names above is restored; make pull fetches that, or snakemake makes it again" >&2
python "$bridge" restore
