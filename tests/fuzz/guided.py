"""One target under atheris, coverage-guided: `python -m tests.fuzz.guided TARGET [OPTION...]`.

The options are libFuzzer's, https://llvm.org/docs/LibFuzzer.html. `benchmarks/fuzz.py` starts this
in the environment `.venv/fuzz`.
"""

import logging
import sys
import warnings

import atheris  # type: ignore  # only in .venv/fuzz

with atheris.instrument_imports(include=["package_gate", "packaging"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable()
    target = TARGETS[sys.argv[1]]
    atheris.Setup(sys.argv[:1] + sys.argv[2:], target.run)
    atheris.Fuzz()
