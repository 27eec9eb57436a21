"""The book as a CSV file."""

import csv

from ledger.book import Book
from ledger.money import parse, show


def load(path):
    """The book kept in a file; an empty one where there is no file yet."""
    book = Book()
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for day, account, amount, text in csv.reader(file):
                book.add(day, account, parse(amount), text)
    return book


def save(book, path):
    """Keep the book in a file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        for entry in book.all():
            rows.writerow([entry.day, entry.account, show(entry.cents), entry.text])
