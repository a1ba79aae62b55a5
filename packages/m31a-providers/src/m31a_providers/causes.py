"""The words at the bottom of a pile of exceptions."""

import os
import socket
import ssl


def cause_of(error: BaseException) -> str:
    """What the operating system said, where it said anything: `connection refused`."""
    words = str(error)
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLError):
            # The reason of a certificate that was refused stands in a field of its own.
            verified = inner.verify_message if isinstance(inner, ssl.CertificateError) else ""
            return f"TLS: {verified or inner.reason or inner}"
        if isinstance(inner, socket.gaierror):
            return f"the name cannot be resolved: {inner.strerror}"
        if isinstance(inner, OSError) and inner.errno:
            words = os.strerror(inner.errno).lower()
        if isinstance(inner, BaseExceptionGroup):
            inner = inner.exceptions[0]
        else:
            inner = inner.__cause__ or inner.__context__
    return words or type(error).__name__
