"""What calls and operations on known texts and numbers come to.

A value is a text (bytes are read as Latin-1), a number, a list of values, or None when it can't be
told. Nothing here runs anything of a package.
"""

import ast
import base64
import binascii
import codecs
import ipaddress
import re
import socket
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

CLUSTER = "KUBERNETES_SERVICE_HOST"
"""The variable of the environment that says where the cluster is that a container is a part of."""
UNKNOWN = "\0"
"""Stands in a text for the parts that aren't known."""
CUT = "\ue001"
"""Stands in a text where more of it was not looked at."""
_MAX_TEXT = 16 * 1024
"""Characters of one text."""
_MAX_ITEMS = 1000
"""Items of one list."""
_MAX_BITS = 300
"""Of a number that is read as a text."""

Item = TypeVar("Item")

_SAME = {
    *("str", "bytes", "bytearray", "list", "tuple", "repr", "Path", "pathlib.Path"),
    *("pathlib.PurePath", "os.path.expanduser", "os.path.abspath"),
    *("os.path.normpath", "os.path.realpath", "os.path.dirname", "os.fspath"),
    *("sorted", "set", "iter", "ast.parse", "compile"),
}
"""Functions whose result reads like their first argument."""
_EXPANDS = re.compile(r"(?:\w+\.)*(?:expand_?(?:env_?)?vars|expand_env(?:_variables)?|subst_vars)")
"""How functions are called that put variables of the environment into a text."""
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_IP_ADDRESSES = {
    *("ipaddress.ip_address", "ipaddress.IPv4Address", "ipaddress.IPv6Address"),
    *("socket.inet_ntoa", "_socket.inet_ntoa"),
}
_OF_USERS = re.compile(
    r"(?:platformdirs|appdirs|pip\._vendor\.platformdirs)\.user_(config|data|cache|state)_(?:dir|path)"
)
_FOLDERS_OF_USERS = {
    **{"config": "~/.config", "data": "~/.local/share", "cache": "~/.cache"},
    "state": "~/.local/state",
}
_JUPYTER, _JUPYTER_DATA, _IPYTHON = "~/.jupyter", "~/.local/share/jupyter", "~/.ipython"
_AWS_CREDENTIALS = "~/.aws/credentials"
_KERNEL = f"{_JUPYTER_DATA}/kernels/python3"
_GIVEN_PLACES: dict[str, str | list[str]] = {
    "jupyter_core.paths.jupyter_config_dir": _JUPYTER,
    "jupyter_core.paths.jupyter_config_path": [_JUPYTER],
    "jupyter_core.paths.jupyter_data_dir": _JUPYTER_DATA,
    "jupyter_core.paths.jupyter_path": [_JUPYTER_DATA],
    "jupyter_core.paths.jupyter_runtime_dir": f"{_JUPYTER_DATA}/runtime",
    "jupyter_client.kernelspec.find_kernel_specs": [_KERNEL],
    "jupyter_client.kernelspec.KernelSpecManager().find_kernel_specs": [_KERNEL],
    "IPython.paths.get_ipython_dir": _IPYTHON,
    "IPython.utils.path.get_ipython_dir": _IPYTHON,
    "IPython.paths.locate_profile": f"{_IPYTHON}/profile_default",
    "IPython.utils.path.locate_profile": f"{_IPYTHON}/profile_default",
    "site.getuserbase": "~/.local",
    "site.getusersitepackages": "~/.local/lib/python3/site-packages",
    "google.auth._cloud_sdk.get_application_default_credentials_path": (
        "~/.config/gcloud/application_default_credentials.json"
    ),
}
"""Functions that give a place in somebody's folder."""
HELD_PLACES: dict[str, str | list[str]] = {
    "site.USER_BASE": "~/.local",
    "site.USER_SITE": "~/.local/lib/python3/site-packages",
    "requests.utils.NETRC_FILES": ["~/.netrc"],
    "twine.utils.DEFAULT_CONFIG_FILE": "~/.pypirc",
    "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION": "~/.kube/config",
    "huggingface_hub.constants.HF_TOKEN_PATH": "~/.cache/huggingface/token",
    "jupyter_client.kernelspec.get_kernel_spec().resource_dir": _KERNEL,
    "jupyter_client.kernelspec.KernelSpecManager().get_kernel_spec().resource_dir": _KERNEL,
    **{"os.pathsep": ":", "os.path.pathsep": ":"},
}
"""What modules hold that is such a place, or stands between places."""
_NUMBER_HOST = re.compile(
    r"(//(?:[^/@\s]{0,99}@)?)(\[[0-9a-fA-F:.]{2,45}\]|[0-9][0-9a-fA-FxX.]{0,45})(?=[:/?#\s]|$)"
)
_OF_AWS = ("botocore.", "boto3.")
_OF_NUMBERS = {"bytes", "bytearray", "array.array"}
"""Functions that take a text as a list of its letters' numbers."""
_PATHS = {"Path", "pathlib.Path", "pathlib.PurePath"}
_LISTED = {"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob", "shlex.split"}
"""Functions that give a list of which each item reads like their first argument."""
_SAME_METHODS = {
    *("encode", "decode", "strip", "rstrip", "lstrip", "lower", "upper", "resolve", "absolute"),
    *("expanduser", "as_posix", "as_uri", "items", "keys", "values", "copy", "tobytes"),
}
_PLACE = re.compile(r"\{(\w{0,50})(?:[.\[!:][^{}]{0,50})?\}")
"""Where a template of `str.format` puts a value."""
_LISTED_METHODS = {"split", "splitlines", "rsplit", "iterdir"}


def as_text(value: object) -> str:
    """Give any value as one text: a list has a line for each item."""
    if isinstance(value, str):
        return shortened(value)
    if isinstance(value, list):
        return _in_lines(value)
    return str(value) if isinstance(value, int) and value.bit_length() <= _MAX_BITS else UNKNOWN


def _in_lines(items: Iterable[object]) -> str:
    """Give each item on a line, as far as that is looked at."""
    lines: list[str] = []
    size = 0
    for each in items:
        lines.append(as_text(each))
        size += len(lines[-1]) + 1
        if size > _MAX_TEXT + 1:
            break
    return shortened("\n".join(lines))


def shortened(text: str) -> str:
    """Give what of a text is looked at."""
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + CUT


def first_of(items: Sequence[Item]) -> list[Item | str]:
    """Give those of many items that are looked at."""
    return [*items] if len(items) <= _MAX_ITEMS else [*items[:_MAX_ITEMS], CUT]


def number_of(value: object) -> object:
    """Give the number that a byte is; a text of one letter may be one."""
    return ord(value) if isinstance(value, str) and len(value) == 1 else value


def calculated(operator: ast.operator, left: int, right: int) -> int | None:
    """Calculate, with the operators that hide characters."""
    if max(abs(left), abs(right)) > 2**32:
        return None
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.BitXor):
        return left ^ right
    return left * right if isinstance(operator, ast.Mult) else None


def called(name: str, arguments: list[object]) -> object:
    """Tell what a function of the standard library makes of known values."""
    first = arguments[0] if arguments else None
    if name in _PATHS and len(arguments) > 1:
        return "/".join(map(as_text, arguments))
    if name in _OF_NUMBERS and isinstance(arguments[-1] if arguments else None, list):
        return _of_numbers(arguments[-1])
    if name in _SAME:
        return first
    if _EXPANDS.fullmatch(name) and isinstance(first, str):
        return expanded(first)
    if name in _GIVEN_PLACES:
        return _GIVEN_PLACES[name]
    if of_users := _OF_USERS.fullmatch(name):
        return "/".join((_FOLDERS_OF_USERS[of_users[1]], *map(as_text, arguments[:1])))
    if name.endswith(".get_config_variable"):
        return held_by_aws(name, first)
    if name in _IP_ADDRESSES:
        return _ip_address(first)
    if name == "textwrap.dedent" and isinstance(first, str):
        return textwrap.dedent(first)
    if name in _LISTED:
        return _listed(first)
    if name in ("tempfile.gettempdir", "tempfile.mkdtemp", "tempfile.gettempprefix"):
        return "/tmp"  # noqa: S108  # whatever it is called there
    if name in ("tempfile.mktemp", "tempfile.NamedTemporaryFile"):
        return f"/tmp/{UNKNOWN}"  # noqa: S108
    if name == "str.maketrans" and len(arguments) == 2:
        return [*map(as_text, arguments)]
    if name == "chr":
        return chr(first) if isinstance(first, int) and 0 <= first < 0x110000 else None
    if name == "map" and len(arguments) == 2 and isinstance(arguments[1], list):
        return [called("chr", [each]) for each in arguments[1]]
    if name == "reversed":
        return first[::-1] if isinstance(first, str | list) else None
    if name == "os.path.join":
        return "/".join(map(as_text, arguments))
    if name == "urllib.parse.urljoin":
        return "".join(map(as_text, arguments[:2]))
    if name in ("Path.home", "pathlib.Path.home"):
        return "~"
    if name in ("os.getenv", "os.environ.get", "os.environ.pop"):
        if first == CLUSTER and len(arguments) > 1:
            return None  # another host may stand there
        return "\n".join(f"%{name}%" for name in as_text(first).split("\n"))
    if isinstance(first, str) and UNKNOWN not in first:
        return _decoded(name, first, arguments[1:])
    return None


def expanded(text: str) -> str:
    """Give a text with `$NAME` and `${NAME}` as they are read from the environment."""
    return _VARIABLE.sub(lambda found: _variable(found[1] or found[2]), text)


def _variable(name: str) -> str:
    return "~" if name == "HOME" else f"%{name}%"


def held_by_aws(name: str, key: object) -> str | None:
    """Give the path that settings of AWS's libraries, by a dotted name, have under a key."""
    known = key == "credentials_file" and name.startswith(_OF_AWS)
    return _AWS_CREDENTIALS if known else None


def _ip_address(value: object) -> str | None:
    """Give the address that a number, or its bytes, stand for."""
    try:
        if isinstance(value, int):
            return str(ipaddress.ip_address(value))
        if isinstance(value, str) and len(value) in (4, 16) and not value.isascii():
            return str(ipaddress.ip_address(value.encode("latin-1")))
        return value if isinstance(value, str) else None
    except ValueError:
        return None


def with_plain_hosts(text: str) -> str:
    """Give a text with each host that is a number in its usual spelling.

    `//0xA9FEA9FE/`, `//2852039166/` and `//[::ffff:a9fe:a9fe]/` are the same host.
    """
    return _NUMBER_HOST.sub(_plain_host, text) if "//" in text else text


def _plain_host(found: re.Match[str]) -> str:
    begin, host = found.groups()
    try:
        if host.startswith("["):
            mapped = ipaddress.IPv6Address(host[1:-1]).ipv4_mapped
            return f"{begin}{mapped}" if mapped else found[0]
        return begin + socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return found[0]


def _of_numbers(items: object) -> object:
    """Give the text whose letters are written as numbers."""
    numbers = items if isinstance(items, list) else []
    if all(isinstance(each, int) and 0 <= each < 256 for each in numbers):
        return shortened("".join(map(chr, numbers)))
    return items


def _listed(value: object) -> list[object] | None:
    """Give a list of something like this: nobody loops over its letters."""
    if value is None or isinstance(value, list):
        return value
    return [value]


class Several(str):
    """Several texts that something may be, a line each."""

    __slots__ = ()


def _decoded(name: str, text: str, options: list[object]) -> str | None:
    """Decode what is written in the code; what can't be decoded isn't told."""
    try:
        if name == "base64.b64decode":
            return base64.b64decode(text).decode("latin-1")
        if name in ("bytes.fromhex", "bytearray.fromhex", "binascii.unhexlify"):
            return binascii.unhexlify(text).decode("latin-1")
        if name == "codecs.decode" and options[:1] in (["rot13"], ["rot_13"]):
            return str(codecs.decode(text, "rot13"))
        if name == "codecs.decode" and options[:1] in (["hex"], ["hex_codec"]):
            return binascii.unhexlify(text).decode("latin-1")
    except (ValueError, UnicodeError):
        return None
    return None


def method(name: str, base: object, arguments: list[object]) -> object:
    """Tell what a method of a text, a list or a path makes of known values."""
    if name == "join" and isinstance(base, str):
        items = arguments[0] if arguments else None
        return base.join(map(as_text, items)) if isinstance(items, list) else items
    if name == "joinpath":
        return "/".join(map(as_text, [base, *arguments]))
    if name == "with_name" and isinstance(base, str) and arguments:
        folder = base if base.endswith("__file__") else base.rpartition("/")[0]
        return f"{folder}/{as_text(arguments[0])}"
    if name in ("glob", "rglob"):
        return ["/".join(map(as_text, [base, *arguments]))]
    if name in _LISTED_METHODS:
        return _listed(base)
    if name == "translate" and isinstance(base, str):
        return _translated(base, arguments[0] if arguments else None)
    if name == "replace" and isinstance(base, str) and len(arguments) == 2:
        return shortened(base.replace(as_text(arguments[0]), as_text(arguments[1])))
    return base if name in _SAME_METHODS else None


def _translated(text: str, letters: object) -> str | None:
    """Give a text with the letters replaced of which `str.maketrans` was given both lists."""
    if isinstance(letters, list) and len(letters) == 2:
        old, new = map(as_text, letters)
        if len(old) == len(new):
            return text.translate(str.maketrans(old, new))
    return None


def formatted(template: str, arguments: list[object], named: Mapping[str, object]) -> str:
    """Tell what `template.format(…)` gives."""
    following = iter(arguments)

    def filled(place: re.Match[str]) -> str:
        name = place[1]
        if name.isdigit():
            return as_text(arguments[int(name)] if int(name) < len(arguments) else None)
        return as_text(named.get(name) if name else next(following, None))

    return shortened(_PLACE.sub(filled, template))
