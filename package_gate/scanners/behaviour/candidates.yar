// Python files that `behaviour` takes a closer look at: those that name what its rules are about.
// Reading a file's syntax takes a hundred times as long as looking for these words.

rule net
{
    strings:
        // Uses the network.
        $net1 = "urlopen"
        $net2 = "urlretrieve"
        $net3 = /\b(requests|httpx|socket|smtplib|ftplib|aiohttp|urllib3|paramiko)\b|\bdns\./
        $net4 = /(requests|httpx)\s*\.\s*(get|post|put|patch|request|Session)/
        $net5 = /http\.client|from[ \t]+http[ \t]+import|HTTPS?Connection/
        $net6 = "__import__('requests')"
        $net7 = "__import__(\"requests\")"
        $net8 = "websocket"
        $net9 = "Webhook"
        $net10 = "open_connection"
        $net11 = /\bboto(3|core)\b|ServerProxy|multiprocessing\.connection|webbrowser|HTTPClient/
        $net13 = /\b(imaplib|nntplib|telnetlib|httplib2|pycurl|niquests|treq|grequests|websockets)\b/
        $net14 = /\b(HTTP|SMTP|Socket|Datagram)Handler\b|\bURLopener\b|OpenerDirector|PoolManager|sock_send/
        $net15 = /\b(posthog|sentry_sdk|mlflow|wandb|pymongo|yagmail|kafka|slack_sdk|apprise|mixpanel)\b/
        $net18 = /\b(aiosmtplib|pysftp|scp|fabric|telebot|discord_webhook|dhooks)\b/
        $net16 = /\bpaho\.mqtt\b|\bredis\b|IPython\.display\b/
        $net17 = /\b(s3fs|gcsfs|adlfs|smart_open|minio|oss2|dropbox|pydrive2?|cloudpathlib)\b|\bazure\.storage|google\.cloud/
        $net12 = /ConnectionPool|\bread_(csv|table|json|html|xml|fwf)\(|\bfsspec\b|_vendor/
        $hub = /\bhuggingface_hub\b/
        // Types, which a large project names in each of its modules.
        $hub_types = /\bfrom[ \t]+huggingface_hub\.(dataclasses|errors)[ \t]+import\b/

    condition:
        any of ($net*) or #hub > #hub_types
}

rule words_of_secrets
{
    strings:
        // All that `_SECRETS` in candidates.py asks for has one of these.
        $a1 = "environ"
        $a2 = "getenv"
        $a3 = /import\s+os\s+as/
        $a4 = /\.(ssh|aws|netrc|pypirc|kube|azure|gnupg|mozilla)/
        $a5 = "/proc/"
        $a6 = "/run/secrets"
        $a9 = /\*\.(ipynb|csv|parquet|xlsx?|pem|key|kdbx|env)\b|["'\/]\.env["'.*]|(secret|credential)\w*\*/
        $a8 = /user_ns|get_objects|__main__|history\.sqlite/
        $a7 = /get_(password|credentials|frozen_credentials|secret)|list_secret|getpass|dotenv_values/
        $a10 = /airflow\.(models|hooks)|dbutils|secretmanager|keyvault|hvac|browser_cookie3|rookiepy|secretstorage/
        $a11 = /_history\b|\.git-credentials|\.npmrc|\.docker\b|Login Data/

    condition:
        any of them
}

rule candidate
{
    strings:
        // Runs Python code, or names what it calls in a roundabout way.
        $run1 = /(^|[^.\w`])exec\b/
        $run2 = /(^|[^.\w`])eval\b/
        $run3 = /["'](exec|eval)["']/
        $run4 = "FunctionType"
        $run5 = "__import__"
        $run6 = "__subclasses__"
        $run7 = "import_module"
        $run8 = "marshal" fullword
        $run9 = "pickle" fullword
        $run10 = "CDLL"
        $run11 = "getattr("
        $run12 = "runpy"
        $run13 = "builtins" fullword
        $run14 = /reduce\s*\(\s*getattr|attrgetter|methodcaller|__getattribute__|getattr_static|resolve_name/

        // Starts programs.
        $start1 = "subprocess" fullword
        $start2 = /(\.|["']|import\s)system(["']|\s*\(|\n)/
        $start3 = "popen" fullword nocase
        $start4 = "spawn" fullword
        $start5 = "execv"
        $start6 = "startfile"
        $start7 = "spawnl"
        $start8 = "create_subprocess"

        // Makes something readable of what is not.
        $decode1 = /b(64|85|32|16)decode/
        $decode2 = "unhexlify"
        $decode3 = "fromhex"
        $decode4 = "decompress"
        $decode5 = /rot_?13/
        $decode6 = "chr" fullword
        $decode7 = "[::-1]"
        $decode8 = "Fernet"
        $decode9 = "reveal"
        $decode10 = " ^ "
        $decode11 = "getdata"
        $decode12 = "readframes"
        $decode13 = "codecs.decode"
        $decode14 = "Cipher"
        $decode15 = /\.join\(\s*[(\[]/
        $decode16 = "reversed("
        $decode18 = /(\\x[0-9a-fA-F]{2}){3}/
        $decode17 = /["'] ?\+ ?["']/

        // Secrets, and facts of this machine.
        $read1 = "environ"
        $read2 = "getenv"
        $read3 = /get(hostname|fqdn|user|login|node)\b/
        $read4 = /\.(ssh|aws|netrc|pypirc|kube|azure|gnupg|mozilla)\b/
        $read5 = "passwd"
        $read6 = "expanduser"
        $read7 = /\.home\(\)|expandvars/
        $read8 = "ImageGrab"
        $read9 = "screenshot"
        $read10 = "mss" fullword
        $read11 = /\/proc\/|\/run\/secrets/
        $read12 = "uname"
        $read13 = "argv"
        $read15 = /get_(frozen_)?credentials|get_password|169\.254\.|metadata\.google/
        $read16 = "sys.path"
        $read17 = /\buser_ns\b|\bget_objects\b|__main__["'\].]|history\.sqlite|document\.cookie|jupyter-config-data/
        $read25 = /\bf_(locals|globals)\b|_repr_html_/
        $read18 = /addaudithook|set(profile|trace)\b|listens_for|\.events\.register|InstanceMetadata|raw_cell/
        $read19 = /\n[ \t]*([a-rt-zA-Z_]\w*|s[a-df-z_]\w*)(\.\w+)+ = [a-zA-Z_]\w*\r?\n/
        $read20 = /\bsys\.(stdout|stderr)\s*=[^=]/
        $read22 = /airflow\.(models|hooks)|\bdbutils\b|secretmanager|keyvault|\bhvac\b|secretstorage|dotenv_values/
        $read23 = /list_secret|get_secret|secretsmanager|CryptUnprotectData|browser_cookie3|rookiepy|getpass/
        $read24 = /\.(git-credentials|npmrc|docker|vault-token|databrickscfg|\w+_history)\b|\bnetrc\b/
        $read21 = /\*\.(ipynb|csv|parquet|xlsx?|pem|key|kdbx|env)\b|["'\/]\.env["'.*]|(secret|credential)\w*\*/
        $read14 = ".Session.request"
        $read26 = /\bip_address\b|\bIPv[46]Address\b|\binet_ntoa\b|\bsubst_vars\b|get_netrc_auth|generate_(presigned|db_auth)/
        $read27 = /\b(tkinter|MozillaCookieJar|read_environ|Configuration|HistoryAccessor|credential_provider|credentials_file)\b/
        $read28 = /\b(list_running_servers|NETRC_FILES|HF_TOKEN_PATH)\b|\/\/(0[xX][0-9a-fA-F]{2}|[0-9]{8,10}\b|\[::ffff:)/

        $encode1 = /\b(b64|b32|b16|b85|a85|urlsafe_b64)encode\b|encodebytes|hexlify|\.hex\(\)/
        $prints = /\bprint\s*\(|\blog(ger|ging)?\.|std(out|err)\./

        // Commands, and what goes with them.
        $command1 = /\b(curl|wget|powershell|pwsh|certutil|bitsadmin|mshta|nslookup)\b/ nocase
        $command13 = /\baws["', ]+s3\b|\bgh["', ]+(gist|repo|release)\b|\bssh["', ]+-|\/(var\/)?tmp\/|\/dev\/shm\//
        $command2 = "/dev/tcp"
        $command3 = "twine"
        $command4 = /stratum\+|xmrig/
        $command5 = /crontab|systemctl|schtasks|launchctl/
        $command6 = "creationflags"
        $command7 = "DEVNULL"
        $command8 = /pip[0-9.]*['", ]+install/
        $command9 = /rm['", ]+-r/
        $command10 = /["']-c["']/
        $command11 = /(npm|yarn|poetry|flit|uv) publish/
        $command12 = /["']-m["']/

        // Runs what a file holds.
        $load1 = /(^|[^.\w`])(exec(file)?|eval)\b/
        $load2 = /\b(pickle|marshal|dill|joblib)\s*\.\s*loads?\b/
        $load3 = /from[ \t]+(pickle|marshal|dill|joblib)[ \t]/
        $load4 = /\b(run_path|load_source|spec_from_file_location|SourceFileLoader)\b/
        $load5 = /\b(read_pickle|allow_pickle|weights_only|safe_mode|jsonpickle|addsitedir|addpackage|fileConfig|importfile)\b/
        $load6 = /\b(Sourceless|Extension)FileLoader\b|\b[Uu]nsafe_?[Ll]oad(er)?\b/
        $load8 = /read_pickle\s*\(\s*["'](http|ftp|s3|gs)/
        $load7 = /\brun(source|code|_cell\w*|ctx|_line_magic)\b|PyRun_|\btimeit\b|\b(cP|p)rofile\b|\bpdb\b/
        $file1 = /\bopen\s*\(/
        $file2 = /\bread_(text|bytes|binary)\b/
        $file3 = /\b(get_data|resource_string|getlines?|fileinput|configparser|metadata)\b/
        $file4 = "__file__"
        $file5 = "__path__"
        $held1 = /__doc__|__annotations__|__(kw)?defaults__|co_consts|\bgetdoc\b/
        $held2 = /\bget_(type_hints|annotations)\b|\beval_str\b|\bsympify\b|\bparse_expr\b|\.query\(["'][^"'\n]*@/
        $file6 = "importlib.resources"

        // By themselves enough.
        $alone1 = /VirtualAlloc|WriteProcessMemory|CreateRemoteThread|NtCreateThreadEx/
        $alone2 = "CFUNCTYPE"
        $alone3 = /pynput|pyWinhook|pyHook|evdev|GetAsyncKeyState|SetWindowsHookEx/
        $alone4 = /keyboard\.(on_|hook|record)/
        $alone5 = /pyperclip|win32clipboard|clipboard_get|pbpaste|\bxclip\b|\bxsel\b|wl-paste|Get-Clipboard|--cpu-max-threads|--donate-level/
        $alone6 = "__pyarmor__"
        $alone7 = "pytransform"
        $alone8 = /LaunchAgents|LaunchDaemons|systemd\/user|CurrentVersion.{1,4}Run\b|\.(bashrc|zshrc|bash_profile|zprofile|profile)\b/
        $alone9 = "rmtree"
        $alone10 = /site\.get(user)?sitepackages|find_spec\(/
        $alone11 = /\.encrypt\(/
        $alone12 = "dup2"
        $alone14 = /;[ \t]{100}/
        $alone15 = /(\xef\xb8[\x80-\x8f]){8}|(\xf3\xa0[\x80-\x87][\x80-\xbf]){8}|(\xe2\x80[\x8b-\x8d]|\xe2\x81[\xa0-\xa4]){8}/
        $alone16 = /pip\.(conf|ini)|\.gitconfig|\.condarc|\.npmrc|uv\.toml|\.git\/hooks|jupyter_\w+_config/
        $alone17 = /config.{1,30}--global|profile_default/
        $alone19 = /["'\/\\](Documents|Desktop|Pictures|Downloads)["'\/\\]/
        $alone21 = /trust_remote_code\s*=\s*True|torch\.hub|logging\.config|\bCronTab\b/
        $alone22 = /authorized_keys|kernel\.json|mcp\.json|\.claude\b|claude_desktop|dangerously|["'\/]\.aws["'\/]|_internal\.configuration/
        $alone23 = /\b(urandom|token_bytes|randbytes)\b|--yolo|--trust-all-tools/
        $alone24 = /IMAP4_stream|pipepager|GenericBrowser|get_ipython\(\)|load_extension|nbclient|papermill/
        $alone26 = /\b(HTTPS?|ALL|https?|all)_(PROXY|proxy)\b|KUBERNETES_SERVICE_HOST|AWS_ENDPOINT_URL|(PIP|UV)_(EXTRA_)?(INDEX_URL|DEFAULT_INDEX)/
        $alone27 = /install_opener|XMLRPCServer|\bngrok\b|debugpy\.listen|SimpleHTTPRequestHandler|embed_kernel/
        $alone28 = /methodcaller|\bast\.Name\(|load_inline|cppdef|\bduckdb\b|InspectLoader|SourceLoader|\bget_source\b/
        $alone29 = /vars\(\w*builtins|builtins\w*\.__dict__|["']-\w*R\w*["']|\bssh -/
        $alone30 = /getLogger\(\)\.addHandler\(/
        $alone25 = /sys\.path\.\w+\([^\n]{0,10}["']\/(tmp|var\/tmp|dev\/shm)\//
        $alone31 = /\b(client|request|parse|os|path|Path|np|pd|__builtins__|socket|ssl|http|urllib|requests|urllib3|httpx|aiohttp|boto3|botocore|getpass|hashlib|hmac|secrets|random|json|pickle|marshal|base64|zipfile|tarfile|sqlite3|shutil|subprocess|pathlib|importlib|builtins|numpy|scipy|pandas|sklearn|keyring|jwt|smtplib|statistics|math|fsspec|s3fs)(\.\w+)*\.\w+[ \t]*=[ \t]*[a-zA-Z_]/
        $alone32 = /\bsetattr\(\w*(http|url|request|boto|np|pd|builtins|Session|Context|Client|Connection|socket|ssl|http|urllib|requests|urllib3|httpx|aiohttp|boto3|botocore|getpass|hashlib|hmac|secrets|random|json|pickle|marshal|base64|zipfile|tarfile|sqlite3|shutil|subprocess|pathlib|importlib|builtins|numpy|scipy|pandas|sklearn|keyring|jwt|smtplib|statistics|math|fsspec|s3fs)\w*,/
        $alone33 = /sys\.modules(\[[^\n]{1,80}\][ \t]*=[^=]|\.update|\.setdefault|\.__setitem__)|\b(meta_path|path_hooks)(\.insert|[ \t]*=|\[)|(input|ast)_transformers?\w*\./
        $alone34 = /\b(pyximport|rpy2|julia|juliacall|lupa|js2py|oct2py|coconut)\b|\bimport hy\b|@[\w.]*\b(os|sys|subprocess|builtins)\./
        $alone35 = /\b(rpyc|execnet|Pyro[45]|ray\.(init|client|util)|BaseManager)\b|\b(from|import)[ \t]+(dask\.)?distributed\b|multiprocessing(\.(managers|connection)|[ \t]+import[^\n]*\b(connection|managers))/
        $alone36 = /\bimport (git|dulwich|pygit2)\b|\bfrom (git|dulwich|pygit2) import|git(\(|["', ])["', ]*(push|remote)|["']push["']/
        $alone37 = /\b(kubectl|terraform|gcloud|gsutil)\b|\baws["', ]+(s3|s3api|ec2|rds|iam|lambda|sagemaker)\b|\b(aio)?boto3\b/
        $alone38 = /\b(from|import)[ \t]+(wrapt|forbiddenfruit)\b|vars\(\w+\)\[|__dict__(\[["']|\.update)|\bpatch\([^\n]{0,200}\)\.start\(/
        $alone39 = /["']command["']:[ \t]*\[|\.(query|eval|evaluate|from_string)\([^\n]{0,200}__/
        $relied = /\b(import|from)[ \t]+(socket|ssl|http|urllib|requests|urllib3|httpx|aiohttp|boto3|botocore|getpass|hashlib|hmac|secrets|random|json|pickle|marshal|base64|zipfile|tarfile|sqlite3|shutil|subprocess|pathlib|importlib|builtins|numpy|scipy|pandas|sklearn|keyring|jwt|smtplib|statistics|math|fsspec|s3fs)\b/
        $set1 = /\n[ \t]*([a-rt-zA-Z_]\w*|s[a-df-z_]\w*|s)(\.\w+)+ = (lambda\b|[a-z_]\w*\()/
        $set2 = "setattr("
        $alone20 = /["']HTTP_[A-Z_]{3,}["']/
        $alone40 = /process_vm_readv|ReadProcessMemory|\/mem["']/
        $alone41 = /gh[pousr]["' +]*_|github_pat_|glpat-|xox[abps]-|\bbot[0-9]{8}|[Bb][Cc]{2}\b/
        $alone42 = /eth_(requestAccounts|sendTransaction|signTyped)|window\.(ethereum|solana|phantom)|XMLHttpRequest\.prototype|\{40\}|\bbc1.{0,20}\[/
        $told = /passw|passcode|\bpwd?\b|private_?key|priv_?key|secret_?key|\bdsn\b|conn(ection)?_?str|credential|\bcreds\b|\botp\b|card_?number|mnemonic|(seed|recovery|secret|backup)_?(phrase|words)|pass_?phrase|\bcv[vc]2?\b|wallet_?key/ nocase
        $quiet = /except[^\n]{0,60}:\s*\n?\s*(pass|return|continue|\.\.\.)|\bsuppress\(|\b(Thread|Timer|create_task|ensure_future|submit)\(|\.debug\(/
        $mail = /\b(sendmail|send_message)\s*\(/
        $day = /\b(now|utcnow|today|time|strftime|gmtime|localtime|time_ns)\(/
        $harm = /\b(unlink|remove|rmdir|rmtree|kill|killpg|_exit|abort|raise_signal|truncate|execute|string_at|system|subprocess)\b/
        $fixed = /\bdate(time)?\(\s*20|["']20[0-9]{2}-|\b1[5-9][0-9]{8}\b|\b2[0-9]{9}\b|fromisoformat|strptime|toordinal|\(20[0-9]{2},/
        $walks = /\b(walk|rglob|glob|scandir|listdir|iterdir)\b/
        $writes = /\.write(_text|_bytes)?\(\s*b?["']/
        $disguise = /If-(None-)?Match|If-Modified-Since|User-Agent|Referer|Accept-Language|X-Forwarded-For/ nocase
        $library = /\b(PyDLL|WinDLL|OleDLL|windll|cdll|oledll|load_library|dlopen)\b/
        // What is enough where it is handed to whatever function there is.
        $alone43 = /\b(import|from)[ \t]+(posix|nt|_posixsubprocess)\b|["'](posix|nt)["']|["'](os|posix|nt)[.:](system|popen)["']/
        $alone44 = /["'\/](\.(aws|ssh|git-credentials|pypirc|netrc|kube|docker|azure|gnupg|pgpass|vault-token|databrickscfg|password-store)\b|Login Data|logins\.json|key[34]\.db|cookies\.sqlite|wallet\.dat)/
        $alone45 = /\b(load_credentials|get_frozen_credentials|set_executable|doctest-glob|data_received|rfile)\b/
        $alone46 = /\b(BASH_ENV|PROMPT_COMMAND|PERL5OPT|RUBYOPT|PYTHONSTARTUP|LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES|LESSOPEN|GIT_(SSH|ASKPASS|EXTERNAL_DIFF|PROXY_COMMAND)|SSH_ASKPASS)/
        $alone47 = /__import__\(\s*\\?["'](os|posix|nt|subprocess|pty)\\?["']\s*\)\s*\.\s*(system|popen|run|call|Popen|spawn|exec|posix_spawn)|__globals__\W{1,6}(\w{1,20}\W{1,6})?(os|subprocess)\W{1,6}(system|popen|run)/
        $alone48 = /\/dev\/(tcp|udp)\/|\b(nc|ncat|netcat)\b[^\n]{0,80}\s-[a-z]*e\b|install_kernel_spec|BaseJSONConfigManager/
        $alone49 = /\bjupyter_(config|runtime|data)_(dir|path)\b|\bjupyter_path\b|get_ipython_dir|locate_profile|find_kernel_specs|get_kernel_spec|environment\.d\b|pam_environment/
        $alone51 = /["'\/](AGENTS\.md|CLAUDE\.md|GEMINI\.md|\.cursorrules|\.vscode|\.envrc|conftest\.py|\.pre-commit-config\.yaml)["'\/]|["']\.git["'\/]/
        $alone52 = /\b(setprofile|settrace)_all_threads\b|sys\.monitoring|setLogRecordFactory|copyreg\.pickle|register_error|set_event_loop_policy|BUILTIN_HANDLERS|SSLKEYLOGFILE|PYTHONBREAKPOINT/
        $alone53 = /\.__(kw)?defaults__|\.__globals__|\.__path__\.|\.__code__\b|pythonapi|CDLL\([^)]*\)\[|_eval_type|ForwardRef|DocTest|pdb\.Pdb|resolve_name|pydoc|EntryPoint\(|loadTestsFromName|FileFinder|InspectLoader|PyFileConfigLoader|run_script|run_setup/
        $alone54 = /_create_unverified_context|fully_trusted_filter|unsafe_load|UnsafeLoader|extraction_filter|ForkingPickler|from_string\(|_read_output|CCompiler|_run_pip/
        $alone55 = /\n[ \t]*([a-rt-zA-Z_]\w*|s[a-df-z_]\w*)\.[A-Z]\w* = [A-Z]\w*\r?\n/
        $alone50 = /["']ls-remote["']|core\.(sshCommand|fsmonitor|hooksPath|gitProxy)|post_to_server|submit_form|open_http_urllib|server_hostname/
        $pipes = /\|\s*(sudo\s+)?(\/[^\s"'\/]{1,12}\/)*(ba|z|da|k|a)?sh\b|["'](ba|z|da|k|a)?sh["']|(&&|;)\s*(ba|z|da|k|a)?sh\b|\bpython[0-9.]*["']/
        $http = /["'](https?|ftp):/
        $home = /chdir\(|\b(extractall|unpack_archive|copytree)\b/
        // Fetched as soon as the module is imported, or given to what runs it.
        $fetched1 = /\n[a-zA-Z_][^\n]{0,200}\b(urlopen|urlretrieve|recv\w{0,12}|hf_hub_download|snapshot_download|(requests|httpx|session|http|client|pool)\.(get|post|put|request|stream))\(/
        $fetched2 = /\n(try|with|if|for|while)\b[^\n]{0,200}:[ \t]*(#[^\n]{0,200})?\n[ \t]+[^\n]{0,200}\b(urlopen|urlretrieve|(requests|httpx|session)\.(get|post))\(/
        $fetched3 = /\b(six|exec_in|parse_config_file|runstring|_compile_and_eval|safe_execfile|load_config|from_string|defaultTestLoader|TestLoader|recv_pyobj|UnsafeLoader|importfile|NotebookClient)\b/
        $server = /\b(zerorpc|aiomonitor|asyncssh|pydevd|rpdb|remote_pdb|web_pdb|manhole|BackdoorServer|backdoor_server|SyncManager)\b/
        $installer = /\bpip\._internal\b|\bpip\.main\b/
        $alone13 = /\*\/(setup|__init__)\.py/

    condition:
        any of ($alone*)
        or (any of ($run1, $run2, $run3, $run4, $run5, $run6, $run7, $run8, $run9, $run10, $run12, $run13)
            and (net or any of ($decode1, $decode2, $decode3, $decode4,
            $decode5, $decode6, $decode8, $decode9, $decode10, $decode11, $decode12, $decode13,
            $decode14)))
        // What is common in long honest files is looked at in short ones only.
        or (any of ($run*, $start*) and any of ($decode*))
        or (any of ($start*) and (net or any of ($command*) or any of ($decode1, $decode2,
            $decode3, $decode5, $decode8, $decode13, $decode14)))
        or (any of ($run6, $run14) and (net or any of ($command*)))
        or $load4 or $load8 or ($load7 and (net or any of ($read*)))
        or (any of ($load*, $run3, $run4, $run13, $start*) and any of ($file*))
        or ($held1 and any of ($load1, $run3, $run13)) or ($held2 and any of ($run5, $start*))
        or (net and any of ($read*))
        or (net and any of ($decode1, $decode2, $decode3, $decode5, $decode7, $decode13, $decode16))
        or (net and ($told or $quiet))
        or ($command1 and $pipes) or (any of ($run1, $run2) and $http)
        or ($home and any of ($read6, $read7))
        or ($day and $harm and $fixed) or ($walks and $writes) or ($mail and net)
        or ($library and any of ($file*))
        or ($disguise and net and any of ($encode*))
        or (any of ($encode*) and any of ($read1, $read2) and $prints)
        or (net and any of ($fetched*)) or $server or $installer
        or ($relied and any of ($set*, $read19))
        or ($read1 and ($http or $file4))
}
