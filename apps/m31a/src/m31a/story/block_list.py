"""A long list of blocks as a value: adding and changing one copies a few hundred, not all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from m31a.story.blocks import Block

CHUNK = 256


@dataclass(frozen=True, slots=True)
class BlockList(Sequence[Block]):
    """Full chunks of `CHUNK` blocks, and the rest."""

    chunks: tuple[tuple[Block, ...], ...] = ()
    tail: tuple[Block, ...] = ()

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> "BlockList":
        """These blocks in order."""
        every = tuple(blocks)
        full = len(every) // CHUNK * CHUNK
        chunks = tuple(every[at : at + CHUNK] for at in range(0, full, CHUNK))
        return cls(chunks, every[full:])

    def adding(self, *blocks: Block) -> "BlockList":
        """With more at its end."""
        grown = (*self.tail, *blocks)
        if len(grown) < CHUNK:
            return BlockList(self.chunks, grown)
        full = len(grown) // CHUNK * CHUNK
        new = (grown[at : at + CHUNK] for at in range(0, full, CHUNK))
        return BlockList((*self.chunks, *new), grown[full:])

    def changing(self, index: int, block: Block) -> "BlockList":
        """With another block at a place."""
        at, place = divmod(index, CHUNK)
        if at == len(self.chunks):
            return BlockList(self.chunks, _changed(self.tail, place, block))
        chunk = _changed(self.chunks[at], place, block)
        return BlockList((*self.chunks[:at], chunk, *self.chunks[at + 1 :]), self.tail)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.chunks) * CHUNK + len(self.tail)

    @overload
    def __getitem__(self, index: int) -> Block: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Block, ...]: ...

    def __getitem__(self, index: int | slice) -> Block | tuple[Block, ...]:
        """One block, or some of them."""
        if isinstance(index, slice):
            return tuple(self[at] for at in range(*index.indices(len(self))))
        at, place = divmod(index + len(self) if index < 0 else index, CHUNK)
        if at < 0 or at > len(self.chunks):
            raise IndexError(index)
        return self.tail[place] if at == len(self.chunks) else self.chunks[at][place]

    def __iter__(self) -> Iterator[Block]:
        """All, in order."""
        for chunk in self.chunks:
            yield from chunk
        yield from self.tail


def _changed(blocks: tuple[Block, ...], place: int, block: Block) -> tuple[Block, ...]:
    return (*blocks[:place], block, *blocks[place + 1 :])
