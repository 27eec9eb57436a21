"""Words that say nothing about what a text is about."""

from __future__ import annotations

STOP = frozenset(
    """a about after again all also am an and any are aren as at be because been before being but by
    can could couldn d did didn do does doesn doing don done else ever for from get got had hadn has
    hasn have haven having he her here hers him his how i if in into is isn it its just ll m me might
    more most must my no nor not of off on once only or other our ours out over own re s same shall
    she should shouldn so some such t than that the their theirs them then there these they this those
    through to too u under until up us ve very was wasn we were weren what when where which while who
    whom whose why will with won would wouldn yes yet you your yours""".split()
)
