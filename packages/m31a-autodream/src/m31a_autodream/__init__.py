"""Keep a long conversation inside its window without losing what matters."""

from m31a_autodream.breaker import Breaker
from m31a_autodream.consolidate import Consolidation, consolidate
from m31a_autodream.errors import AutodreamError, BadWindow, CannotUndo, ConsolidationStopped
from m31a_autodream.tokens import Estimator, estimate_tokens
from m31a_autodream.window import Window

__all__ = [
    "AutodreamError",
    "BadWindow",
    "Breaker",
    "CannotUndo",
    "Consolidation",
    "ConsolidationStopped",
    "Estimator",
    "Window",
    "consolidate",
    "estimate_tokens",
]
