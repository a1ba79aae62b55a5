"""When a conversation has grown so far that something should be done."""

from dataclasses import dataclass

from m31a_autodream.errors import BadWindow


@dataclass(frozen=True, slots=True)
class Window:
    """A model's context window and the shares of it at which to act; raises BadWindow."""

    limit_tokens: int
    trigger: float = 0.60
    """From this share on the conversation should be consolidated."""
    warn: float = 0.80
    """From this share on a person should be told."""

    def __post_init__(self) -> None:
        """Refuse figures that would never or always trigger."""
        if self.limit_tokens < 1 or not (0 < self.trigger <= 1 and 0 < self.warn <= 1):
            raise BadWindow(self.limit_tokens, self.trigger, self.warn)

    @property
    def trigger_tokens(self) -> int:
        """The fewest tokens that should be consolidated; a sensible `target_tokens` is below."""
        return _share_of(self.limit_tokens, self.trigger)

    def share(self, tokens: int) -> float:
        """How full the window is with so many tokens in it; above 1 when they do not fit."""
        return tokens / self.limit_tokens

    def should_consolidate(self, tokens: int) -> bool:
        """Whether so many tokens have reached the trigger."""
        return tokens >= self.trigger_tokens

    def should_warn(self, tokens: int) -> bool:
        """Whether so many tokens have reached the warning."""
        return tokens >= _share_of(self.limit_tokens, self.warn)


def _share_of(limit_tokens: int, share: float) -> int:
    """The first whole number of tokens that makes up the share; 0.6 of 10 is 6, not 7."""
    exact = limit_tokens * share
    nearest = round(exact)
    return nearest if abs(exact - nearest) < 1e-6 else int(exact) + 1
