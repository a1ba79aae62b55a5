"""`models`: what the configured provider offers, with windows and prices."""

from m31a_engine import Catalogue, LocalServer, ModelInfo, completed
from m31a_headless.looking import Looking, looking_at
from m31a_headless.output import remark, say

PER_MILLION = 1_000_000


def main(program: str, words: list[str]) -> int:
    """List models; 1 when none fits."""
    parser = looking_at(
        program,
        "models",
        "The models of the chosen provider: context in tokens, price of a million tokens in and"
        " out in US dollars, whether tools can be used. `?` is what the provider does not say.",
    )
    parser.add_argument("words", nargs="*", help="only models with all these words in their names")
    parser.add_argument("--provider", metavar="NAME", help="openrouter, zen or a [provider.NAME]")
    parser.add_argument("--base-url", metavar="URL", help="an OpenAI-compatible server")
    parser.add_argument(
        "--local", action="store_true", help="the servers that answer on this machine instead"
    )
    parser.add_argument("--anew", action="store_true", help="ask, whatever is known")
    look = Looking.of(parser, words)
    provider = look.given.provider or ("local" if look.given.base_url else None)
    overrides: dict[str, object] = {"provider.default": provider} if provider else {}
    if look.given.base_url:
        overrides[f"provider.{provider}.base_url"] = look.given.base_url
    desk = look.desk(overrides)
    if look.given.local:
        return _local(look, completed(desk.models.local))
    catalogue = completed(lambda: desk.models.list(anew=look.given.anew))
    fitting = tuple(model for model in catalogue.models if _fits(model, look.given.words))
    if look.json:
        look.print(
            {
                "provider": catalogue.provider,
                "age_s": catalogue.age_s,
                "trouble": catalogue.trouble,
                "models": fitting,
            }
        )
    else:
        _tell(catalogue, fitting)
        if not fitting:
            wanted = " with " + " ".join(look.given.words) if look.given.words else ""
            remark(f"{catalogue.provider} offers no model{wanted}")
    return 0 if fitting else 1


def _local(look: Looking, servers: tuple[LocalServer, ...]) -> int:
    """Tell which servers answer here and what they offer; 1 when none does."""
    if look.json:
        look.print(servers)
    else:
        for server in servers:
            say(f"{server.kind.value} at {server.base_url}")
            _rows(tuple(model for model in server.models if _fits(model, look.given.words)))
        if not servers:
            remark("no model server answers at the usual addresses of this machine")
    return 0 if servers else 1


def _fits(model: ModelInfo, words: list[str]) -> bool:
    name = f"{model.id} {model.name}".casefold()
    return all(word.casefold() in name for word in words)


def _rows(models: tuple[ModelInfo, ...]) -> None:
    width = max((len(model.id) for model in models), default=0)
    for model in models:
        context = "?" if model.context_tokens is None else str(model.context_tokens)
        prices = f"{_price(model.price_in):>9} {_price(model.price_out):>9}"
        tools = {True: "tools", False: "no tools", None: "?"}[model.supports_tools]
        say(f"{model.id:{width}}  {context:>9} {prices}  {tools}")


def _tell(catalogue: Catalogue, models: tuple[ModelInfo, ...]) -> None:
    _rows(models)
    if catalogue.trouble:
        remark(
            f"{catalogue.provider} did not answer ({catalogue.trouble}); this list is"
            f" {catalogue.age_s / 3600:.1f} h old"
        )


def _price(usd: float | None) -> str:
    return "?" if usd is None else f"${usd * PER_MILLION:.2f}"
