"""Our own rules: malware told by what code does when it runs by itself.

Here stands only what others need to know without loading a scanner.
"""

NAME = "behaviour"
RULES = {
    "runs-downloaded-code": "Code from the network is run, or put where it will be",
    "runs-decoded-code": "Code that was encoded, encrypted or put together is run",
    "runs-encrypted-code": "The code is encrypted, so that nobody can review it",
    "hides-what-it-calls": "A dangerous function is called by a name that is put together",
    "installs-another-package": "Another package is installed, from an address of its own",
    "opens-a-reverse-shell": "A shell is connected to the network",
    "runs-a-hidden-command": "A command is encoded, or its window is hidden",
    "starts-a-bundled-program": "A program of the package's own is started, its output thrown away",
    "starts-again-by-itself": "It arranges to be started again, at each login or start",
    "acts-at-every-start": "The network is used, or a program started, whenever Python starts",
    "sends-secrets": "Credentials or personal files are sent away",
    "sends-host-facts": "Names of this machine and its user, or what commands print, are sent away",
    "sends-what-it-intercepts": "What is given to another package's functions is sent away",
    "sends-the-screen": "Pictures of the screen are sent away",
    "listens-to-the-keyboard": "The keyboard is listened to",
    "swaps-the-clipboard": "The clipboard is read and replaced",
    "runs-machine-code": "Machine code is put into memory and run",
    "destroys-files": "The home folder or the whole disk is removed",
    "encrypts-files": "Personal files are encrypted",
    "changes-other-packages": "Files of other packages are changed",
    "publishes-packages": "Packages are published",
    "mines": "A crypto miner is started",
    "unusual-encoding": "The code is in an encoding that only its reader can make sense of",
    "unreadable-code": "The code can't be looked at",
    "not-python": "No Python can parse this, so it can't run, and nobody has looked at it",
}
"""What each rule says, by its id."""
NEWS = frozenset({"not-python"})
"""Rules that say what was not done, and refuse nothing."""
