"""What has other programs run or load files of the package: variables, and options of compilers.

`LD_PRELOAD`, `BASH_ENV` and the like have every program that is started run something; a build
lets `CC`, `PATH`, a plug-in or a prefix of programs decide what a compiler is. Honest code names
programs of the system there, not its own files.
"""

import ast
import re
from collections.abc import Iterable, Iterator

from package_gate.archive.programs import PROGRAMS
from package_gate.core.folding import UNKNOWN
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Flow
from package_gate.scanners.behaviour.own_files import OwnFiles

_OF_LIBRARIES = {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"}
_OF_FILES = {
    *("LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "PROMPT_COMMAND"),
    *("PERL5OPT", "NODE_OPTIONS", "RUBYOPT", "PYTHONSTARTUP", "GIT_SSH", "GIT_SSH_COMMAND"),
    *("GIT_ASKPASS", "SSH_ASKPASS", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_EDITOR", "PAGER"),
    *("MANPAGER", "EDITOR", "VISUAL", "BROWSER", "SHELL", "LESSOPEN", "OPENSSL_CONF"),
    *("GCONV_PATH", "GIT_PROXY_COMMAND", "RSYNC_RSH", "MAKEFILES"),
}
"""Variables that name what a program runs or loads when it is started."""
_OF_SETTINGS = {
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_DATA_PATH", "KUBECONFIG", "NETRC"),
    *("JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH", "JUPYTER_PATH", "IPYTHONDIR", "PIP_CONFIG_FILE"),
    *("UV_CONFIG_FILE", "GIT_CONFIG", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_TEMPLATE_DIR"),
    *("GIT_EXEC_PATH", "NPM_CONFIG_USERCONFIG", "NPM_CONFIG_GLOBALCONFIG", "DOCKER_CONFIG"),
    *("CURL_HOME", "WGETRC", "INPUTRC", "ZDOTDIR", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PERL5LIB", "RUBYLIB", "NODE_PATH"),
    *("SPARK_CONF_DIR", "HADOOP_CONF_DIR", "DASK_CONFIG", "BOTO_CONFIG", "CLOUDSDK_CONFIG"),
}
"""Variables that name settings of other tools, or modules that these load."""
_OF_TOOLS = re.compile(
    r"GIT_CONFIG_VALUE_\d+|(?:\w*_)?(?:CONFIG|CONFIGFILE|RC|RCFILE|PROFILE|STARTUP|OPTIONS|OPTS|ARGS"
    r"|ADDOPTS|HOOKS?|PLUGINS?|COMMAND|CMD|SSH|ASKPASS|SHELL|EDITOR|BROWSER|PAGER|PRELOAD)"
)
"""Variables whose names say that they name settings, or what is run."""
_OF_BUILDS = {
    *("CC", "CXX", "CPP", "LD", "AR", "AS", "NM", "RANLIB", "LDSHARED", "LDCXXSHARED", "FC"),
    *("F77", "F90", "NVCC", "CUDACXX", "MAKE", "CMAKE", "SWIG", "RUSTC", "RUSTC_WRAPPER"),
    *("RUSTC_WORKSPACE_WRAPPER", "CARGO", "CMAKE_C_COMPILER", "CMAKE_CXX_COMPILER"),
    *("CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER", "CONFIG_SHELL", "PKG_CONFIG"),
    *("swig", "compiler_so", "linker_so", "compiler_cxx", "archiver"),
}
"""Variables, options of setuptools and attributes of compilers that name a build's programs."""
_FLAGS = {
    *("extra_compile_args", "extra_link_args", "extra_compiler_args", "extra_f77_compile_args"),
    *("extra_f90_compile_args", "extra_postargs", "extra_preargs", "CFLAGS", "CXXFLAGS"),
    *("CPPFLAGS", "LDFLAGS", "OPT", "BASECFLAGS", "FFLAGS", "swig_opts", "RUSTFLAGS"),
    *("extra-compile-args", "extra-link-args", "NVCC_APPEND_FLAGS", "NVCC_PREPEND_FLAGS"),
}
_WRAPS = re.compile(r"(?:^|\s)-wrapper(?:\s|$)")
"""What has GCC start each of its parts by another program."""
_TAKES_A_FILE = re.compile(
    r"(?:^|\s)(?:-specs=|--specs=|-fplugin=|-fpass-plugin=|-load[\s=]|-load-pass-plugin[\s=]"
    r"|-Wl,--?plugin[=,]|--?plugin[\s=]|--ld-path=|-fuse-ld=|-Clinker=|linker=|@)\s*([^\s,]+)"
)
_HANDED_ON = re.compile(r"-(?:Xclang|Xlinker|mllvm)\s+")
_PREFIX = re.compile(r"(?:^|\s)(?:-B|-fuse-ld=)\s*([^\s,]+)")
"""Where a compiler looks for its parts first."""
_KNOWN = _OF_LIBRARIES | _OF_FILES | _OF_SETTINGS | _OF_BUILDS | _FLAGS | {"PATH"}
_OF_THE_SYSTEM = {
    *("arch", "cat", "env", "file", "getconf", "hostname", "id", "ldconfig", "ls", "lsb_release"),
    *("ps", "sysctl", "tput", "uname", "which", "whoami"),
}
"""Programs that others start by their names alone, besides those that people rely on."""
_TELLS_KEYS = "SSLKEYLOGFILE"
"""The variable that names a file into which the keys of all connections are written."""
_STOPS_AT = "PYTHONBREAKPOINT"
"""The variable that names the function which `breakpoint()` calls."""
_A_FUNCTION = re.compile(r"(?:\w+[.:])*[A-Za-z_]\w*")
_LONGEST = 20_000


def of_own_programs(
    pairs: Iterable[tuple[str, ast.expr]], flow: Flow, own: OwnFiles
) -> Iterator[tuple[str, ast.expr]]:
    """Yield the rule and the value of what has a program run or load a file of the package.

    Args:
        pairs: names of variables, options and attributes, with what they are set to.
        flow: of the file.
        own: the package's files.
    """
    for name, value in pairs:
        if name == _STOPS_AT and _A_FUNCTION.fullmatch(flow.text(value)):
            yield "replaces-what-others-use", value
        if name == _TELLS_KEYS:
            yield "replaces-what-others-use", value
        if name not in _KNOWN and not (
            _OF_TOOLS.fullmatch(name) and not is_own_variable(name, flow)
        ):
            continue
        text = flow.text(value)
        if len(text) > _LONGEST:
            continue
        if name in _OF_LIBRARIES:
            if own.is_pure and any(map(own.has_library_below, _folders(text))):
                yield "loads-a-bundled-library", value
        elif name == "PATH":
            if any((PROGRAMS | _OF_THE_SYSTEM) & own.names_in(each) for each in _folders(text)):
                yield "runs-own-data", value
        elif name in _OF_SETTINGS:
            if any(own.has(each) or own.holds(each) for each in _folders(text)):
                yield "leads-others-elsewhere", value
        elif has_own_program(text, own) if name not in _FLAGS else has_own_part(text, own):
            yield "runs-own-data", value


def is_own_variable(name: str, flow: Flow) -> bool:
    """Whether a variable of the environment is named like the package that sets it."""
    words = name.lower().strip("_").split("_")
    return any(flow.is_own("_".join(words[:count])) for count in range(1, len(words) + 1))


def has_own_program(text: str, own: OwnFiles) -> bool:
    """Whether a command, or a list of files, begins with a file of the package, or has an
    interpreter run one."""
    before = ""
    for word in re.split(r"[\s:;,=]+", text):
        named = "/" in word or UNKNOWN in word or tables.INTERPRETERS.fullmatch(before)
        if word and named and own.has(word):
            return True
        before = word
    return False


def has_own_part(text: str, own: OwnFiles) -> bool:
    """Whether options have a compiler run or load something of the package, or any program."""
    line = _HANDED_ON.sub("", text.replace("\n", " "))
    if _WRAPS.search(line) or any(own.has(each[1]) for each in _TAKES_A_FILE.finditer(line)):
        return True
    return any(own.names_in(each[1]) for each in _PREFIX.finditer(line))


def _folders(text: str) -> list[str]:
    return [
        each for each in re.split(rf"[:;\n]|{UNKNOWN}(?!/)", text) if each.strip(f"{UNKNOWN}/. ")
    ]
