"""Running uv, its configuration, its failures and its lock."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.version import Version

from package_gate.core.errors import SourceError, SourceRefusedError
from package_gate.core.policy import Sources
from package_gate.net.addresses import AddressGuard
from package_gate.sources.pypi import uv as module
from package_gate.sources.pypi.lock import Lock, parse_lock
from package_gate.sources.pypi.uv import (
    Compilation,
    IndexSettings,
    PythonTarget,
    Reason,
    ResolutionFailure,
    find_uv_config,
    index_settings,
    read_uv_failure,
    run_uv,
    uv_environment,
)
from tests.fakes.connect_proxy import connect_proxy
from tests.fakes.dns import FakeDNS
from tests.fakes.https_server import HTTPSServer, Responder, https_server, respond
from tests.fakes.package_index import JSON_TYPE, LOCAL, PackageIndex, metadata, wheel

# The test server leaves its side of a TLS connection to the garbage collector.
TARGET = PythonTarget("3.11", "x86_64-manylinux_2_28")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HTTPSServer]:
    with https_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def index(server: HTTPSServer) -> PackageIndex:
    return PackageIndex(server)


@pytest.fixture
def settings(index: PackageIndex, cache: Path) -> IndexSettings:
    return IndexSettings(index.environment, cache_dir=cache, guard=LOCAL)


def versions(result: Lock | ResolutionFailure) -> dict[str, str]:
    assert isinstance(result, Lock), result
    return {package.name: str(package.version) for package in result.packages}


def reason(result: Lock | ResolutionFailure) -> tuple[Reason, str]:
    assert isinstance(result, ResolutionFailure), result
    return result.reason, result.package


def test_a_closure_comes_with_digests_sizes_and_times(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    index.add_wheel("alpha", "1.0", ["beta>=1"])
    entry = index.add_wheel("beta", "1.1")
    result = run_uv(settings, Compilation("alpha", TARGET), tmp_path)
    assert versions(result) == {"alpha": "1.0", "beta": "1.1"}
    assert isinstance(result, Lock)
    file = result.packages[1].files[0]
    assert (file.sha256, file.size) == (entry["hashes"]["sha256"], entry["size"])
    assert file.uploaded == datetime(2024, 1, 1, tzinfo=UTC)
    assert list(tmp_path.iterdir()) == []


def test_only_wheels_of_the_target_are_taken_and_no_sdist_beside_them(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    for tag in ("cp311-cp311-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_x86_64",
                "cp311-cp311-win_amd64", "py3-none-any"):  # fmt: skip
        index.add_wheel("thing", "1.0", tag=tag)
    index.add_sdist("thing", "1.0")
    result = run_uv(settings, Compilation("thing", TARGET), tmp_path)
    assert isinstance(result, Lock)
    assert sorted(file.filename for file in result.packages[0].files) == [
        "thing-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
        "thing-1.0-py3-none-any.whl",
    ]


def plant(folder: Path, other: PackageIndex) -> None:
    """Write every file that could configure uv."""
    folder.mkdir(parents=True, exist_ok=True)
    setting = f'[[index]]\nurl = "{other.url}"\ndefault = true\n'
    (folder / "uv.toml").write_text(setting)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "planted"\nversion = "1"\n'
        '[tool.uv]\noverride-dependencies = ["thing==6.6.6"]\n'
        f'[tool.uv.sources]\nthing = {{ url = "{other.url}/thing-6.6.6.tar.gz" }}\n'
        f'[[tool.uv.index]]\nurl = "{other.url}"\ndefault = true\n'
    )
    (folder / ".env").write_text(f"UV_DEFAULT_INDEX={other.url}\n")
    (folder / ".netrc").write_text("machine localhost login planted password planted\n")
    (folder / ".python-version").write_text("3.99\n")
    (folder / "constraints.txt").write_text("thing==6.6.6\n")
    for place in (".config/uv", "uv"):
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / "uv.toml").write_text(setting)


def test_configuration_that_is_planted_around_uv_changes_nothing(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = PackageIndex(index.server)
    evil.add_wheel("thing", "6.6.6")
    index.add_wheel("thing", "1.0")
    scratch = tmp_path / "deep" / "scratch"
    for folder in (tmp_path, tmp_path / "deep", scratch):
        plant(folder, evil)
    monkeypatch.chdir(scratch)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.setenv(name, str(scratch))
    monkeypatch.setenv("NETRC", str(scratch / ".netrc"))
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX"):
        monkeypatch.setenv(name, evil.url)
    monkeypatch.setenv("UV_CONSTRAINT", str(scratch / "constraints.txt"))
    result = run_uv(settings, Compilation("thing", TARGET), scratch)
    assert versions(result) == {"thing": "1.0"}
    assert evil.asked == []
    sent = [headers for _, path, headers in index.server.requests if index.prefix in path]
    assert sent
    assert not any("Authorization" in headers for headers in sent)


def test_the_users_own_configuration_file_counts(
    index: PackageIndex, cache: Path, tmp_path: Path
) -> None:
    index.add_wheel("thing", "1.0")
    config = tmp_path / "uv.toml"
    config.write_text(f'[[index]]\nurl = "{index.url}"\ndefault = true\n')
    environment = {"SSL_CERT_FILE": str(index.server.ca_file)}
    settings = IndexSettings(environment, config, cache, LOCAL)
    assert versions(run_uv(settings, Compilation("thing", TARGET), tmp_path)) == {"thing": "1.0"}


def test_the_cutoff_its_exemptions_and_constraints_are_kept(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    cutoff, now = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)
    for version, month in (("1.0", 1), ("2.0", 6), ("3.0", 6)):
        index.add_wheel("thing", version, uploaded=datetime(2024, month, 2, tzinfo=UTC))
    asked = Compilation("thing", TARGET, cutoff)
    assert versions(run_uv(settings, asked, tmp_path)) == {"thing": "1.0"}
    asked = Compilation("thing", TARGET, cutoff, exempt={"thing": now})
    assert versions(run_uv(settings, asked, tmp_path)) == {"thing": "3.0"}
    asked = Compilation("thing", TARGET, cutoff, {"thing": now}, ("thing!=3.0",))
    assert versions(run_uv(settings, asked, tmp_path)) == {"thing": "2.0"}


def test_stand_ins_are_used_and_left_out_of_the_files(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    index.add_sdist("thing", "1.0")
    index.add_wheel("beta", "1.0")
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    filename, content = wheel("thing", "1.0", metadata("thing", "1.0", ["beta"]))
    (folder / filename).write_bytes(content)
    result = run_uv(settings, Compilation("thing", TARGET, stand_ins=folder), tmp_path)
    assert versions(result) == {"beta": "1.0", "thing": "1.0"}
    assert isinstance(result, Lock)
    assert result.packages[1].files == ()


def test_a_folder_of_packages_in_uvs_configuration_is_refused(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    filename, content = wheel("thing", "1.0", metadata("thing", "1.0"))
    (folder / filename).write_bytes(content)
    config = tmp_path / "uv.toml"
    config.write_text(f'find-links = ["{folder}"]\n')
    local = IndexSettings(settings.environment, config, settings.cache_dir, LOCAL)
    with pytest.raises(SourceRefusedError, match="find-links"):
        run_uv(local, Compilation("thing", TARGET), tmp_path)


def test_failures_of_uv_are_told_apart(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    index.add_wheel("old", "1.0")
    index.add_wheel("windows", "1.0", tag="cp311-cp311-win_amd64")
    index.add_wheel("python2", "1.0", tag="py2-none-any")
    index.add_wheel("tomorrow", "1.0", requires_python=">=3.13")
    index.add_wheel("contradiction", "1.0", ["old<1"])
    index.add_wheel("needy", "1.0", ["nothing"])
    index.add_sdist("source", "1.0")
    index.add_wheel("parent", "1.0", ["source"])
    index.add_wheel("withdrawn", "1.0", yanked="broken")
    index.add_wheel("linked", "1.0", ["old @ https://localhost:1/old.zip"])
    index.answer("garbage", respond(b"{]", headers={"Content-Type": JSON_TYPE}))
    index.answer("plain", respond(b"hello", headers={"Content-Type": "text/plain"}))
    index.answer("down", respond(status=500))
    index.answer("secret", respond(status=401))
    index.answer("forbidden", respond(status=403))
    expected = {
        "nothing": (Reason.NO_PACKAGE, "nothing"),
        "needy": (Reason.NO_PACKAGE, "nothing"),
        "old==9": (Reason.NO_VERSION, "old"),
        "old>9": (Reason.NO_VERSION, "old"),
        "windows": (Reason.NO_WHEEL_FOR_TARGET, "windows"),
        "python2": (Reason.NO_WHEEL_FOR_TARGET, "python2"),
        "tomorrow": (Reason.OTHER_PYTHON, "tomorrow"),
        "contradiction": (Reason.CONFLICT, ""),
        "withdrawn": (Reason.YANKED, "withdrawn"),
        "linked": (Reason.ADDRESS, "old"),
        "source": (Reason.ONLY_SDIST, "source"),
        "parent": (Reason.ONLY_SDIST, "source"),
        "garbage": (Reason.BAD_ANSWER, ""),
        "plain": (Reason.BAD_ANSWER, ""),
        "down": (Reason.UNREACHABLE, ""),
        "secret": (Reason.DENIED, ""),
        "forbidden": (Reason.DENIED, ""),
    }
    found = {
        text: reason(run_uv(settings, Compilation(text, TARGET), tmp_path)) for text in expected
    }
    assert found == expected


def test_an_index_that_is_down_and_bad_settings_are_told_apart(
    settings: IndexSettings, tmp_path: Path
) -> None:
    down = {"UV_DEFAULT_INDEX": "https://localhost:1", "UV_HTTP_RETRIES": "0"}
    asked = Compilation("thing", TARGET)
    result = run_uv(IndexSettings(down, cache_dir=settings.cache_dir, guard=LOCAL), asked, tmp_path)
    assert reason(result)[0] is Reason.UNREACHABLE
    for target in (PythonTarget("3.11", "amiga"), PythonTarget("three", TARGET.platform)):
        result = run_uv(settings, Compilation("thing", target), tmp_path)
        assert reason(result)[0] is Reason.CONFIGURATION
    missing = IndexSettings({}, tmp_path / "missing.toml", settings.cache_dir)
    with pytest.raises(SourceError, match=r"missing\.toml can't be read"):
        run_uv(missing, asked, tmp_path)


def test_a_target_is_never_taken_for_an_option(settings: IndexSettings, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    target = PythonTarget("3.11", f"--output-file={planted}")
    assert reason(run_uv(settings, Compilation("thing", target), tmp_path))[0]
    assert not planted.exists()


def test_uv_that_hangs_is_stopped(
    settings: IndexSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "uv"
    script.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(module, "find_uv_bin", lambda: str(script))
    monkeypatch.setattr(module, "COMPILE_SECONDS", 0.2)
    result = run_uv(settings, Compilation("thing", TARGET), tmp_path)
    assert reason(result) == (Reason.TIMEOUT, "")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo '<html>'", "can't be used"),
        ("echo 'lock-version = \"1.0\"'", "can't be used"),
        ("head -c 2000 /dev/zero", "larger than 1000 bytes"),
    ],
)
def test_an_output_of_uv_that_is_no_lock_is_an_error(
    settings: IndexSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    words: str,
) -> None:
    path = tmp_path / "uv"
    path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(module, "find_uv_bin", lambda: str(path))
    monkeypatch.setattr(module, "MAX_OUTPUT", 1000)
    with pytest.raises(SourceError, match=words):
        run_uv(settings, Compilation("thing", TARGET), tmp_path)


def test_a_missing_uv_is_an_error(
    settings: IndexSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_uv_bin", lambda: str(tmp_path / "none"))
    with pytest.raises(SourceError, match="pinned requirements"):
        run_uv(settings, Compilation("thing", TARGET), tmp_path)


def test_uv_gets_nothing_but_what_it_is_allowed_to_see(
    settings: IndexSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    path = tmp_path / "uv"
    path.write_text(f'#!/bin/sh\n/usr/bin/env > {seen}\nread line\necho "ARGS $@" >> {seen}\n')
    path.chmod(0o755)
    monkeypatch.setattr(module, "find_uv_bin", lambda: str(path))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    with pytest.raises(SourceError):
        run_uv(settings, Compilation("thing==1.0", TARGET), tmp_path)
    environment, _, arguments = seen.read_text().partition("ARGS ")
    names = {line.partition("=")[0] for line in environment.splitlines()}
    own = {"HOME", "TMPDIR", "UV_CACHE_DIR", "PWD", "_", "SHLVL", "OLDPWD"}
    proxies = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}
    assert names <= {*settings.environment, *own, *proxies}
    assert all(f"\n{name}=http://gate:" in f"\n{environment}" for name in proxies)
    assert f"\nHOME={tmp_path}/uv-" in f"\n{environment}"
    assert "thing==" not in arguments
    for option in ("--no-build", "--no-sources", "--no-python-downloads", "--no-config"):
        assert option in arguments


@pytest.mark.parametrize(
    ("text", "specifiers"),
    [
        ("Because many==1.5 has no usable wheels and only many==1.5 is available", ["==1.5"]),
        ("Because all versions of many have no usable wheels and you require many", []),
        ("Because many<=0.3 has no usable wheels and only the following: many<=0.3", ["<=0.3"]),
        (
            "Because all of: many<=0.1 many>=0.3,<0.9 have no usable wheels and only many==0.2 is",
            ["<=0.1", "<0.9,>=0.3"],
        ),
        (
            "Because other==2 has no usable wheels and many==1 has no usable wheels, so",
            ["==1"],
        ),
        ("Because so-many==2 has no usable wheels and all versions of many have no usable", []),
    ],
)
def test_the_releases_that_have_no_wheels_are_read(text: str, specifiers: list[str]) -> None:
    failure = read_uv_failure(
        "error: No solution found when resolving dependencies\n"
        f"  cause: {text} wheels.\n\n"
        "hint: Wheels are required for `many` because building from source is disabled\n"
    )
    assert (failure.reason, failure.package) == (Reason.ONLY_SDIST, "many")
    assert [str(each) for each in failure.specifiers] == specifiers


def test_uvs_words_are_escaped_and_shortened() -> None:
    failure = read_uv_failure("error: \x1b[31mboom\u202e " + "x" * 5000)
    assert failure.reason is Reason.UNKNOWN
    assert failure.words.startswith("\\x1b[31mboom\\u202e")
    assert len(failure.words) <= module.MAX_WORDS


URL = "https://files.test/thing-1.0-py3-none-any.whl"
SHA = "a" * 64


def lock_of(
    url: str = URL, hashes: str = f'sha256 = "{SHA}"', more: str = "", kind: str = "wheels"
) -> str:
    file = f'{{ url = "{url}", {more} hashes = {{ {hashes} }} }}'
    files = f"wheels = [{file}]" if kind == "wheels" else f"{kind} = {file}"
    return (
        'lock-version = "1.0"\ncreated-by = "uv"\n'
        f'[[packages]]\nname = "thing"\nversion = "1.0"\n{files}\n'
    )


def test_a_lock_is_read() -> None:
    package = parse_lock(lock_of(more="size = 5,")).packages[0]
    assert (package.name, package.version) == ("thing", Version("1.0"))
    assert (package.files[0].url, package.files[0].size) == (URL, 5)
    assert package.files[0].uploaded is None


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https", "http"),
        "file:///tmp/thing-1.0-py3-none-any.whl",
        "ftp://files.test/thing-1.0-py3-none-any.whl",
        "https://user:token@files.test/thing-1.0-py3-none-any.whl",
        "https:///thing-1.0-py3-none-any.whl",
        "thing-1.0-py3-none-any.whl",
    ],
)
def test_an_address_in_a_lock_that_is_not_plain_https_is_refused(url: str) -> None:
    with pytest.raises(SourceRefusedError) as refusal:
        parse_lock(lock_of(url))
    assert "token" not in str(refusal.value)


@pytest.mark.parametrize(
    "filename",
    [
        "thing-1.1-py3-none-any.whl",
        "other-1.0-py3-none-any.whl",
        "thing-1.0.tar.bz2",
        "thing-1.0.exe",
        "..%2F..%2Fthing-1.0-py3-none-any.whl",
        "thing-1.0-py3-none-a%2Fny.whl",
        "thing-1.0-py3-none-any%00.whl",
        "",
        "%2e%2e",
    ],
)
def test_a_file_name_that_contradicts_its_release_is_an_error(filename: str) -> None:
    with pytest.raises(SourceError, match=r"name contradicts|can't be used"):
        parse_lock(lock_of(f"https://files.test/{filename}"))


@pytest.mark.parametrize(
    "text",
    [
        lock_of(hashes='md5 = "d41d8cd98f00b204e9800998ecf8427e"'),
        lock_of(hashes='sha256 = "abc"'),
        lock_of(hashes=f'sha256 = "{SHA}\\n"'),
        lock_of(hashes=""),
        lock_of(more="size = -1,"),
        lock_of(more='size = "5",'),
        "lock-version = 1",
        "[[[",
        "a = " + "[" * 100_000,
    ],
)
def test_a_lock_that_cannot_be_trusted_is_an_error(text: str) -> None:
    with pytest.raises(SourceError):
        parse_lock(text)


def test_a_package_that_is_not_an_indexs_is_refused() -> None:
    with pytest.raises(SourceRefusedError, match="other than a package index"):
        parse_lock(lock_of("https://files.test/thing.zip", kind="archive"))


def test_only_our_own_stand_ins_may_be_local(tmp_path: Path) -> None:
    for name in ("own", "ow"):
        (tmp_path / name).mkdir()
    (tmp_path / "own" / "thing-1.0-py3-none-any.whl").touch()
    own = (tmp_path / "own").as_uri() + "/thing-1.0-py3-none-any.whl"
    assert parse_lock(lock_of(own), tmp_path / "own").packages[0].files == ()
    with pytest.raises(SourceRefusedError):
        parse_lock(lock_of(own), tmp_path / "ow")
    with pytest.raises(SourceRefusedError):
        parse_lock(lock_of(own.replace("/own/", "/own/../")), tmp_path / "own")


def test_only_what_the_list_names_is_picked_from_the_environment() -> None:
    kept = {
        "UV_DEFAULT_INDEX": "https://m.test",
        "UV_INDEX_MIRROR_PASSWORD": "p",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "https_proxy": "http://proxy.test",
    }
    left = {
        "UV_FIND_LINKS": "/tmp",
        "UV_CONSTRAINT": "x",
        "UV_OVERRIDE": "x",
        "UV_INSECURE_HOST": "x",
        "UV_NO_BUILD": "0",
        "UV_PYTHON": "/tmp/python",
        "UV_CONFIG_FILE": "x",
        "UV_EXCLUDE_NEWER": "2030-01-01",
        "NETRC": "x",
        "HOME": "/home/somebody",
        "AWS_SECRET_ACCESS_KEY": "x",
        "LD_PRELOAD": "x",
    }
    assert uv_environment({**kept, **left, "UV_INDEX": ""}) == kept


def test_uv_trusts_the_certificates_that_the_gates_own_connections_trust() -> None:
    bundle = {"REQUESTS_CA_BUNDLE": "/etc/bundle.pem"}
    assert uv_environment(bundle) == {"SSL_CERT_FILE": "/etc/bundle.pem"}
    assert uv_environment({**bundle, "SSL_CERT_FILE": "/a"}) == {"SSL_CERT_FILE": "/etc/bundle.pem"}
    assert uv_environment({"SSL_CERT_FILE": "/a"}) == {"SSL_CERT_FILE": "/a"}


def test_configuration_files_are_found_in_uvs_order(tmp_path: Path) -> None:
    def place(name: str) -> Path:
        path = tmp_path / name / "uv" / "uv.toml"
        path.parent.mkdir(parents=True)
        path.touch()
        return path

    home, system = tmp_path / "home", tmp_path / "etc"
    assert find_uv_config(home, {}, system) is None
    expected = place("etc")
    assert find_uv_config(home, {}, system) == expected
    expected = place("xdg-system")
    variables = {"XDG_CONFIG_DIRS": str(tmp_path / "xdg-system")}
    assert find_uv_config(home, variables, system) == expected
    expected = place("home/.config")
    assert find_uv_config(home, variables, system) == expected
    expected = place("xdg")
    variables["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
    assert find_uv_config(home, variables, system) == expected
    variables["UV_CONFIG_FILE"] = "/explicit.toml"
    assert find_uv_config(home, variables, system) == Path("/explicit.toml")


def test_a_relative_configuration_folder_is_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").touch()
    monkeypatch.chdir(tmp_path)
    variables = {"XDG_CONFIG_HOME": ".", "XDG_CONFIG_DIRS": "."}
    assert find_uv_config(tmp_path / "home", variables, tmp_path / "etc") is None


def test_the_cache_is_where_uv_has_it(tmp_path: Path) -> None:
    assert index_settings({}, tmp_path, Sources()).cache_dir == tmp_path / ".cache" / "uv"
    assert index_settings({"XDG_CACHE_HOME": "/c"}, tmp_path, Sources()).cache_dir == Path("/c/uv")
    assert index_settings({"UV_CACHE_DIR": "/mine"}, tmp_path, Sources()).cache_dir == Path("/mine")


def test_pythons_configuration_is_read_before_threads_ask_for_it() -> None:
    """CPython 3.11 gives half of it to a second thread that asks first, and uv is not found."""
    check = (
        "import package_gate.sources.pypi.uv, sysconfig; assert sysconfig._CONFIG_VARS['EXE'] == ''"
    )
    subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).parents[3], check=True)


@pytest.mark.parametrize("setting", ["https-proxy", "http-proxy", "no-proxy"])
def test_a_proxy_in_the_configuration_file_is_refused_as_it_would_take_the_guards_place(
    settings: IndexSettings, tmp_path: Path, setting: str
) -> None:
    config = tmp_path / "uv.toml"
    value = '["localhost"]' if setting == "no-proxy" else '"http://127.0.0.1:9"'
    config.write_text(f'"{setting}" = {value}\n')
    with pytest.raises(SourceError, match=f"sets {setting}; remove it"):
        run_uv(replace(settings, user_config=config), Compilation("thing", TARGET), tmp_path)


def test_an_index_at_a_private_address_must_be_a_private_host_of_the_policy(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    index.add_wheel("thing", "1.0")
    strict = IndexSettings(settings.environment, cache_dir=settings.cache_dir)
    with pytest.raises(SourceRefusedError, match=r"localhost is at .*loopback.*private_hosts"):
        run_uv(strict, Compilation("thing", TARGET), tmp_path)
    assert index.asked == []


def test_an_index_must_be_an_allowed_host_too(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    guard = AddressGuard(Sources(("files.test",), ("localhost",)))
    with pytest.raises(SourceRefusedError, match=r"localhost is not in sources\.allowed_hosts"):
        run_uv(replace(settings, guard=guard), Compilation("thing", TARGET), tmp_path)
    assert index.asked == []


def moved(location: str, status: int = 302) -> Responder:
    return respond(status=status, headers={"Location": location})


ELSEWHERE = [
    ("https://169.254.169.254/latest/meta-data/", "cloud metadata"),
    ("https://[fd00:ec2::254]/latest/", "cloud metadata"),
    ("https://127.0.0.1:{port}/inside/", "loopback"),
    ("https://10.0.0.1/", "private network"),
    ("https://2130706433/", "at 127.0.0.1|looks like an address"),
    ("http://localhost:{port}/inside/", "only https"),
    ("http://169.254.169.254/latest/meta-data/", "only https"),
]


@pytest.mark.parametrize(("location", "words"), ELSEWHERE)
def test_uv_follows_no_redirect_of_an_index_to_where_the_guard_forbids(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path, location: str, words: str
) -> None:
    index.answer("thing", moved(location.format(port=index.server.port)))
    before = len(index.server.requests)
    with pytest.raises(SourceRefusedError, match=words):
        run_uv(settings, Compilation("thing", TARGET), tmp_path)
    assert [path for _, path, _ in index.server.requests[before:] if "inside" in path] == []


@pytest.mark.parametrize(("location", "words"), ELSEWHERE)
def test_uv_asks_nobody_for_metadata_whom_the_guard_forbids(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path, location: str, words: str
) -> None:
    entry = index.add_wheel("thing", "1.0")
    place = location.format(port=index.server.port)
    entry["url"] = f"{place.rstrip('/')}/inside/{entry['filename']}"
    before = len(index.server.requests)
    with pytest.raises(SourceRefusedError, match=words):
        run_uv(settings, Compilation("thing", TARGET), tmp_path)
    assert [path for _, path, _ in index.server.requests[before:] if "inside" in path] == []


def test_a_name_is_resolved_by_the_guard_only_and_an_answer_that_changes_is_refused(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    index.add_wheel("thing", "1.0")
    dns = FakeDNS().add("mirror.test", ["127.0.0.1"], ["169.254.169.254"])
    guard = AddressGuard(Sources(private_hosts=("mirror.test",)), dns)
    environment = {
        **settings.environment,
        "UV_DEFAULT_INDEX": index.url.replace("localhost", "mirror.test"),
    }
    guarded = replace(settings, environment=environment, guard=guard)
    again = f"https://mirror.test:{index.server.port}{index.prefix}/other/"
    # Announced, or uv may ask again on the same connection, whose name was resolved before.
    closing = {"Location": again, "Connection": "close"}
    index.server.routes[f"{index.prefix}/thing/"] = respond(status=302, headers=closing)
    with pytest.raises(SourceRefusedError, match=r"mirror\.test is at 169\.254\.169\.254"):
        run_uv(guarded, Compilation("thing", TARGET), tmp_path)
    assert dns.queries == ["mirror.test", "mirror.test"]
    assert index.asked == ["thing"]


def test_the_organisations_proxy_is_used_with_its_login_and_never_for_plain_http(
    index: PackageIndex, settings: IndexSettings, tmp_path: Path
) -> None:
    index.add_wheel("thing", "1.0")
    with connect_proxy(index.server.port) as upstream:
        secret = upstream.url.replace("http://", "http://user:p%40ss@")
        environment = {**settings.environment, "HTTPS_PROXY": secret, "http_proxy": secret}
        proxied = replace(settings, environment=environment)
        result = run_uv(proxied, Compilation("thing", TARGET), tmp_path)
        assert versions(result) == {"thing": "1.0"}
        asked, headers = upstream.requests[0]
        assert asked == f"localhost:{index.server.port}"
        assert headers["Proxy-Authorization"] == "Basic dXNlcjpwQHNz"
        count = len(upstream.requests)
        index.answer("other", moved("https://169.254.169.254/"))
        with pytest.raises(SourceRefusedError, match="cloud metadata"):
            run_uv(proxied, Compilation("other", TARGET), tmp_path)
        names = {asked for asked, _ in upstream.requests[count:]}
        assert names == {f"localhost:{index.server.port}"}
