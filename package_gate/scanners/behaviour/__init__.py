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
    "starts-a-bundled-program": "A program of its own, or a temporary one, is started in silence",
    "starts-again-by-itself": "It arranges to be started again, at each login or start",
    "acts-at-every-start": "The network is used, or a program started, whenever Python starts",
    "sends-secrets": "Credentials or personal files are sent away",
    "sends-host-facts": "Names of this machine and its user, or what commands print, are sent away",
    "sends-what-it-intercepts": "What is given to another package's functions is sent away",
    "sends-the-screen": "Pictures of the screen are sent away",
    "listens-to-the-keyboard": "The keyboard is listened to",
    "swaps-the-clipboard": "The clipboard is read and replaced",
    "runs-machine-code": "Machine code is put into memory and run",
    "destroys-files": "Personal files, the home folder or the whole disk are removed",
    "encrypts-files": "Personal files are encrypted",
    "changes-other-packages": "Files of other packages are changed",
    "publishes-packages": "Packages are published",
    "mines": "A crypto miner is started",
    "runs-own-data": "A file that is no code by its name is run",
    "sends-to-a-drop": "Something is sent to where one unknown person reads it, such as a chat",
    "changes-tools": "How pip, git or Jupyter work for this user is changed",
    "leads-others-elsewhere": "Other packages' connections or logs are led to its own address",
    "replaces-what-others-use": "Functions or modules that others rely on are replaced",
    "acts-in-the-cloud": "Something in the user's cloud account is removed, changed or paid for",
    "lets-others-in": "Somebody else may come in, or have something run, over the network",
    "hides-its-code": "Code stands where nobody sees it: far to the right, or in invisible letters",
    "runs-when-unpickled": "A file calls a program or runs code as soon as it is loaded",
    "unusual-encoding": "The code is in an encoding that only its reader can make sense of",
    "unreadable-code": "The code can't be looked at",
    "not-python": "No Python can parse this, so it can't run, and nobody has looked at it",
}
"""What each rule says, by its id."""
NEWS = frozenset({"not-python"})
"""Rules that say what was not done, and refuse nothing."""
_PAYLOAD = "where the code comes from, and whether somebody else could change it there"
_RECEIVER = "what is sent, to whom, and whether users are asked first"
LOOK = {
    "runs-downloaded-code": _PAYLOAD,
    "runs-decoded-code": "what the code is once it is decoded, and why it is hidden",
    "runs-encrypted-code": "nothing: ask its authors for readable code",
    "hides-what-it-calls": "which function that is, and why its name is hidden",
    "installs-another-package": "which package that is, and whose the address is",
    "opens-a-reverse-shell": "who may reach the shell",
    "runs-a-hidden-command": "what the command does once it is decoded",
    "starts-a-bundled-program": "what the program is, and whether its source is public",
    "starts-again-by-itself": "what is started at each login, and whether users ask for it",
    "acts-at-every-start": "why this can't wait until the package is imported",
    "sends-secrets": _RECEIVER,
    "sends-host-facts": _RECEIVER,
    "sends-what-it-intercepts": _RECEIVER,
    "sends-the-screen": _RECEIVER,
    "listens-to-the-keyboard": "whether that is what the package is for, and where keys go",
    "runs-own-data": "why that file is no module, and what is in it",
    "swaps-the-clipboard": "what takes the place of what was copied",
    "runs-machine-code": "where the machine code comes from",
    "destroys-files": "which folder that is on a notebook",
    "encrypts-files": "which files these are, and who has the key",
    "changes-other-packages": "which package's files are changed, and to what",
    "publishes-packages": "what is published, and with whose credentials",
    "mines": "whether that is what the package is for",
    "sends-to-a-drop": _RECEIVER,
    "changes-tools": "which settings these are, and whether users ask for that",
    "leads-others-elsewhere": "whose address that is, and whether users ask for it",
    "replaces-what-others-use": "what the replacement does, and whether users ask for it",
    "acts-in-the-cloud": "what that is, whose account it is in, and whether users ask for it",
    "lets-others-in": "who may connect, what they may do, and whether users ask for it",
    "hides-its-code": "what stands there, with an editor that wraps lines",
    "runs-when-unpickled": "what is called (of a pickle with pickletools.dis); don't load it",
    "unusual-encoding": "what the code is once it is decoded, and why it isn't in UTF-8",
    "unreadable-code": "what the code does: the rules could not follow it",
    "not-python": "nothing, unless it is meant to run",
}
"""What to look at in the places that a rule names, by its id."""
