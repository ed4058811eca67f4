#!/usr/bin/env bash
# Summary: Take the fleet of a gate away; one build scans again.
#
# Usage: source shell/delete-fleet-stack.sh [--yes]
#
# In bash or zsh; the head of stacks/fleet.sh has the variables. A child does all the work, without
# the caller's options, functions and aliases: nothing stays behind in the shell that sources this.

case "${ZSH_EVAL_CONTEXT-}${BASH_SOURCE[0]-}" in
  toplevel | "$0")
    echo "Source this file, don't run it: source $0" >&2
    exit 2
    ;;
esac

# The name of this file: bash knows it as BASH_SOURCE, zsh as %x.
# shellcheck disable=SC2016 # the child and zsh expand what is quoted
\command bash -p -c 'exec bash -p "${0%delete-fleet-stack.sh}stacks/fleet.sh" delete "$@"' \
  "${BASH_SOURCE[0]:-$(\eval '\builtin print -r -- "${(%):-%x}"')}" "$@"
