"""Enumerations that are written as their values."""

from enum import Enum


class Word(Enum):
    """An enumeration whose members are written as their values."""

    def __str__(self) -> str:
        return str(self.value)
