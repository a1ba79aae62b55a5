"""Models that say what a script tells them: in the process, or over real HTTP on loopback."""

from m31a_providers.script import Call, Reply, Rule, Script
from m31a_providers.testing.model_server import ModelServer, UnmatchedRequests
from m31a_providers.testing.scripted import ScriptedProvider
from m31a_providers.testing.seen import RequestSeen

__all__ = [
    "Call",
    "ModelServer",
    "Reply",
    "RequestSeen",
    "Rule",
    "Script",
    "ScriptedProvider",
    "UnmatchedRequests",
]
