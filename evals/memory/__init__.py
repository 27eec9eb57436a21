"""How well memory finds again what was said: conversations, questions, evidence."""

from __future__ import annotations

from neveridle.evals.memory.baselines import Bm25, Dense
from neveridle.evals.memory.conversation import Conversation, Question, Session, Skipped, Turn
from neveridle.evals.memory.dates import seconds_of
from neveridle.evals.memory.evidence import TurnIds
from neveridle.evals.memory.locomo import read_locomo
from neveridle.evals.memory.measure import Report, measure
from neveridle.evals.memory.recaller import Recaller, Stopwatch
from neveridle.evals.memory.remembered import Remembered, remembered
from neveridle.evals.memory.scoring import Asked, by_category, by_conversation, milliseconds, scores

__all__ = [
    "Asked",
    "Bm25",
    "Conversation",
    "Dense",
    "Question",
    "Recaller",
    "Remembered",
    "Report",
    "Session",
    "Skipped",
    "Stopwatch",
    "Turn",
    "TurnIds",
    "by_category",
    "by_conversation",
    "measure",
    "milliseconds",
    "read_locomo",
    "remembered",
    "scores",
    "seconds_of",
]
