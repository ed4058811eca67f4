"""What Python's well-known functions do, by their dotted names, for `behaviour`.

`()` stands for what a call returns: `socket.socket().recv` is a method of what `socket.socket`
returns. A name that ends in `*` stands for all that begin like it.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache, lru_cache
from typing import ClassVar

CREDENTIALS = re.compile(
    r"\.(?:ssh|aws|azure|kube|gnupg|netrc|pypirc|npmrc|git-credentials|pgpass|bash_history"
    r"|zsh_history|[\w*]*\*_history|docker/config|config/gcloud|config/gh|mozilla|electrum|bitcoin|ethereum)\b"
    r"|\bid_(?:rsa|ed25519|ecdsa)\b|/etc/(?:passwd|shadow)|application_default_credentials"
    r"|Login Data|Local Storage|Local Extension Settings|leveldb|cookies\.sqlite|key[34]\.db"
    r"|logins\.json|User Data|Keychains?/|exodus|wallet\.dat|\bwallets?\b|MetaMask"
    r"|%(?=[A-Z0-9_]*(?:TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_KEY))[A-Z0-9_]+%"
    r"|[~%]/(?:Documents|Desktop|Pictures|Downloads)\b|/proc/(?:[^/]{0,40}/)?(?:mem|environ)\b|/proc/[^/]{0,40}/env?\*"
    r"|/run/secrets/|\.(?:config/git/credentials|vault-token|terraform\.d|databrickscfg|snowsql|s3cfg|boto)\b"
    r"|\.(?:cargo/credentials|gem/credentials|kaggle/kaggle\.json|huggingface/token|config/sops/age)\b"
    r"|\.cache/huggingface/token\b|\.config/(?:hub|rclone/rclone\.conf|op)\b|\.password-store\b"
    r"|profile_\w+/history\.sqlite\b|\.ipython/.*\bhistory\.sqlite\b"
    r"|\*\.(?:ipynb|csv|parquet|xlsx?|pem|key|kdbx|env)\b|(?:^|[/~])\.env(?:\*|\.(?:local|prod\w*|dev\w*))?$"
    r"|\*\*/\.?(?:secret|credential)\w*\*|(?://|^)169\.254\.(?:169\.254|170\.2)\b"
    r"|//metadata\.google\.internal\b|//\[fd00:ec2::254\]|jupyter[\\/]runtime\b|\b[jn][pb]server-[^/\s]*\.json"
    r"|~[^\n]{0,200}[\\/]cookies(?:\.\w+)?$",
    re.MULTILINE | re.IGNORECASE,
)
"""Texts that name where people and programs keep secrets, or a person's own files."""
LOOT = re.compile(
    r"\.(?:ssh/|gnupg/|bash_history|zsh_history|electrum|bitcoin|ethereum)|\bid_(?:rsa|ed25519|ecdsa)\b"
    r"|/etc/shadow|Login Data|Local Extension Settings|cookies\.sqlite|key[34]\.db|logins\.json"
    r"|User Data|Keychains?/|exodus|wallet\.dat|MetaMask|/tdata\b|/proc/(?:[^/]{0,40}/)?environ\b"
    r"|history\.sqlite\b|\.(?:python|psql|mysql|node_repl|sqlite|rediscli)_history\b|\.git-credentials\b"
    r"|\.config/git/credentials\b|\.password-store\b|\.config/sops/age\b"
    r"|(?:^|[/~])\.env(?:\*|\.(?:local|prod\w*|dev\w*))?$|^~[/\\](?:\*\*[/\\])?\*"
    r"|\*\*/\.?(?:secret|credential)\w*\*|~[^\n*]{0,100}\*[^\n]{0,100}[/\\]cookies(?:\.\w+)?$",
    re.IGNORECASE | re.MULTILINE,
)
"""Texts that name what thieves look for, and hardly any honest client sends."""
CREDENTIAL_FILES = re.compile(
    r"[/\\~]\.(?:aws[/\\](?:credentials|(?:cli|sso)[/\\]cache)|ssh[/\\]id_\w+|git-credentials|pypirc"
    r"|netrc|config[/\\](?:git[/\\]credentials|gcloud[/\\]\w*credentials|gh[/\\]hosts|sops[/\\]age"
    r"|rclone[/\\]rclone\.conf)|kube[/\\]config$|docker[/\\]config\.json|azure[/\\]\w*(?:[Tt]oken|profile)"
    r"|databrickscfg|vault-token|pgpass|s3cfg|cargo[/\\]credentials|gem[/\\]credentials"
    r"|terraform\.d[/\\]credentials|password-store|gnupg[/\\]|electrum|bitcoin|ethereum|(?:ba|z)sh_history)"
    r"|[/\\]application_default_credentials\.json|/etc/shadow\b|/Login Data\b"
    r"|Local Extension Settings"
    r"|[/\\](?:cookies\.sqlite|key[34]\.db|logins\.json|wallet\.dat)|Library/Keychains/|MetaMask"
    r"|/proc/(?:[^/]{0,40}/)?environ\b|[/\\]jupyter[/\\]runtime[/\\](?!kernel)[^/\\\n]*\.json"
    r"|^~[^*\n]*\*[^\n]*[/\\][Cc]ookies(?:\.\w+)?$"
    r"|^~[/\\](?:\*\*[/\\])?[^/\\\n*]{0,6}\*[^/\\.\n]{0,6}$"
    r"|\.(?:aws|ssh)[/\\](?:~|[^/\\\n]*[*\0])|%(?:AWS_SHARED_CREDENTIALS_FILE|NETRC)%"
)
"""Paths of files that hold what proves who somebody is, and those that are all of somebody's."""
CREDENTIAL_FOLDERS = re.compile(
    r"^~[/\\]*(?:$|\.(?:aws|ssh|gnupg|docker|kube|azure|config[/\\](?:gh|gcloud|git)|password-store)\b)"
)
"""Folders of such files."""
SECRET_COMMANDS = re.compile(
    r"\bnetsh\b.{0,20}\bwlan\b.{0,60}\bkey=clear|\bsecurity\b.{0,20}\bfind-(?:generic|internet)-password"
    r"|\bsecret-tool\b.{0,20}\b(?:lookup|search)|\bgpg2?\b.{0,40}--export-secret"
    r"|\bgcloud\b.{0,20}\bauth\b.{0,40}\bprint-\w+-token|\bgh\b.{0,5}\bauth\b.{0,5}\btoken"
    r"|\baz\b.{0,20}\baccount\b.{0,20}\bget-access-token|\bgit\b.{0,5}\bcredential\b.{0,5}\bfill"
    r"|\bkubectl\b.{0,40}\bget\b.{0,20}\bsecrets?\b|\baws\b.{0,20}\bconfigure\b.{0,20}\b(?:get|export)"
    r"|\bvault\b.{0,10}\bkv\b.{0,10}\bget|\bop\b.{0,5}\b(?:item|read)\b|\bnpm\b.{0,5}\btoken\b",
    re.IGNORECASE | re.DOTALL,
)
"""Commands that print secrets."""
IDENTITIES = re.compile(
    r"\.(?:aws/credentials|kube/config|npmrc|pypirc|docker/config|azure/|config/gh/hosts|kaggle/kaggle)"
    r"|application_default_credentials|huggingface/token|%(?:AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN"
    r"|NPM_TOKEN|NODE_AUTH_TOKEN|PYPI_(?:API_)?TOKEN|TWINE_PASSWORD|UV_PUBLISH_TOKEN|GITHUB_TOKEN"
    r"|GH_TOKEN|GITHUB_PAT|POETRY_PYPI_TOKEN_PYPI)%|"
    r"%(?:ACTIONS_ID_TOKEN_REQUEST_TOKEN|ACTIONS_RUNTIME_TOKEN|CI_JOB_JWT\w*|CI_JOB_TOKEN"
    r"|SYSTEM_ACCESSTOKEN|\w+_OIDC_TOKEN|CIRCLE_OIDC_TOKEN\w*|BUILDKITE_AGENT_ACCESS_TOKEN"
    r"|AWS_WEB_IDENTITY_TOKEN_FILE|AZURE_FEDERATED_TOKEN_FILE|AWS_CONTAINER_AUTHORIZATION_TOKEN)%"
    r"|/run/secrets/(?:kubernetes|eks|azure|tokens)|/serviceaccount/token\b"
)
"""Texts that name what proves to well-known services who somebody is, or which job of a CI."""
HOST_FACTS_TEXT = re.compile(r"%(?:USER|USERNAME|LOGNAME|HOSTNAME|COMPUTERNAME|USERDOMAIN)%")
AUTOSTART = re.compile(
    r"\.(?:bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zprofile|zshenv)\b"
    r"|\.(?:zlogin|inputrc|pdbrc|vimrc|Rprofile|xprofile|ssh[\\/]rc|envrc)\b|fish[\\/]conf|LaunchAgents|LaunchDaemons"
    r"|systemd/(?:user|system)/|/etc/(?:cron|init\.d|rc\.local|profile|environment)|/\.config/(?:autostart|environment\.d)"
    r"|\.pam_environment\b|plasma-workspace/env"
    r"|Start Menu.{0,40}Startup|CurrentVersion[\\/]+Run|(?:site|user)customize\.py"
    r"|profile_\w+[\\/]startup|activate\.d\b|/bin/activate\b|/etc/(?:ld\.so\.preload|pam\.d|bash_completion)"
    r"|[~%/\\]\.local[\\/]bin[\\/]|bash-completion[\\/]completions",
    re.IGNORECASE | re.DOTALL,
)
"""Where something that is to start again by itself is written."""
PERSONAL = re.compile(r"[~%][\\/](?:Documents|Desktop|Pictures|Downloads|Music|Videos)\b")
"""Folders of a person's own files."""
DROPS = re.compile(
    r"api\.telegram\.org/bot\d{5,}:[\w-]{10,}|discord(?:app)?\.com/api/webhooks/\d{5,}/[\w-]{10,}"
    r"|/api/webhooks/\d{5,}/[\w-]{5,}|/services/T\w{5,}/B\w{5,}/\w{5,}|//webhook\.site/[\w-]{8,}"
    r"|//(?:www\.)?(?:transfer\.sh|file\.io|0x0\.st|termbin\.com|(?:store\d*\.)?gofile\.io|bashupload\.com"
    r"|(?:api\.)?anonfiles?\.\w+|tmpfiles\.org|oshi\.at|catbox\.moe|temp\.sh|filebin\.net|pixeldrain\.com)\b"
    r"|\.(?:oast\.\w+|ngrok(?:-free)?\.(?:io|app|dev)|pipedream\.net|burpcollaborator\.net"
    r"|interact\.sh|requestbin\.\w+|beeceptor\.com|trycloudflare\.com)\b"
    r"|\bbot\d{8,}:AA[\w-]{10,}|\bgh[pousr]_[A-Za-z0-9]{5,}|\bgithub_pat_\w{5,}|\bglpat-[\w-]{5,}"
    r"|\bxox[abps]-[\w-]{10,}",
    re.IGNORECASE,
)
"""Addresses with a key in them, and keys, that lead to one person or away from who is behind."""
TOOL_SETTINGS = re.compile(
    r"(?:^|[~%/\\])(?:pip[\\/]pip\.(?:conf|ini)|\.pip[\\/]pip\.conf|pip\.(?:conf|ini)|\.gitconfig|\.condarc"
    r"|\.npmrc|uv[\\/]uv\.toml|\.git[\\/]hooks|\.github[\\/]workflows[\\/]|\.jupyter[\\/]jupyter_\w+\.(?:py|json)"
    r"|\.ssh[\\/](?:authorized_keys|config)|\.aws[\\/](?:config|models|cli[\\/]alias)|git[\\/]config\b"
    r"|\.jupyter[\\/](?:custom|\w+\.d)[\\/]|\.docker[\\/]config\.json|\.kube[\\/]config|kernels[\\/][\w.-]+[\\/]kernel\.json"
    r"|\.cursor[\\/]mcp\.json|\.claude(?:\.json|[\\/]settings[\w.]*\.json)|\.gemini[\\/]settings\.json"
    r"|claude_desktop_config\.json)",
    re.IGNORECASE,
)
"""Where it is written how a user's tools and agents work, and who may log in."""
HOME_OR_ROOT = re.compile(
    r"(?:~|/|/home|/Users|%(?:USERPROFILE|HOME|SYSTEMROOT|SYSTEMDRIVE)%|[A-Z]:[\\/]*)[\\/*]*"
    r"|[~%][\\/](?:Documents|Desktop|Pictures|Downloads).*"
)

FETCH = r"(?:curl|wget|iwr|invoke-webrequest|invoke-restmethod|bitsadmin|certutil|lwp-download)\b"
SHELL = r"(?:(?:ba|z|da|k|a)?sh|python[0-9.]*|perl|ruby|node|iex|php)\b"
COMMANDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (rule, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for rule, pattern in (
        (
            "runs-downloaded-code",
            rf"\b{FETCH}.{{1,300}}?\|\s*(?:sudo\s+)?(?:\S*/)?{SHELL}"
            rf"|\b{FETCH}.{{1,300}}?(?:&&|;|\n)\s*(?:chmod\b.{{1,200}}?(?:&&|;)\s*)?(?:{SHELL}|\./|/tmp/)"
            rf"|<\(\s*{FETCH}|\$\(\s*{FETCH}|\biex\b.{{0,100}}?(?:downloadstring|{FETCH})"
            r"|\bmshta\s+https?:|\bregsvr32\b.{0,100}/i:http",
        ),
        (
            "installs-another-package",
            r"\bpip[0-9.]*\b.{0,100}?\binstall\b.{0,300}?"
            r"(?:--(?:extra-)?index-url|--trusted-host|-i\s+http|https?://|git\+)",
        ),
        (
            "opens-a-reverse-shell",
            r"/dev/(?:tcp|udp)/(?!127\.|localhost\b)|\b(?:nc|ncat|netcat)\b.{0,80}?\s-[a-z]*e\b|\bsocat\b.{0,80}?exec:",
        ),
        (
            "runs-a-hidden-command",
            r"\b(?:powershell|pwsh)\b.{0,200}?\s-e(?:nc?|c|ncodedcommand)?\s+[a-z0-9+/=]{16}"
            r"|\b(?:powershell|pwsh)\b.{0,200}?-w(?:in|indowstyle)?\s+(?:hidden|1)\b",
        ),
        (
            "starts-again-by-itself",
            r"\bcrontab\s+-(?:\s|$)|\|\s*crontab\b|\bsystemctl\b.{0,40}?\benable\b"
            r"|\bschtasks\b.{0,60}?/create|\blaunchctl\s+(?:load|bootstrap)"
            r"|\breg(?:\.exe)?\s+add\b.{0,200}?\\run\b",
        ),
        (
            "destroys-files",
            r"\brm\s+-[a-z]*r[a-z]*\s+(?:-\S+\s+)*(?:/|~|\$HOME|/\*|~/\*)(?:\s|$)"
            r"|--no-preserve-root|\b(?:del|rd|rmdir)\s+/s\b.{0,40}?(?:%userprofile%|c:\\(?:\s|$))"
            r"|\bmkfs\.|\bdd\s+if=/dev/(?:zero|random|urandom)\s+of=/dev/",
        ),
        (
            "acts-in-the-cloud",
            r"\baws\s[^|;&]{0,60}?\b(?:s3\s+r[bm]|(?:delete|terminate|run|create|put|attach)-\w+)\b"
            r"|\bkubectl\s[^|;&]{0,60}?\bdelete\b|\bterraform\s[^|;&]{0,40}?\b(?:destroy|apply)\b"
            r"|\b(?:gcloud|az|gsutil)\s[^|;&]{0,80}?\b(?:delete|rm|create)\b",
        ),
        (
            "changes-tools",
            r"\bpip[0-9.]*\b.{0,40}?\bconfig\b.{0,20}?\bset\b|\bgit\b.{0,20}?\bconfig\b.{0,20}?--(?:global|system)"
            r"|\bnpm\s+config\s+set\b",
        ),
        (
            "mines",
            r"stratum\+(?:tcp|ssl|tls)://|\bxmrig\b|\bminerd\b|--cpu-max-threads-hint"
            r"|\s-o\s+\S*\bpool\.\S+:\d{2,5}\b",
        ),
        (
            "sends-secrets",
            r"\baws\s+s3\s+(?:cp|sync|mv)\b.{0,100}?(?:\s~|\$\{?HOME\}?|\s/home)/?\s.{0,80}?s3://"
            r"|(?:^|[;&|(])\s*(?:env|printenv)\s*\|\s*(?:curl|nc|ncat)\b"
            r"|(?:~|\$HOME)/\.(?:aws|ssh|kube|gnupg|netrc)\b.{0,80}?\|\s*(?:curl|nc|ncat)\b"
            r"|\bgit\s[^|;&]{0,80}?\b(?:push|remote\s+(?:add|set-url))\s[^|;&]{0,120}?"
            r"(?:https?://|git@|ssh://)"
            r"|\b(?:claude|gemini|codex|q)\b.{0,60}?(?:--dangerously-skip-permissions|--yolo"
            r"|--trust-all-tools|--dangerously-bypass-approvals-and-sandbox)",
        ),
        (
            "starts-a-bundled-program",
            rf"(?:^|[;&|]\s*|\bnohup\s+)(?:(?:\S*/)?{SHELL}\s+(?:-\w+\s+)*)?"
            r"/(?:var/tmp|tmp|dev/shm)/[\w./-]+(?=\s|$|[;&|])",
        ),
        ("publishes-packages", r"\btwine\s+upload\b|\b(?:npm|yarn|poetry|flit|uv)\s+publish\b"),
    )
)
"""By what they do, the commands that nothing honest gives when it is installed or imported."""
INTERPRETERS = re.compile(
    r"(?:.*/)?(?:(?:ba|z|da|k|a)?sh|python[0-9.]*w?|pwsh|powershell|cmd|node|perl|ruby|php|wscript"
    r"|cscript|mshta|rundll32|regsvr32|start|nohup|sudo|env)(?:\.exe)?",
    re.IGNORECASE,
)
"""Programs that run what they are given; others, such as `tar`, only use it."""
PRINTS_ENVIRONMENT = re.compile(
    r"(?:\S*/)?(?:env|printenv)(?:\s*$|\s*[|>;&])|(?:cmd(?:\.exe)?\s+/c\s+)?set\s*$"
)
"""Commands that only show the environment."""
SENDERS = re.compile(
    r"\b(?:curl|wget|nslookup|dig|nc|ncat|ping|invoke-restmethod|iwr|scp|sftp|rclone|socat)\b"
    r"|\bgh\s+(?:gist|repo|release)\b|\baws\s+s3\s+(?:cp|sync|mv)\b|\bgsutil\b"
    r"|\bopenssl\s+s_client\b|\bhuggingface-cli\s+upload\b",
    re.IGNORECASE,
)


_STEP = re.compile(r"[.(\[]")


class Table:
    """A set of dotted names."""

    known: ClassVar[list["Table"]] = []
    """All tables."""

    def __init__(
        self, names: Collection[str], roots: Collection[str] = (), verbs: tuple[str, ...] = ()
    ) -> None:
        """Take names.

        Args:
            names: one that ends in `*` stands for all that begin like it.
            roots: packages of which all functions belong here that begin like a verb.
            verbs: how they begin.
        """
        self._roots = frozenset(roots)
        self._verbs = verbs
        self.known.append(self)
        self._names = frozenset(name for name in names if not name.endswith("*"))
        self._beginnings = tuple(name[:-1] for name in names if name.endswith("*"))

    def __contains__(self, name: str) -> bool:
        if name in self._names or name.startswith(self._beginnings):
            return True
        first, _, rest = name.partition(".")
        return first in self._roots and rest.rpartition(".")[2].startswith(self._verbs)

    def begins(self) -> Iterator[str]:
        """Yield what names begin with that are in it, up to each dot and bracket."""
        yield from self._roots
        for name in (*self._names, *self._beginnings):
            yield name
            yield from (name[: each.start()] for each in _STEP.finditer(name))


@lru_cache(maxsize=2**14)
def with_name(name: str) -> frozenset[Table]:
    """Give the tables that have a name; most names, which come again and again, are in none."""
    return frozenset(table for table in Table.known if name in table)


def may_become_known(name: str) -> bool:
    """Whether a table names this, or something that begins with it."""
    return name in _beginnings()


@cache
def _beginnings() -> frozenset[str]:
    return frozenset(begin for table in Table.known for begin in table.begins())


def with_any(names: Iterable[str]) -> frozenset[Table]:
    """Give the tables that have one of these names."""
    return frozenset().union(*map(with_name, names))


_HTTP = (
    *("requests", "requests.api", "requests.Session()", "requests.session()"),
    *("requests.sessions.Session()", "httpx", "httpx.Client()", "httpx.AsyncClient()"),
    *("cloudscraper.create_scraper()", "curl_cffi.requests", "curl_cffi.requests.Session()"),
    *("pip._vendor.requests", "pip._vendor.requests.Session()", "botocore.vendored.requests"),
    *("niquests", "niquests.Session()", "treq", "grequests", "aiohttp", "aiohttp.ClientSession()"),
    *("httplib2.Http()", "requests_html.HTMLSession()", "urllib3"),
)
_POOLS = tuple(
    f"{module}.{name}()"
    for module in ("urllib3", "pip._vendor.urllib3")
    for name in (
        *("PoolManager", "ProxyManager", "HTTPConnectionPool", "HTTPSConnectionPool"),
        *("connection_from_url", "poolmanager.PoolManager", "PoolManager().connection_from_url"),
        *("PoolManager().connection_from_host", "proxy_from_url"),
    )
)
_METHODS = ("get", "post", "put", "patch", "delete", "request", "head", "stream")
_SOCKETS = (
    *("socket.socket()", "socket.create_connection()", "ssl.wrap_socket()"),
    *("ssl.SSLContext().wrap_socket()", "ssl.create_default_context().wrap_socket()"),
)
_QUEUES = (
    *("zmq.Context().socket()", "zmq.Context.instance().socket()", "zmq.Socket()"),
    *("zmq.asyncio.Context().socket()", "zmq.green.Context().socket()"),
)
_CONNECTIONS = ("http.client.HTTPSConnection()", "http.client.HTTPConnection()")
_REQUESTS = (
    *(f"{client}.{method}" for client in _HTTP for method in _METHODS),
    *("urllib.request.urlopen", "urllib.urlopen", "urllib2.urlopen", "urllib3.request"),
    *(f"{p}.{m}" for p in _POOLS for m in ("request*", "urlopen")),
    *("urllib.request.build_opener().open", "urllib.request.OpenerDirector().open"),
    *("urllib.request.URLopener().open*", "urllib.request.FancyURLopener().open*"),
    *("requests.sessions.Session.request", "requests.Session().send", "httpx.Client().send"),
    *("websocket.create_connection", "aiohttp.request"),
    *(f"{connection}.request" for connection in _CONNECTIONS),
    *("tornado.httpclient.HTTPClient().fetch", "tornado.httpclient.AsyncHTTPClient().fetch"),
    *(f"pandas.read_{kind}" for kind in ("csv", "table", "json", "html", "xml", "fwf")),
)
_OF_AWS = tuple(
    f"{client}."
    for session in ("boto3", "boto3.Session()", "boto3.session.Session()")
    for client in (f"{session}.client()", f"{session}.resource()")
)

RECEIVES = Table(
    (
        *_REQUESTS,
        *("urllib.request.urlretrieve", "urllib.urlretrieve", "wget.download"),
        *(f"{connection}.getresponse" for connection in _CONNECTIONS),
        *(f"{each}.{method}" for each in _SOCKETS for method in ("recv*", "makefile", "read")),
        *(f"{each}.recv*" for each in _QUEUES),
        *("imaplib.IMAP4().fetch", "imaplib.IMAP4_SSL().fetch", "poplib.POP3().retr"),
        *("poplib.POP3_SSL().retr", "ftplib.FTP().retrlines", "telnetlib.Telnet().read*"),
        *("xmlrpc.client.ServerProxy().*", "multiprocessing.connection.Client().recv*"),
        *("redis.Redis().get", "redis.StrictRedis().get", "redis.from_url().get"),
        *("redis.Redis().blpop", "pika.BlockingConnection().channel().basic_get"),
        *("kafka.KafkaConsumer().poll", "paho.mqtt.subscribe.simple", "pynng.Sub0().recv*"),
        *("websocket.WebSocket().recv*", "websocket.create_connection().recv*"),
        *("websockets.sync.client.connect().recv*", "paramiko.SSHClient().open_sftp().open"),
        *("ftplib.FTP().retrbinary", "dns.resolver.resolve", "dns.resolver.query"),
        *("asyncio.open_connection().read", "asyncio.open_connection().readline"),
        *(f"{client}download_file*" for client in _OF_AWS),
        *(f"{client}get_object" for client in _OF_AWS),
        *("fsspec.open().open().read", "fsspec.open().read"),
        *("websockets.sync.client.connect", "websockets.connect", "websockets.client.connect"),
        *(
            "huggingface_hub.hf_hub_download",
            "huggingface_hub.snapshot_download",
            "gdown.download*",
        ),
        *("pooch.retrieve", "kagglehub.*_download", "smart_open.open", "web3.Web3().eth.*"),
        *(
            "ipfshttpclient.connect().*",
            "fsspec.filesystem().cat*",
            "solana.rpc.api.Client().get_*",
        ),
    )
)
"""Calls that give what comes from the network."""
SENDS = Table(
    (
        *_REQUESTS,
        *(f"{each}.{method}" for each in _SOCKETS for method in ("send*", "write")),
        *(f"{connection}.{end}" for connection in _CONNECTIONS for end in ("send", "put*")),
        *("imaplib.IMAP4().append", "imaplib.IMAP4_SSL().append", "nntplib.NNTP().post"),
        *("smtplib.SMTP().data", "smtplib.SMTP_SSL().data", "telnetlib.Telnet().write"),
        *("smtplib.LMTP().send*", "ftplib.FTP_TLS().storlines"),
        *("asyncio.get_event_loop().sock_send*", "asyncio.get_running_loop().sock_send*"),
        *("websockets.connect().send", "websockets.sync.client.connect().send"),
        *("pycurl.Curl().setopt", "logging.handlers.HTTPHandler().*"),
        *("logging.handlers.SMTPHandler().*", "logging.handlers.SocketHandler().*"),
        *("logging.handlers.DatagramHandler().*", "logging.handlers.SysLogHandler().*"),
        *("smtplib.SMTP().sendmail", "smtplib.SMTP().send_message"),
        *("smtplib.SMTP_SSL().sendmail", "smtplib.SMTP_SSL().send_message"),
        *("ftplib.FTP().storbinary", "ftplib.FTP().storlines", "ftplib.FTP_TLS().storbinary"),
        *("paramiko.SSHClient().open_sftp().put*", "telebot.TeleBot().*", "telegram.Bot().*"),
        "paramiko.SFTPClient.from_transport().put*",
        *("aiosmtplib.send", "aiosmtplib.SMTP().send*", "pysftp.Connection().put*"),
        *("scp.SCPClient().put*", "fabric.Connection().put"),
        *("web3.Web3().eth.send_*", "solana.rpc.api.Client().send_*", "httplib2.Http().request"),
        *("solana.rpc.async_api.AsyncClient().send_*", "websocket.WebSocket().connect"),
        *("websocket.WebSocket().send*", "websocket.WebSocketApp().send*"),
        *("discord.SyncWebhook.from_url().send", "dhooks.Webhook().send"),
        *("discord_webhook.DiscordWebhook", "websocket.create_connection().send"),
        *("asyncio.open_connection().write", "asyncio.open_connection().writelines"),
        *(f"{each}.makefile().write*" for each in _SOCKETS),
        *("xmlrpc.client.ServerProxy().*", "multiprocessing.connection.Client().send*"),
        *("webbrowser.open*", "webbrowser.get().open*", "lxml.html.open_http_urllib"),
        "lxml.html.submit_form",
        *(
            f"{commands}.command.{name}.{name}().{method}"
            for commands in ("distutils", "setuptools", "setuptools._distutils")
            for name, method in (("register", "post_to_server"), ("upload", "upload_file"))
        ),
        *(
            f"{client}{verb}*"
            for client in _OF_AWS
            for verb in ("put_", "upload_", "send_", "publish", "invoke")
        ),
    )
)
"""Calls that send their arguments to the network."""
DELIVERS = Table(
    (
        *("posthog.capture", "posthog.identify", "analytics.track", "segment.analytics.track"),
        *("sentry_sdk.set_context", "sentry_sdk.set_extra", "sentry_sdk.set_tag*"),
        *("sentry_sdk.capture_message", "sentry_sdk.add_breadcrumb", "sentry_sdk.set_user"),
        *("mlflow.log_*", "mlflow.set_tag*", "wandb.log", "wandb.init", "wandb.config.update"),
        *("pymongo.MongoClient().*", "redis.Redis().*", "redis.StrictRedis().*"),
        *("paho.mqtt.publish.single", "paho.mqtt.publish.multiple"),
        *("paho.mqtt.client.Client().publish", "yagmail.SMTP().send", "kafka.KafkaProducer().send"),
        *("slack_sdk.WebClient().*", "apprise.Apprise().notify", "mixpanel.Mixpanel().track"),
        *("huggingface_hub.HfApi().upload_*", "huggingface_hub.upload_*"),
    ),
    roots=("s3fs", "gcsfs", "adlfs", "fsspec", "smart_open", "google", "azure", "minio", "oss2",
           "cloudpathlib", "dropbox", "pydrive", "pydrive2", "yagmail", "smbclient"),
    verbs=("put", "upload", "pipe", "write", "send", "fput", "insert", "publish", "files_upload"),
)  # fmt: skip
"""Calls that bring their arguments to a service, whose own key does not count as what is sent."""
PUSHES = Table((), roots=("git", "dulwich", "pygit2"), verbs=("push",))
"""Calls that bring a repository to another place."""
_CHANGES = (
    *("delete", "terminate", "run_", "create_", "put_", "attach_", "modify_", "copy_object"),
    *("update_", "start_", "stop_", "restore_", "schedule_", "purge", "request_spot"),
)
CHANGES_THE_CLOUD = Table(
    tuple(
        f"botocore.session.{session}().create_client().{verb}*"
        for session in ("get_session", "Session")
        for verb in _CHANGES
    ),
    roots=("boto3", "aioboto3"),
    verbs=_CHANGES,
)
"""Calls that remove, change or pay for something in an account of AWS."""
RESOURCES = Table(
    ("importlib.resources.files", "importlib.resources.read_*", "importlib.resources.open_*",
     "importlib_resources.files", "pkgutil.get_data", "pkg_resources.resource_*")
)  # fmt: skip
"""Calls that give files of the package that they are given the name of."""
SHOWS = Table(
    tuple(
        f"IPython.{module}.{kind}"
        for module in ("display", "core.display")
        for kind in ("HTML", "Image", "IFrame", "Javascript", "SVG", "Markdown")
    )
)
"""Calls that hand something to the browser of a notebook."""
STEALS_IN_BROWSER = re.compile(
    r"document\.cookie|jupyter-config-data|PageConfig\.get\w+\(['\"]token|localStorage"
)
INTERCEPTS = Table(
    (
        *("sys.addaudithook", "sys.setprofile", "sys.settrace", "gc.callbacks.append"),
        *("threading.settrace*", "threading.setprofile*", "sqlalchemy.event.listen"),
        *("sys.monitoring.register_callback", "logging.setLogRecordFactory", "copyreg.pickle"),
        *("sqlalchemy.event.listens_for", "boto3.DEFAULT_SESSION.events.register*"),
        *("boto3.Session().events.register*", "botocore.session.get_session().register"),
        *("IPython.get_ipython().events.register", "get_ipython().events.register"),
    )
)
"""Calls that give a function all that other packages, or the cells of a notebook, do."""
FOREIGN_CALLS = Table(
    ("ctypes.CDLL()[]", "ctypes.PyDLL()[]", "ctypes.pythonapi.PyObject_Call*",
     "ctypes.pythonapi.PyImport_*", "ctypes.pythonapi.PyEval_*", "ctypes.PyDLL().PyObject_Call*",
     "pdb.Pdb().default", "pdb.Pdb().onecmd", "pkg_resources.run_script",
     "pkg_resources.get_distribution().run_script")
)  # fmt: skip
"""Calls of a function that a name tells, which another language looks up, or a debugger."""
ALWAYS_FETCHES = Table(("torch.hub.load", "logging.config.listen"))
"""Calls that run code of the network, whatever they are given."""
EXTENDS_PATH = Table(("sys.path.insert", "sys.path.append", "site.addsitedir"))
NOISE = Table(("os.urandom", "secrets.token_bytes", "random.randbytes"))
SETS_TOOLS = Table(
    (
        "pip._internal.configuration.Configuration().set_value",
        "traitlets.config.manager.BaseJSONConfigManager().update",
    )
)
SCHEDULES = Table(("crontab.CronTab().new",))
NETWORK_LOG = re.compile(r"\b(?:HTTP|SMTP|Socket|Datagram)Handler\b")
NETWORK_LOGS = Table(
    tuple(
        f"logging.handlers.{kind}Handler"
        for kind in ("HTTP", "SMTP", "Socket", "Datagram", "SysLog")
    )
)
"""Handlers that send what is logged to another machine."""
EVALUATES_ANNOTATIONS = Table(
    ("typing.get_type_hints", "inspect.get_annotations", "typing_extensions.get_type_hints",
     "inspect.signature", "typing.ForwardRef", "annotationlib.ForwardRef")
)  # fmt: skip
"""Of objects whose types are written as texts, as nearly all are: seldom is one fetched."""
EVALUATES_TEXT = Table(
    ("sympy.sympify", "sympy.S", "sympy.parse_expr", "sympy.parsing.sympy_parser.parse_expr",
     "pandas.DataFrame().query", "pandas.DataFrame().eval", "pandas.eval")
)  # fmt: skip
"""Calls that evaluate a text as Python, in which names stand for something else as well."""
LOOKS_UP = Table(
    (
        *("socket.gethostbyname", "socket.gethostbyname_ex", "socket.getaddrinfo"),
        *("dns.resolver.resolve", "dns.resolver.query"),
        *("dns.resolver.Resolver().resolve", "dns.resolver.Resolver().query"),
        *("dns.resolver.resolve_at", "dns.asyncresolver.resolve", "dns.message.make_query"),
        *("aiodns.DNSResolver().query", "socket.gethostbyaddr", "socket.getnameinfo"),
        *("socket.getfqdn", "asyncio.get_running_loop().getnameinfo"),
        *("asyncio.get_event_loop().getaddrinfo", "asyncio.get_running_loop().getaddrinfo"),
        *("socket.socket().connect", "socket.create_connection", "socket.socket().connect_ex"),
        *("asyncio.open_connection", "ssl.get_server_certificate"),
        *(
            "http.client.HTTPConnection",
            "http.client.HTTPSConnection",
            "ftplib.FTP",
            "smtplib.SMTP",
        ),
        *(
            "smtplib.SMTP_SSL",
            "telnetlib.Telnet",
            "poplib.POP3",
            "imaplib.IMAP4",
            "imaplib.IMAP4_SSL",
        ),
    )
)
"""Calls that ask name servers for their argument."""
CONNECTS = Table(("socket.socket().connect", "socket.create_connection"))
DECODES = Table(
    (
        *(f"base64.{name}" for name in ("b64decode", "b32decode", "b16decode", "b85decode",
                                        "a85decode", "standard_b64decode", "urlsafe_b64decode",
                                        "decodebytes", "decodestring")),
        *("codecs.decode", "bytes.fromhex", "bytearray.fromhex", "binascii.unhexlify"),
        *("binascii.a2b_hex", "binascii.a2b_base64", "zlib.decompress", "lzma.decompress"),
        *("bz2.decompress", "gzip.decompress", "marshal.loads", "chr", "Crypto.Cipher.*"),
        *("zlib.decompressobj().decompress", "bz2.BZ2Decompressor().decompress"),
        *("lzma.LZMADecompressor().decompress", "brotli.decompress", "zstandard.decompress"),
        *("zstandard.ZstdDecompressor().decompress", "compression.zlib.decompress"),
        *("cryptography.fernet.Fernet().decrypt", "stegano.*", "judyb.*", "lsb.reveal"),
        *("uuid.UUID().bytes*", "ipaddress.ip_address().packed", "ipaddress.IPv4Address().packed"),
        *("gettext.gettext", "gettext.GNUTranslations().gettext", "struct.pack"),
        "gettext.translation().gettext",
        *("PIL.Image.open().getdata", "PIL.Image.open().getpixel", "wave.open().readframes"),
    )
)  # fmt: skip
"""Calls that make something readable of what is not."""
DECODES_TEXT = Table(
    ("base64.b64decode", "base64.b32decode", "base64.b16decode", "base64.b85decode",
     "base64.a85decode", "base64.standard_b64decode", "base64.urlsafe_b64decode",
     "base64.decodebytes", "codecs.decode", "bytes.fromhex", "bytearray.fromhex",
     "binascii.unhexlify", "binascii.a2b_hex", "binascii.a2b_base64")
)  # fmt: skip
"""Those of them that decode what is written as text."""
HOST_FACTS = Table(
    ("socket.gethostname", "socket.getfqdn", "getpass.getuser", "os.getlogin", "platform.node",
     "platform.uname", "os.uname", "uuid.getnode", "os.getcwd", "psutil.users", "pwd.getpwall",
     "psutil.net_if_addrs", "psutil.process_iter")
)  # fmt: skip
SECRETS = Table(
    ("botocore.session.Session().get_component().load_credentials",
     "botocore.session.get_session().get_component().load_credentials",
     "botocore.credentials.create_credential_resolver().load_credentials",
     "boto3.Session().get_credentials", "boto3.session.Session().get_credentials",
     "botocore.session.get_session().get_credentials", "botocore.session.Session().get_credentials",
     "botocore.session.Session().full_config", "botocore.session.get_session().full_config",
     "boto3._get_default_session().get_credentials", "psutil.Process().environ",
     "psutil.process_iter()[].environ", "readline.get_history_item",
     "boto3.client()._request_signer*", "boto3.client().get_session_token",
     "boto3.client().get_authorization_token", "wsgiref.handlers.read_environ",
     "wsgiref.handlers.BaseHandler.os_environ",
     "keyring.get_password", "keyring.get_credential", "posix.environ", "getpass.getpass",
     "kubernetes.client.CoreV1Api().read_namespaced_secret", "prefect.blocks.system.Secret.load",
     "hvac.Client().secrets.*", "hvac.Client().read", "airflow.models.Variable.get",
     "airflow.hooks.base.BaseHook.get_connection", "dbutils.secrets.get",
     "google.colab.userdata.get", "ipykernel.connect.get_connection_info",
     "ipykernel.get_connection_info", "ipykernel.connect.get_connection_file",
     "kaggle_secrets.UserSecretsClient().get_secret", "boto3.client().get_secret_value",
     "azure.keyvault.secrets.SecretClient().get_secret", "netrc.netrc", "secretstorage.*",
     "google.cloud.secretmanager.SecretManagerServiceClient().access_secret_version",
     "botocore.utils.InstanceMetadataFetcher().retrieve_iam_role_credentials",
     "botocore.utils.ContainerMetadataFetcher().retrieve_*", "ec2_metadata.ec2_metadata.iam_*",
     "boto3.client().create_access_key", "boto3.Session().client().create_access_key",
     "huggingface_hub.get_token", "gc.get_objects", "__main__.__dict__",
     "requests.utils.get_netrc_auth", "pip._internal.configuration.Configuration",
     "pip._internal.network.auth.*", "jupyter_server.serverapp.list_running_servers",
     "notebook.notebookapp.list_running_servers",
     *(f"botocore.credentials.{name}*" for name in (
         "CredentialResolver", "create_credential_resolver", "EnvProvider", "ConfigProvider",
         "SharedCredentialProvider", "ProfileProviderBuilder", "AssumeRoleProvider",
         "ProcessProvider", "SSOProvider", "ContainerProvider", "InstanceMetadataProvider")))
)  # fmt: skip
"""Calls and names that give credentials, or all that a program holds."""
ALL_SECRETS = Table(
    ("kubernetes.client.CoreV1Api().list_secret_for_all_namespaces",
     "kubernetes.client.CoreV1Api().list_namespaced_secret", "rookiepy.*", "browser_cookie3.*",
     "win32crypt.CryptUnprotectData", "win32cred.CredEnumerate",
     "secretstorage.get_all_collections",
     "boto3.client().list_secrets", "boto3.client().batch_get_secret_value",
     "boto3.client().get_parameters_by_path", "boto3.Session().client().list_secrets",
     "google.cloud.secretmanager.SecretManagerServiceClient().list_secrets",
     "azure.keyvault.secrets.SecretClient().list_properties_of_secrets",
     "hvac.Client().secrets.kv.v2.list_secrets", "hvac.Client().secrets.kv.v1.list_secrets",
     "hvac.Client().secrets.kv.list_secrets", "dbutils.secrets.list",
     "airflow.models.Variable.get_all",
     "IPython.core.history.HistoryAccessor", "IPython.core.history.HistoryManager",
     *(f"{shell}.{held}*" for shell in ("IPython.get_ipython()", "get_ipython()")
       for held in ("user_ns", "history_manager.get", "history_manager.search")))
)  # fmt: skip
"""Calls that give all secrets of somebody, which hardly any honest client sends."""
WALKS = Table(("os.walk", "os.scandir", "os.listdir", "glob.glob", "glob.iglob"))
"""Calls that give what is in a folder."""
ENCODES = Table(
    (
        *(f"base64.{name}" for name in ("b64encode", "b32encode", "b16encode", "b85encode",
                                        "a85encode", "standard_b64encode", "urlsafe_b64encode",
                                        "encodebytes", "encodestring")),
        *("binascii.hexlify", "binascii.b2a_hex", "binascii.b2a_base64", "codecs.encode"),
    )
)  # fmt: skip
"""Calls that write something so that nobody can read it at once."""
READS_OTHERS = Table(
    ("ctypes.CDLL().process_vm_readv", "ctypes.windll.kernel32.ReadProcessMemory",
     "ctypes.WinDLL().ReadProcessMemory")
)  # fmt: skip
"""Calls that read the memory of other processes."""
ENDS = Table(
    ("os.kill", "os.killpg", "os._exit", "os.abort", "signal.raise_signal", "ctypes.string_at",
     "faulthandler._sigsegv", "psutil.Process().kill", "psutil.Process().terminate")
)  # fmt: skip
"""Calls that end a program at once, without a word."""
_COMPILERS = tuple(
    (f"{package}.{module}", compiler)
    for package in ("distutils", "setuptools._distutils")
    for module, compiler in (("unixccompiler", "UnixCCompiler"), ("ccompiler", "CCompiler"))
)
STARTS = Table(
    (
        *("os.system", "os.popen", "os.startfile", "pty.spawn", "commands.getoutput"),
        *("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.Popen"),
        *("subprocess.check_output", "subprocess.getoutput", "subprocess.getstatusoutput"),
        *("_posixsubprocess.fork_exec", "multiprocessing.util.spawnv_passfds", "pexpect.spawn*"),
        *("pexpect.run*", "ptyprocess.PtyProcess.spawn", "invoke.run", "sh.bash", "sh.sh"),
        *(
            "numpy.distutils.exec_command.exec_command",
            "test.support.script_helper.assert_python_ok",
        ),
        *("IPython.utils.process.system", "IPython.utils.process.getoutput*", "anyio.run_process"),
        *("os.exec*", "os.spawn*", "os.posix_spawn*", "asyncio.create_subprocess_*"),
        *("imaplib.IMAP4_stream", "pydoc.pipepager", "pydoc.tempfilepager"),
        *("webbrowser.GenericBrowser", "webbrowser.BackgroundBrowser", "distutils.spawn.spawn"),
        *("IPython.get_ipython().system*", "IPython.get_ipython().getoutput*"),
        *("get_ipython().system*", "get_ipython().getoutput*", "setuptools._distutils.spawn.spawn"),
        *("ctypes.CDLL().system", "ctypes.cdll.LoadLibrary().system", "ctypes.CDLL().popen"),
        *("asyncio.get_running_loop().subprocess_*", "asyncio.get_event_loop().subprocess_*"),
        *("_osx_support._read_output", "psutil.Popen", "asyncio.subprocess.create_subprocess_*"),
        *(f"{module}.{compiler}().spawn" for module, compiler in _COMPILERS),
    )
)
"""Calls that start a program."""
PIPES = Table(
    ("subprocess.Popen().communicate", "subprocess.Popen().stdin.write", "os.popen().write")
)
"""Calls that give a program that was started its input."""
_WATCHED = tuple(
    f"{tool}().{method}"
    for tool in ("profile.Profile", "cProfile.Profile", "trace.Trace")
    for method in ("run", "runctx")
)
RUNS = Table(
    (*_WATCHED, "_xxsubinterpreters.run_string", "_interpreters.exec", "_testcapi.run_in_subinterp",
     "exec", "eval", "types.FunctionType", "types.FunctionType()", "runpy.run_path",
     "code.InteractiveInterpreter().run*", "code.InteractiveConsole().*", "code.interact",
     "timeit.timeit", "timeit.repeat", "timeit.Timer", "timeit.main", "runpy._run_code",
     "cProfile.run*", "profile.run*", "pdb.run*",
     "bdb.Bdb().run*", "IPython.get_ipython().run_cell*", "IPython.get_ipython().ex",
     "get_ipython().run_cell*", "get_ipython().ex", "ctypes.pythonapi.PyRun_*",
     "ctypes.PyDLL().PyRun_*", "typing._eval_type", "typing.ForwardRef", "annotationlib.ForwardRef",
     "typing_extensions.evaluate_forward_ref", "typing.evaluate_forward_ref",
     "bdb.Bdb().runcall",
     "doctest.DocTestRunner().run", "doctest.run_docstring_examples",
     "doctest.DocTestParser().get_doctest", "doctest.script_from_examples")
)  # fmt: skip
"""Calls that run their argument as Python."""
RUNS_THE_FIRST = Table((*_WATCHED, "cProfile.run*", "profile.run*", "pdb.run*", "bdb.Bdb().run*"))
"""Those of them whose other arguments are no code."""
LOADS = Table(
    ("pickle.loads", "pickle.load", "marshal.loads", "dill.loads",
     "multiprocessing.reduction.ForkingPickler.load*", "ctypes.CDLL", "ctypes.WinDLL",
     "joblib.load", "cloudpickle.load", "cloudpickle.loads",
     "ctypes.cdll.LoadLibrary", "ctypes.windll.LoadLibrary", "imp.load_source", "os.startfile",
     "importlib.import_module", "importlib.util.spec_from_file_location", "runpy.run_path",
     "importlib.machinery.SourceFileLoader", "sys.path.insert", "sys.path.append",
     "zipimport.zipimporter")
)  # fmt: skip
"""Calls that run what is in the file or the data that they are given."""
_RUNS_A_FILE = (
    "doctest.testfile",
    "tkinter.Tcl().evalfile",
    "tkinter.Tk().evalfile",
    "tkinter.Tcl().tk.evalfile",
    "tkinter.Tk().tk.evalfile",
    "get_ipython().safe_execfile*",
    "IPython.get_ipython().safe_execfile*",
)
LOADS_A_FILE = Table(
    (*_RUNS_A_FILE,
     "pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads",
     "dill.load", "dill.loads", "cloudpickle.load", "cloudpickle.loads", "joblib.load",
     "traitlets.config.PyFileConfigLoader", "traitlets.config.loader.PyFileConfigLoader",
     "jsonpickle.decode", "jsonpickle.loads", "jsonpickle.unpickler.*",
     "imp.load_source", "importlib.util.spec_from_file_location", "runpy.run_path",
     "importlib.machinery.SourceFileLoader", "importlib.machinery.SourcelessFileLoader",
     "importlib.machinery.ExtensionFileLoader", "pydoc.importfile", "site.addpackage",
     "logging.config.fileConfig", "yaml.unsafe_load*", "shelve.open", "pandas.read_pickle",
     "_pickle.load*", "multiprocessing.reduction.ForkingPickler.load*",
     "ctypes.CDLL", "ctypes.PyDLL", "ctypes.cdll.LoadLibrary",
     "ctypes.pydll.LoadLibrary", "IPython.get_ipython().run_line_magic",
     "IPython.get_ipython().magic", "get_ipython().run_line_magic", "get_ipython().magic",
     "execfile", "sqlite3.connect().load_extension", "nbclient.NotebookClient",
     "nbclient.execute", "papermill.execute_notebook")
)  # fmt: skip
"""Calls that run what is in a file, whatever it is called."""
LOADS_A_LIBRARY = Table(
    ("ctypes.CDLL", "ctypes.PyDLL", "ctypes.WinDLL", "ctypes.OleDLL", "ctypes.cdll.LoadLibrary",
     "ctypes.pydll.LoadLibrary", "ctypes.windll.LoadLibrary", "ctypes.oledll.LoadLibrary",
     "cffi.FFI().dlopen", "numpy.ctypeslib.load_library", "_ctypes.dlopen", "os.add_dll_directory",
     "importlib.machinery.ExtensionFileLoader", "sqlite3.connect().load_extension")
)  # fmt: skip
"""Calls that load a library of compiled code."""
TAKES_A_PATH = Table(
    (*_RUNS_A_FILE,
     "imp.load_source", "importlib.util.spec_from_file_location", "runpy.run_path", "execfile",
     "importlib.machinery.*", "pydoc.importfile", "site.addpackage", "logging.config.fileConfig",
     "shelve.open", "pandas.read_pickle", "ctypes.*", "sqlite3.connect().load_extension")
)  # fmt: skip
"""Those of them that are given where it is, not what is in it."""
PARSES = Table(
    (
        *(f"{module}.{name}" for module in ("json", "tomllib", "tomli", "toml", "yaml")
          for name in ("load", "loads", "safe_load", "safe_load_all")),
        "configparser.ConfigParser().get",
    )
)  # fmt: skip
"""Calls that give settings that are written in a file."""
OPENS = Table(
    ("open", "io.open", "codecs.open", "zipfile.ZipFile", "tarfile.open", "gzip.open",
     "pathlib.Path().open")
)  # fmt: skip
HIDDEN_TEXTS = Table(
    ("importlib.metadata.metadata", "importlib.metadata.distribution", "inspect.getsource*",
     "importlib_metadata.metadata", "importlib_metadata.distribution", "inspect.getcomments",
     "inspect.getdoc", "pydoc.getdoc")
)  # fmt: skip
"""Calls that give texts of a package that are no code: its metadata, or its own comments."""
COPIES = Table(("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.move", "os.rename",
                "os.renames", "os.replace", "os.link", "os.symlink"))  # fmt: skip
REMOVES = Table(("shutil.rmtree", "os.remove", "os.unlink", "os.removedirs", "os.rmdir"))
KEYBOARD = Table(
    ("pynput.keyboard.Listener", "pynput.mouse.Listener", "keyboard.on_press", "keyboard.hook",
     "keyboard.on_release", "keyboard.record", "pyWinhook.HookManager", "pyHook.HookManager",
     "evdev.InputDevice().read_loop", "ctypes.windll.user32.GetAsyncKeyState",
     "ctypes.windll.user32.SetWindowsHookExA", "ctypes.windll.user32.SetWindowsHookExW")
)  # fmt: skip
READS_CLIPBOARD = Table(
    ("pyperclip.paste", "win32clipboard.GetClipboardData", "tkinter.Tk().clipboard_get")
)
WRITES_CLIPBOARD = Table(
    ("pyperclip.copy", "win32clipboard.SetClipboardText", "win32clipboard.SetClipboardData",
     "tkinter.Tk().clipboard_append")
)  # fmt: skip
SCREEN = Table(
    ("PIL.ImageGrab.grab", "pyautogui.screenshot", "mss.mss().shot", "mss.mss().grab",
     "pyscreenshot.grab", "mss.mss().save")
)  # fmt: skip
_DLLS = ("ctypes.windll.kernel32", "ctypes.windll.ntdll", "ctypes.WinDLL()", "ctypes.CDLL()",
         "windll.kernel32")  # fmt: skip
MEMORY = Table(
    (
        *(f"{dll}.{name}" for dll in _DLLS for name in ("VirtualAlloc", "VirtualAllocEx",
          "WriteProcessMemory", "CreateRemoteThread", "NtCreateThreadEx", "QueueUserAPC",
          "NtMapViewOfSection", "process_vm_writev")),
    )
)  # fmt: skip
"""Calls that put machine code into memory and run it."""
FROM_ADDRESS = Table(("ctypes.CFUNCTYPE()", "ctypes.WINFUNCTYPE()", "ctypes.PYFUNCTYPE()"))
"""Calls that make a function of an address."""
OWN_MEMORY = Table(
    ("mmap.mmap", "ctypes.addressof", "ctypes.create_string_buffer", "ctypes.string_at",
     "ctypes.memmove", "ctypes.pythonapi.PyMemoryView_FromMemory",
     *(f"ctypes.{dll}().{name}" for dll in ("CDLL", "PyDLL", "WinDLL")
       for name in ("mmap", "mprotect", "valloc", "posix_memalign")))
)  # fmt: skip
"""Calls that give memory that the code has filled itself."""
OTHER_PACKAGES = Table(
    ("site.getsitepackages", "site.getusersitepackages", "site.USER_SITE", "sysconfig.get_path",
     "distutils.sysconfig.get_python_lib", "sysconfig.get_paths",
     "importlib.util.find_spec().origin", "sys.prefix", "sys.base_prefix", "sys.exec_prefix",
     "sys.path[]", "sys.executable", "shutil.which")
)  # fmt: skip
CODE_FILE = re.compile(
    r".*\.(?:py[cdow]?|pth|start|sh|ps1|bat|cmd|vbs|js|so|dll|dylib|whl|egg)", re.DOTALL
)
"""Files that hold code, as text, compiled, or in an archive that is imported from."""
ENCRYPTED = Table(("__pyarmor__", "pytransform.*", "pyarmor_runtime*"))
REGISTRY = Table(("winreg.OpenKey", "winreg.OpenKeyEx", "winreg.CreateKey", "winreg.CreateKeyEx"))
DANGEROUS = Table(
    (
        *(
            "exec",
            "eval",
            "compile",
            "__import__",
            "os.system",
            "os.popen",
            "os.exec*",
            "os.spawn*",
        ),
        *("subprocess.*", "socket.*", "requests.*", "urllib.request.*", "pty.spawn"),
        *("ctypes.CDLL", "ctypes.PyDLL", "ctypes.cdll.*", "ctypes.windll.*", "ctypes.memmove"),
        # Of a library's functions those that run something; others are often told by a variable.
        *(
            f"ctypes.{library}().{function}"
            for library in ("CDLL", "PyDLL", "WinDLL", "OleDLL")
            for function in (
                *("system", "popen", "exec*", "fork", "syscall", "ptrace", "dlopen"),
                *("mmap", "mprotect", "memfd_create", "WinExec", "ShellExecute*", "LoadLibrary*"),
                *("VirtualAlloc*", "VirtualProtect*", "CreateThread", "CreateRemoteThread"),
            )
        ),
        *("marshal.loads", "base64.b64decode"),
    )
)
"""What nothing honest calls by a name that it puts together."""
