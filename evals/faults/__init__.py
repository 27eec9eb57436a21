"""What goes wrong in a play, and what people do: plans of faults and acts.

``docs/evals_faults.md`` describes both; ``docs/design/evals_faults.md`` says how they work.
"""

from __future__ import annotations
