"""All hostile archives, each made from a few bytes of code; none is stored."""

from tests.archive.hostile_bombs import BOMBS
from tests.archive.hostile_names import NAMES
from tests.archive.hostile_tars import TARS
from tests.archive.hostile_wheels import WHEELS
from tests.archive.hostile_zips import ZIPS
from tests.archive.registry import Hostile

HOSTILE: list[Hostile] = [*NAMES, *BOMBS, *ZIPS, *TARS, *WHEELS]
