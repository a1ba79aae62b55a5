"""Arguments that a program reads from a descriptor instead of its command line."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Inherited:
    """An argument that becomes the number of a descriptor from which `data` can be read once."""

    data: bytes


@contextlib.contextmanager
def opened(argv: Sequence[str | Inherited]) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The arguments as text, and the descriptors to pass on; they are closed afterwards."""
    with contextlib.ExitStack() as open_files:
        arguments: list[str] = []
        descriptors: list[int] = []
        for argument in argv:
            if isinstance(argument, Inherited):
                descriptors.append(_descriptor(argument.data, open_files))
                arguments.append(str(descriptors[-1]))
            else:
                arguments.append(argument)
        yield arguments, tuple(descriptors)


def _descriptor(data: bytes, open_files: contextlib.ExitStack) -> int:
    """A nameless file that stands at its beginning: unlike a pipe it takes any size at once."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("m31a")
        open_files.callback(os.close, descriptor)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor
    named = open_files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    named.write(data)
    named.seek(0)
    return named.fileno()
