"""The readings of a station, from its CSV file."""

import csv
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Reading:
    """One day at a station, in degrees Celsius."""

    day: date
    low: float
    high: float


def parse(text):
    """The readings in a station's file, by day; remarks and empty lines are passed over."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [Reading(date.fromisoformat(d), float(low), float(high)) for d, low, high in csv.reader(lines)]
    return sorted(found, key=lambda reading: reading.day)


def remarks(text):
    """The remarks in a station's file."""
    return [line[1:].strip() for line in text.splitlines() if line.startswith("#")]
