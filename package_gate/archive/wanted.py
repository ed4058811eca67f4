"""Top-level modules that popular code tries to import, and goes on without where nobody has them.

Whoever brings such a module runs as soon as somebody imports what looks for it: `pickle` asks for
`org.python`, pip for `_manylinux`, `requests` for `brotlicffi`. The names were gathered from all
`try: import …` blocks of Python's standard library and of 600 popular distributions, with those
that popular projects bring under another name than their own. Left out are words that many give a
module of their own, and namespaces that projects share.
"""

_NOBODYS_WORDS = """
    _distutils_system_mod _manylinux _musllinux _pypy_wait _subprocess _testbuffer _testcapi
    _testexternalinspection _testimportmultiple _testinternalcapi _testlimitedcapi
    _testmultiphase _testsinglephase _winreg cgihttpserver com copy_reg cpickle cprofilev
    cstringio dl dummy_thread filedialog hotshot htmlentitydefs htmlparser httplib java
    jythonlib numarray org psyco scrolledtext sentencepiece_model_pb2 sets simpledialog
    simplehttpserver stringio tkcolorchooser tkcommondialog tkconstants tkfiledialog tkfont
    tkmessagebox urllib2 urlparse userdict userlist userstring vms_lib xmlrpclib
"""
_NOBODYS = frozenset(_NOBODYS_WORDS.split())
"""Of another Python, system or time: no distribution has a reason to bring them."""
_NOBODYS_BEGIN = ("_sysconfigdata_",)
_OF_THEIR_PROJECT = """
    agno ai_edge_litert annoy array_api_strict arviz_base arviz_plots arviz_stats asyncmy
    atomicwrites autograd bbknn bigquery_magics bllipparser blosc bokeh bokeh_sampledata bpython
    branca brotlicffi bson cachey cartopy catboost cchardet cdifflib cerealizer cfgrib cftime
    circusweb cityhash clearml clevercsv clickhouse_sqlalchemy colorcet comet_ml comrak comtypes
    conda_pack coptpy couchbase couchbase_core crcmod cubinlinker cudf cuml cuopt cupy cupyx
    cvxopt cysqlite dask_array dask_ml dask_sql datashader dbruntime deepeval deepspeed defcon
    detectron2 diffusers distorm3 distributed distributed_ucxx django_tasks docrepr dspy easyocr
    etils fastai fastcluster fastnumbers fbprophet fido2 fiona flask_peewee flax flint folium
    fugashi funsor geoalchemy2 geoarrow gilknocker gitdb_speedups gmpy gmpy2 gntp gprofiler
    grandalf gssapi gunicorn_h1c h5netcdf h5pyd harmonypy holoviews html5rdf httpx_aiohttp
    hvplot hyperscan igraph interegular ipadic ipycytoscape ipyparallel isal jax_cuda12_plugin
    jax_cuda13_plugin jaxns jieba jsonschema_rs jupyter_ai jupyter_ai_magics
    jupyter_collaboration jupyter_nbextensions_configurator jupyter_server_proxy jupyterhub
    jupytext kazoo kenlm kerastuner leafmap leidenalg libdisassemble librabbitmq libtpu
    litert_torch livekit lzmaffi mapclassify mariadb marimo matrixprofile mcbackend mergekit
    metaflow mistral_common mmtf mnnpy moviepy mpi4py multicoretsne mysqldb netcdf4
    neural_compressor nmslib numbagg numcodecs numdifftools numpy_financial numpydoc numpyro
    nutpie objgraph openvino optax optuna_integration orbax phate phenograph plotly_resampler
    polyagamma prefect_docker psycopg2cffi ptxcompiler pudb py3dmol pyamg pyarango pybiomart
    pycares pycocotools pycouchdb pycrfsuite pyctcdecode pycurl pydevd pydocumentdb pydot_ng
    pydotplus pyfive pygame pygeos pyglet pygraphviz pygwalker pylibjpeg pylibmc pymatbridge
    pymc pymorphy2 pymorphy3 pyppeteer pyqt4 pyqt5 pyqt6 pyro4 pyrsmi pyscipopt pysequoia pyside
    pyside2 pyside6 pysqlite2 pysqlite3 pytest_fail_slow pytest_run_parallel pythainlp
    python_socks pytorch_forecasting pyu2f pyvi pywatchman qtpy quantile_forest r2pipe ragas
    rasterio recommonmark rfc3987 rhoknp rjieba rtree sacremoses sagemaker_mlflow scanorama
    scipy_doctest semantic_kernel sempy setfit sha1dc shtab sigstore simsimd skmisc slixmpp
    smolagents smpplib spacy_pkuseg spacy_transformers sparsesvd sphinx_gallery
    sqlalchemy_dremio sqlalchemy_redshift sqlcipher3 sshsig stonesoup sudachipy supersmoother
    tensorflow_io tensorflow_probability teradatasqlalchemy textstat tf2onnx tf_keras theano
    thinc_apple_ops thinc_bigendian_ops torch_npu torch_xla torchcodec torchdistx twython
    ufolib2 uharfbuzz unicodedata2 unidic unidic_lite unittest2 urllib3_secure_extra vegafusion
    verboselogs visdom viztracer vl_convert wandb_workspaces win32ctypes win_inet_pton winloop
    wsaccel xattr yappi zfpy
"""
"""Modules that projects of the same name bring."""
_OF_OTHERS = {
    "_billiard": "billiard",
    "_cvxcore": "cvxpy",
    "_hypothesis_ftz_detector": "hypothesis",
    "_hypothesis_globals": "hypothesis",
    "_hypothesis_pytestplugin": "hypothesis",
    "_plotly_utils": "plotly",
    "_pydev_bundle": "pydevd",
    "_pydev_runfiles": "pydevd",
    "_pydevd_bundle": "pydevd",
    "_pydevd_bundle_ext": "pydevd",
    "_pydevd_frame_eval": "pydevd",
    "_pydevd_frame_eval_ext": "pydevd",
    "_ruamel_yaml": "ruamel-yaml-clib ruamel-yaml",
    "absl": "absl-py",
    "appkit": "pyobjc-framework-cocoa",
    "bio": "biopython",
    "cairo": "pycairo cairocffi",
    "cassandra": "cassandra-driver scylla-driver",
    "cattr": "cattrs",
    "consul": "python-consul python-consul2 py-consul",
    "crypto": "pycryptodome pycrypto",
    "cryptodome": "pycryptodomex",
    "cv2": "opencv-python opencv-python-headless opencv-contrib-python"
    " opencv-contrib-python-headless",
    "cx_oracle": "cx-oracle",
    "dbus": "dbus-python",
    "dns": "dnspython",
    "faiss": "faiss-cpu faiss-gpu",
    "gdcm": "python-gdcm",
    "gi": "pygobject",
    "grpc": "grpcio",
    "grpc_channelz": "grpcio-channelz",
    "grpc_health": "grpcio-health-checking",
    "grpc_reflection": "grpcio-reflection",
    "grpc_status": "grpcio-status",
    "grpc_tools": "grpcio-tools",
    "icu": "pyicu",
    "imblearn": "imbalanced-learn",
    "isympy": "sympy",
    "jnius": "pyjnius",
    "linkify_it": "linkify-it-py",
    "memcache": "python-memcached",
    "mpl_toolkits": "matplotlib basemap",
    "nacl": "pynacl",
    "opensearchpy": "opensearch-py",
    "openssl": "pyopenssl",
    "osgeo": "gdal",
    "paho": "paho-mqtt",
    "pkcs11": "python-pkcs11",
    "playhouse": "peewee",
    "pydev_ipython": "pydevd",
    "pydevconsole": "pydevd",
    "pydevd_plugins": "pydevd",
    "pymdownx": "pymdown-extensions",
    "pynvml": "nvidia-ml-py pynvml",
    "pyodide": "pyodide-py",
    "pythoncom": "pywin32",
    "pywintypes": "pywin32",
    "pywt": "pywavelets",
    "rmm": "rmm-cu11 rmm-cu12 rmm-cu13",
    "sage": "sagemath-standard",
    "skimage": "scikit-image",
    "sklearnex": "scikit-learn-intelex",
    "daal4py": "daal4py scikit-learn-intelex",
    "sksparse": "scikit-sparse",
    "slugify": "python-slugify unicode-slugify",
    "snappy": "python-snappy snappy",
    "socks": "pysocks",
    "sockshandler": "pysocks",
    "tidylib": "pytidylib",
    "tlz": "toolz",
    "umap": "umap-learn",
    "win32api": "pywin32",
    "win32clipboard": "pywin32",
    "win32com": "pywin32",
    "win32con": "pywin32",
    "win32evtlog": "pywin32",
    "win32evtlogutil": "pywin32",
    "win32file": "pywin32",
    "win32gui": "pywin32",
    "win32ui": "pywin32",
    "winerror": "pywin32",
    "winioctlcon": "pywin32",
    "winpty": "pywinpty",
}
_OWNERS = {word: frozenset({word.replace("_", "-")}) for word in _OF_THEIR_PROJECT.split()} | {
    module: frozenset(owners.split()) for module, owners in _OF_OTHERS.items()
}
_PARTS = {
    "google/colab": "google-colab",
    "scikits/umfpack": "scikit-umfpack",
}
"""Of namespaces, by their path, and who brings them."""


def is_nobodys(module: str) -> bool:
    """Whether no distribution has a reason to bring a module of this name."""
    plain = module.lower()
    return plain in _NOBODYS or plain.startswith(_NOBODYS_BEGIN)


def owners_of_wanted(module: str) -> frozenset[str]:
    """Give the projects that bring a module which popular code looks for; none for any other."""
    return _OWNERS.get(module.lower(), frozenset())


def owner_of_part(place: str) -> str:
    """Give whose the part of a namespace is that a file in site-packages belongs to; "" for no
    known one."""
    return _PARTS.get("/".join(place.lower().split("/")[:2]).removesuffix(".py"), "")
