"""Watching what a package does when it is imported, in a throw-away sandbox without a network.

This runs strangers' code, which nothing else of this program does. `observe` is what others use.
Around the code there are two rooms: `outside` watches from the outer one, which has no network and
few files; `inside` installs and imports in the inner one. What either says is checked as hostile
input.
"""
