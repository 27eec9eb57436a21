"""Measurements of neveridle against named floors and peers: ``make bench``."""

from __future__ import annotations
