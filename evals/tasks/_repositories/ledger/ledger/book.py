"""The book itself."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """Money that came or went."""

    day: str
    account: str
    cents: int
    text: str = ""


@dataclass
class Book:
    """Entries, in the order in which they came."""

    entries: list = field(default_factory=list)

    def add(self, day, account, cents, text=""):
        """Write an entry down."""
        entry = Entry(day, account, cents, text)
        self.entries.append(entry)
        return entry

    def all(self):
        """Every entry."""
        return list(self.entries)

    def accounts(self):
        """The names of the accounts, in the order of their first entries."""
        return list(dict.fromkeys(entry.account for entry in self.entries))

    def balance(self, account):
        """The sum of an account, in cents."""
        return sum(entry.cents for entry in self.entries if entry.account == account)
