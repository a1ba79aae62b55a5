"""Words for what a sandbox keeps a command from."""

from enum import StrEnum


class Confines(StrEnum):
    """Something that a sandbox keeps a command from."""

    WRITES = "writes"
    METADATA = "metadata"
    PROTECTED = "protected"
    SECRETS = "secrets"
    NETWORK = "network"
    SERVICES = "services"
    SIGNALS = "signals"
    PROCESSES = "processes"
    TRACING = "tracing"
    KERNEL = "kernel"
    OUTLIVING = "outliving"


SENTENCES = {
    Confines.WRITES: "change files outside of what it was given",
    Confines.METADATA: "change modes, times and owners of files outside",
    Confines.PROTECTED: "make or change .git, .m31a and read-only paths in its writable folders",
    Confines.SECRETS: "read keys in the home folder",
    Confines.NETWORK: "reach the network",
    Confines.SERVICES: "reach local services by their sockets (buses, agents, docker)",
    Confines.SIGNALS: "end other processes of the user",
    Confines.PROCESSES: "see other processes and their command lines",
    Confines.TRACING: "trace other processes or read their memory",
    Confines.KERNEL: "mount, make namespaces, and use other wide doors into the kernel",
    Confines.OUTLIVING: "leave children that outlive a killed program that started it",
}
"""What ends the sentence *A command can …* where it is not kept from it."""
