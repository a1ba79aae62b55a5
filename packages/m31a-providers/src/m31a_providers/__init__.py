"""Model servers with one face: streaming chat completions, tool calls, retries, recordings."""

from m31a_providers.catalogue import Catalogue, load_catalogue
from m31a_providers.choice import Choice, Complexity, Need, Record, choose_model, complexity_of
from m31a_providers.connect import connect, warm_up
from m31a_providers.errors import (
    BadSetting,
    MalformedReply,
    NotRecorded,
    OutOfCredit,
    ProviderError,
    RateLimited,
    RequestRejected,
    Stalled,
    StreamBroken,
    Unauthorized,
    Unavailable,
    UnknownProvider,
    Unreachable,
    WindowExceeded,
)
from m31a_providers.fallback import FallbackProvider, FallbackSettings, Switch
from m31a_providers.local_servers import LocalKind, LocalServer, discover, inspect_local
from m31a_providers.messages import (
    AssistantMessage,
    Message,
    Part,
    ReasoningPart,
    Stop,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    Usage,
    UserMessage,
)
from m31a_providers.models import ModelInfo, cost_of
from m31a_providers.prefix import PrefixBreak
from m31a_providers.provider import Health, HealthStatus, Provider
from m31a_providers.recording import Recorder, Recording
from m31a_providers.requests import ChatRequest, Sampling, ToolSpec
from m31a_providers.retry import Retry, Timeouts
from m31a_providers.server import is_loopback
from m31a_providers.stream import (
    Finished,
    ReasoningDelta,
    Restarted,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    fold,
)

__all__ = [
    "AssistantMessage",
    "BadSetting",
    "Catalogue",
    "ChatRequest",
    "Choice",
    "Complexity",
    "FallbackProvider",
    "FallbackSettings",
    "Finished",
    "Health",
    "HealthStatus",
    "LocalKind",
    "LocalServer",
    "MalformedReply",
    "Message",
    "ModelInfo",
    "Need",
    "NotRecorded",
    "OutOfCredit",
    "Part",
    "PrefixBreak",
    "Provider",
    "ProviderError",
    "RateLimited",
    "ReasoningDelta",
    "ReasoningPart",
    "Record",
    "Recorder",
    "Recording",
    "RequestRejected",
    "Restarted",
    "Retry",
    "Sampling",
    "Stalled",
    "Stop",
    "StreamBroken",
    "StreamEvent",
    "Switch",
    "SystemMessage",
    "TextDelta",
    "TextPart",
    "Timeouts",
    "ToolCall",
    "ToolCallStarted",
    "ToolMessage",
    "ToolSpec",
    "Unauthorized",
    "Unavailable",
    "UnknownProvider",
    "Unreachable",
    "Usage",
    "UserMessage",
    "WindowExceeded",
    "choose_model",
    "complexity_of",
    "connect",
    "cost_of",
    "discover",
    "fold",
    "inspect_local",
    "is_loopback",
    "load_catalogue",
    "warm_up",
]
