"""Amounts of money, in whole cents."""


def parse(text):
    """The cents of an amount such as ``12.50``."""
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def show(cents):
    """Cents as an amount with two decimals."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
