"""What people write for licences, and the SPDX identifiers that it stands for.

Names are compared by `key_of`, so one entry stands for many spellings; classifiers of PyPI are
looked up by their last part. https://spdx.org/licenses/, https://github.com/pypa/trove-classifiers.
"""

import re

BSD = "LicenseRef-BSD"
"""A BSD licence that does not say which."""
GENERIC = {
    BSD: "BSD-",
    "GPL-1.0-or-later": "GPL-",
    "LGPL-2.0-or-later": "LGPL-",
    "LicenseRef-Artistic": "Artistic-",
}
"""What a name without a version stands for, and how the licences begin that it may be."""

_NAMES = {
    "0BSD": ["0BSD", "BSD Zero Clause"],
    "AFL-3.0": ["Academic Free License 3.0", "AFL 3.0"],
    "AGPL-3.0-only": ["GNU Affero General Public License v3", "GNU AGPL v3", "AGPL 3", "AGPL"],
    "AGPL-3.0-or-later": [
        "GNU Affero General Public License v3 or later",
        "GNU AGPL v3+",
        "AGPLv3+",
    ],
    "Apache-2.0": [
        "Apache Software License",
        "Apache License, Version 2.0",
        "Apache",
        "ASL 2.0",
        "ASF 2.0",
        "AL2",
    ],
    "Artistic-2.0": ["Artistic License 2.0"],
    "LicenseRef-Artistic": ["Artistic"],
    "BSD-1-Clause": ["BSD 1-Clause"],
    "BSD-2-Clause": ["BSD 2-Clause", "2-Clause BSD", "Simplified BSD", "FreeBSD", "BSD 2"],
    "BSD-3-Clause": [
        "BSD 3-Clause",
        "3-Clause BSD",
        "New BSD",
        "Modified BSD",
        "Revised BSD",
        "BSD 3-Clause New or Revised",
        "BSD 3",
        "new BSD 3-Clause",
    ],
    BSD: ["BSD", "BSD style", "BSD like"],
    "BSL-1.0": ["Boost Software License 1.0", "Boost", "BSL 1.0"],
    "CC-BY-4.0": ["CC BY 4.0", "Creative Commons Attribution 4.0"],
    "CC-BY-NC-4.0": ["CC BY NC 4.0"],
    "CC-BY-SA-4.0": ["CC BY SA 4.0"],
    "CC0-1.0": [
        "CC0",
        "CC0 1.0",
        "CC0 1.0 Universal",
        "CC0 1.0 Universal Public Domain Dedication",
    ],
    "CECILL-2.1": ["CeCILL 2.1", "CEA CNRS Inria Logiciel Libre 2.1", "CeCILL"],
    "EPL-1.0": ["Eclipse Public License 1.0"],
    "EPL-2.0": ["Eclipse Public License 2.0"],
    "EUPL-1.1": ["European Union Public Licence 1.1"],
    "EUPL-1.2": ["European Union Public Licence 1.2", "EUPL v1.2"],
    "GPL-1.0-or-later": ["GNU General Public License", "GNU GPL", "GPL"],
    "GPL-2.0-only": ["GNU General Public License v2", "GNU GPL v2", "GPLv2"],
    "GPL-2.0-or-later": ["GNU General Public License v2 or later", "GNU GPL v2+", "GPLv2+"],
    "GPL-3.0-only": ["GNU General Public License v3", "GNU GPL v3", "GPLv3"],
    "GPL-3.0-or-later": ["GNU General Public License v3 or later", "GNU GPL v3+", "GPLv3+"],
    "HPND": ["Historical Permission Notice and Disclaimer", "HPND"],
    "ISC": ["ISC", "ISC License ISCL", "ISCL"],
    "LGPL-2.0-or-later": [
        "GNU Lesser General Public License",
        "GNU Library or Lesser General Public License",
        "GNU LGPL",
        "LGPL",
        "GNU Lesser General Public License v2 or later",
        "LGPLv2+",
    ],
    "LGPL-2.0-only": ["GNU Lesser General Public License v2", "LGPLv2"],
    "LGPL-2.1-only": ["GNU Lesser General Public License v2.1", "GNU LGPL v2.1", "LGPLv2.1"],
    "LGPL-2.1-or-later": ["GNU Lesser General Public License v2.1 or later", "LGPLv2.1+"],
    "LGPL-3.0-only": ["GNU Lesser General Public License v3", "GNU LGPL v3", "LGPLv3"],
    "LGPL-3.0-or-later": ["GNU Lesser General Public License v3 or later", "LGPLv3+"],
    "LicenseRef-Proprietary": ["Proprietary", "Other/Proprietary", "All rights reserved"],
    "LicenseRef-Public-Domain": ["Public Domain"],
    "LicenseRef-NVIDIA": ["NVIDIA Proprietary Software", "NVIDIA Software License"],
    "MIT": ["MIT", "Expat", "MIT X11", "X11 MIT", "MIT style", "MIT Expat"],
    "MIT-0": ["MIT No Attribution", "MIT-0"],
    "MPL-1.1": ["Mozilla Public License 1.1", "MPL 1.1"],
    "MPL-2.0": ["Mozilla Public License 2.0", "MPL 2.0", "MPL"],
    "MulanPSL-2.0": ["Mulan Permissive Software License v2"],
    "NCSA": ["University of Illinois/NCSA Open Source License", "NCSA"],
    "OFL-1.1": ["SIL Open Font License 1.1", "OFL 1.1"],
    "PSF-2.0": ["Python Software Foundation License", "PSF", "PSFL", "PSF License 2.0"],
    "Python-2.0": ["Python License 2.0", "Python 2.0"],
    "Unlicense": ["The Unlicense", "Unlicense"],
    "UPL-1.0": ["Universal Permissive License 1.0", "UPL 1.0"],
    "Vim": ["Vim"],
    "W3C": ["W3C"],
    "WTFPL": ["WTFPL", "Do What The F*ck You Want To Public License"],
    "ZPL-2.1": ["Zope Public License 2.1", "ZPL 2.1"],
    "Zlib": ["zlib/libpng License", "zlib", "zlib/libpng"],
}
_LATER = re.compile(
    r"[,;]?\s*\(?(?:or|and)\s+(?:any\s+)?(?:later|newer|above)(?:\s+versions?)?\)?", re.I
)
_NOISE = frozenset(
    {"the", "license", "licence", "licensed", "under", "version", "versions", "software", "v"}
)
_WORDS = re.compile(r"[a-z*]+|\d+(?:\.\d+)*\+?|\+")
MAX_NAME = 120
"""Characters; what is longer is no name but a text."""


def key_of(name: str) -> str:
    """Bring spellings of one name together: `Apache License, Version 2.0`, `apache-2.0`."""
    name = _LATER.sub("+", name)
    outside = re.sub(r"\([^()]*\)", " ", name)
    if re.search(r"[A-Za-z]", outside):
        name = outside
    words: list[str] = []
    for word in _WORDS.findall(re.sub(r"v(?=\.?\s*\d)", " ", name.lower())):
        word = re.sub(r"(?<=\d)(?:\.0)+(?=\+|$)", "", word)
        if word == "+" and words:
            words[-1] += "+"
        elif word not in _NOISE and word != "+" and [word] != words[-1:]:
            words.append(word)
    return " ".join(words)


_BY_KEY = {key_of(name): spdx for spdx, names in _NAMES.items() for name in (spdx, *names)}


def named_licence(name: str) -> str:
    """Give the SPDX identifier that a name stands for, or ""."""
    return _BY_KEY.get(key_of(name), "") if len(name) <= MAX_NAME else ""


def classified_licence(classifier: str) -> str:
    """Give what a classifier says: an identifier, or "" for one that names no licence."""
    name = classifier.split("::")[-1].strip()
    if name in ("OSI Approved", "License", "") or len(name) > MAX_NAME:
        return ""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")
    return named_licence(name) or f"LicenseRef-{slug or 'unnamed'}"


_TEXTS = [
    (re.compile(beginning, re.IGNORECASE), spdx)
    for beginning, spdx in (
        (r"permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"),
        (r"permission to use, copy, modify, and/?(?:or)? distribute this software", "ISC"),
        (r"redistribution and use in source and binary forms", BSD),
        (r"^\W*apache license\W+version 2\.0", "Apache-2.0"),
        (r"licensed under the apache license, version 2\.0", "Apache-2.0"),
        (r"^\W*gnu affero general public license\W+version 3", "AGPL-3.0-only"),
        (r"^\W*gnu lesser general public license\W+version 3", "LGPL-3.0-only"),
        (r"^\W*gnu lesser general public license\W+version 2\.1", "LGPL-2.1-only"),
        (r"^\W*gnu general public license\W+version 3", "GPL-3.0-only"),
        (r"^\W*gnu general public license\W+version 2", "GPL-2.0-only"),
        (r"^\W*mozilla public license,?\W+(?:version )?2\.0", "MPL-2.0"),
    )
]


def licence_of_text(text: str) -> str:
    """Recognise a licence by the beginning of its own text, or ""."""
    return next((spdx for pattern, spdx in _TEXTS if pattern.search(text)), "")
