"""Errors as people read them."""

from m31a_engine import EngineError


def sentence_of(error: BaseException) -> tuple[str, str]:
    """An error as a sentence and a remedy.

    Raises: the error itself when it is neither the engine's nor the system's: a bug.
    """
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    match first:
        case EngineError(message=message, remedy=remedy):
            return message, remedy
        case OSError():
            return f"{first.filename or 'the system refused'}: {first.strerror or first}", ""
        case _:
            raise error
