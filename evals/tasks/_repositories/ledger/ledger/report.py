"""The book as a report."""

from ledger.money import show


def report(book):
    """A line for each account with its balance."""
    # TODO: accounts in the order of their names
    return "\n".join(f"{name}: {show(book.balance(name))}" for name in book.accounts())
