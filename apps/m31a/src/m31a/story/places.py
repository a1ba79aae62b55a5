"""Blocks of a story that may still change: found by what they tell of."""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from m31a.story.blocks import Block
from m31a.story.story import Story

B = TypeVar("B", bound=Block)


def placed(story: Story, kind: str, name: str, block: Block) -> Story:
    """The story with a block at its end that may still change."""
    places = {**story.places, f"{kind}:{name}": len(story.blocks)}
    return replace(story, blocks=story.blocks.adding(block), places=MappingProxyType(places))


def changed(story: Story, key: str, kind: type[B], change: Callable[[B], B]) -> Story:
    """The story with the block of that key changed; without one nothing changes."""
    index = story.places.get(key)
    block = story.blocks[index] if index is not None else None
    if index is None or not isinstance(block, kind):
        return story
    return replace(story, blocks=story.blocks.changing(index, change(block)))


def settled(story: Story, *keys: str) -> Story:
    """The story in which these blocks do not change any more."""
    left = {key: index for key, index in story.places.items() if key not in keys}
    return replace(story, places=MappingProxyType(left))
