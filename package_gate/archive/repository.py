"""A repository of Git within an archive, which acts when somebody only asks for its state.

What stands in `.git/config` (`core.fsmonitor`, `core.hooksPath`, `core.sshCommand`) and in
`.git/hooks` runs with `git status`, an editor or a prompt that shows the branch. No archive of a
package needs a repository: what hosts pack has none, and builders leave it out.
"""

from package_gate.archive.placing import Placer

_FOLDER = (".git", "git~1")
"""Windows may know the folder by the second name."""


def check_repository(placer: Placer) -> None:
    """Report what lies in a folder of Git, wherever in the unpacked archive that is."""
    for path in sorted({*placer.files, *placer.copies}):
        folders = path.lower().split("/")[:-1]
        if any(each in folders for each in _FOLDER):
            placer.add("repository", path)
