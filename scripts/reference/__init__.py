"""The generated pages of the documentation.

``make reference`` writes them, ``make docs`` fails when one is out of date.
"""

from __future__ import annotations
