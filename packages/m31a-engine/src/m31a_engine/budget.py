"""A money limit that holds before a request is sent, for everything a session does.

Before each request the dearest way it could go is reserved: an upper bound of the prompt
at the input price, and `max_tokens` at the output price. When the answer is there, the
reservation is given back and the real cost counted. Parallel tasks share one budget.
"""

from dataclasses import dataclass

from m31a_engine.errors import BudgetSpent
from m31a_providers import Usage

MIN_OUTPUT_TOKENS = 1024
"""An answer shorter than this is not worth asking for."""
MAX_OUTPUT_TOKENS = 16_384
ESTIMATE_MARGIN = 1.25


@dataclass(frozen=True, slots=True)
class Prices:
    """What a model costs, in US dollars a token; None is unknown."""

    input_usd: float | None
    output_usd: float | None

    @property
    def known(self) -> bool:
        """Whether a bound can be computed."""
        return self.input_usd is not None and self.output_usd is not None


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one request, and the longest answer it pays for."""

    usd: float
    max_tokens: int | None


class Budget:
    """Counts usage and cost of a session and refuses what could exceed the limit."""

    def __init__(self, limit_usd: float | None) -> None:
        self.limit_usd = limit_usd
        self.usage = Usage()
        self.requests = 0
        self.models: dict[str, int] = {}
        """Answers by model, as the models name themselves."""
        self._reserved_usd = 0.0
        self._lost_usd = 0.0

    @property
    def spent_usd(self) -> float | None:
        """Cost so far, answers that were cut off included; None when a part is unknown."""
        known = 0.0 if self.usage == Usage() else self.usage.cost_usd
        return None if known is None else known + self._lost_usd

    def reserve(
        self,
        estimated_tokens: int,
        prompt_bytes: int,
        prices: Prices,
        longest: int = MAX_OUTPUT_TOKENS,
    ) -> Reservation:
        """Set aside what a request may cost at most; `longest` is the most tokens of its answer.

        Raises:
            BudgetSpent: not even a short answer fits into what is left, or nobody knows.
        """
        if self.limit_usd is None:
            return Reservation(usd=0.0, max_tokens=None)
        if prices.input_usd is None or prices.output_usd is None:
            raise BudgetSpent(
                f"the budget of ${self.limit_usd:g} cannot be kept: the model's price is not known",
                limit_usd=self.limit_usd,
                spent_usd=self._counted_usd,
            )
        prompt = min(int(estimated_tokens * ESTIMATE_MARGIN), prompt_bytes)
        spent = self._counted_usd
        left = self.limit_usd - spent - self._reserved_usd - prompt * prices.input_usd
        tokens = longest
        if prices.output_usd > 0:
            tokens = min(tokens, int(left / prices.output_usd))
        if left < 0 or tokens < min(MIN_OUTPUT_TOKENS, longest):
            raise self._spent()
        usd = prompt * prices.input_usd + tokens * prices.output_usd
        self._reserved_usd += usd
        return Reservation(usd=usd, max_tokens=tokens)

    def settle(self, reservation: Reservation, usage: Usage, model: str = "") -> None:
        """Give a reservation back and count what the answer really cost."""
        self._reserved_usd -= reservation.usd
        self.count(usage, model)

    def repeat(self, reservation: Reservation) -> None:
        """Count a try that broke off as if it had cost all it could; the next has the same place.

        Raises:
            BudgetSpent: the next try does not fit into what is left.
        """
        self._lost_usd += reservation.usd
        self.requests += 1
        if self.limit_usd is not None and self._counted_usd + self._reserved_usd > self.limit_usd:
            raise self._spent()

    def lose(self, reservation: Reservation) -> None:
        """Count a request that brought no whole answer as if it had cost all it could."""
        self._reserved_usd -= reservation.usd
        self._lost_usd += reservation.usd
        self.requests += 1

    def count(self, usage: Usage, model: str = "") -> None:
        """Add one answer's usage."""
        self.usage = self.usage + usage
        self.requests += 1
        if model:
            self.models[model] = self.models.get(model, 0) + 1

    @property
    def _counted_usd(self) -> float:
        return (self.usage.cost_usd or 0.0) + self._lost_usd

    def _spent(self) -> BudgetSpent:
        spent = self._counted_usd
        return BudgetSpent(
            f"the budget of ${self.limit_usd:g} could be exceeded by the next request"
            f" (${spent:.4f} spent)",
            limit_usd=self.limit_usd or 0.0,
            spent_usd=spent,
        )
