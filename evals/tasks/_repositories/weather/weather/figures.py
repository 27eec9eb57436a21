"""Figures of several days."""


def mean(readings):
    """The mean temperature: halfway between low and high, over all days."""
    return sum((one.low + one.high) / 2 for one in readings) / len(readings)


def warmest(readings):
    """The day with the highest temperature; the first of several."""
    return max(readings, key=lambda one: one.high)


def frost_days(readings):
    """How many days were below zero at their lowest."""
    return sum(one.low < 0 for one in readings)
