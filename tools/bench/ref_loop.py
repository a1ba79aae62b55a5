"""The smallest agent loop on the same libraries: the floor a harness in Python stands on.

One shell tool, streaming, history in memory; no journal, no git, no checks. Not a product.
"""

import subprocess
import sys
from typing import Any

import anyio
import httpx
import httpx_sse
import msgspec

SHELL = {
    "type": "function",
    "function": {
        "name": "Bash",
        "description": "Run a shell command.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
    },
}


async def loop(base_url: str, goal: str) -> str:
    """The model's closing words."""
    encode = msgspec.json.Encoder().encode
    decode = msgspec.json.Decoder().decode
    messages: list[dict[str, object]] = [{"role": "user", "content": goal}]
    async with httpx.AsyncClient(timeout=None, trust_env=False) as client:
        while True:
            body = encode({"model": "any", "stream": True, "tools": [SHELL], "messages": messages})
            text = ""
            calls: dict[int, dict[str, Any]] = {}
            async with httpx_sse.aconnect_sse(
                client,
                "POST",
                f"{base_url}/chat/completions",
                content=body,
                headers={"content-type": "application/json"},
            ) as source:
                async for event in source.aiter_sse():
                    if event.data == "[DONE]":
                        continue
                    for choice in decode(event.data)["choices"]:
                        delta = choice["delta"]
                        text += delta.get("content") or ""
                        for piece in delta.get("tool_calls") or ():
                            call = calls.setdefault(
                                piece["index"],
                                {
                                    "id": "",
                                    "type": "function",
                                    "function": {"name": "", "arguments": ""},
                                },
                            )
                            call["id"] = piece.get("id") or call["id"]
                            function = piece.get("function") or {}
                            call["function"]["name"] += function.get("name") or ""
                            call["function"]["arguments"] += function.get("arguments") or ""
            if not calls:
                return text
            messages.append(
                {"role": "assistant", "content": text, "tool_calls": list(calls.values())}
            )
            for call in calls.values():
                command = decode(call["function"]["arguments"])["command"]
                done = await anyio.run_process(
                    ["bash", "-c", command], check=False, stderr=subprocess.STDOUT
                )
                messages.append(
                    {
                        "role": "tool",
                        "tool_call_id": call["id"],
                        "content": done.stdout.decode(errors="replace"),
                    }
                )


if __name__ == "__main__":
    print(anyio.run(loop, sys.argv[1], sys.argv[2]))
