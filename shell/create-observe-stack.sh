#!/usr/bin/env bash
# Summary: Let a gate with isolated stages run packages in throw-away sandboxes, and watch.
#
# Usage: source shell/create-observe-stack.sh [--yes]
#
# In bash or zsh; the head of stacks/observe.sh has the variables. A child does all the work, without
# the caller's options, functions and aliases: nothing stays behind in the shell that sources this.

case "${ZSH_EVAL_CONTEXT-}${BASH_SOURCE[0]-}" in
  toplevel | "$0")
    echo "Source this file, don't run it: source $0" >&2
    exit 2
    ;;
esac

# The name of this file: bash knows it as BASH_SOURCE, zsh as %x.
# shellcheck disable=SC2016 # the child and zsh expand what is quoted
\command bash -p -c 'exec bash -p "${0%create-observe-stack.sh}stacks/observe.sh" create "$@"' \
  "${BASH_SOURCE[0]:-$(\eval '\builtin print -r -- "${(%):-%x}"')}" "$@"
