from pathlib import Path

import pytest

from m31a_providers import Catalogue, ModelInfo, Unreachable, load_catalogue
from m31a_providers.testing import Script, ScriptedProvider

pytestmark = pytest.mark.anyio


class Counting(ScriptedProvider):
    asked = 0
    is_down = False

    async def models(self) -> tuple[ModelInfo, ...]:
        self.asked += 1
        if self.is_down:
            raise Unreachable(provider=self.name, address="http://x", reason="gone")
        return await super().models()


async def test_a_fresh_copy_is_used_and_an_old_one_replaced(tmp_path: Path) -> None:
    provider, path, now = (
        Counting(Script(models=("a",))),
        tmp_path / "cache" / "models.json",
        1000.0,
    )
    first = await load_catalogue(provider, path, now=lambda: now)
    assert [model.id for model in first.models] == ["a"]
    now += 299
    second = await load_catalogue(provider, path, now=lambda: now)
    assert (second.models, second.age_s, provider.asked) == (first.models, 299.0, 1)
    now += 1
    third = await load_catalogue(provider, path, now=lambda: now)
    assert (third.age_s, third.fetched_at_s, provider.asked) == (0.0, 1300.0, 2)
    assert [entry.name for entry in path.parent.iterdir()] == ["models.json"]


async def test_an_old_copy_does_when_the_server_is_gone(tmp_path: Path) -> None:
    provider, path, now = Counting(Script(models=("a",))), tmp_path / "models.json", 1000.0
    await load_catalogue(provider, path, now=lambda: now)
    now += 90_000
    provider.is_down = True
    stale = await load_catalogue(provider, path, now=lambda: now)
    assert ([model.id for model in stale.models], stale.age_s) == (["a"], 90_000.0)
    assert "gone" in stale.trouble


async def test_without_a_copy_the_trouble_is_raised(tmp_path: Path) -> None:
    provider = Counting([])
    provider.is_down = True
    with pytest.raises(Unreachable):
        await load_catalogue(provider, tmp_path / "models.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"provider": "scripted"}'])
async def test_a_copy_nobody_can_read_is_no_copy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "models.json"
    path.write_bytes(content)
    provider = Counting(Script(models=("a",)))
    found = await load_catalogue(provider, path)
    assert isinstance(found, Catalogue)
    assert provider.asked == 1


async def test_a_copy_of_another_provider_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    await load_catalogue(Counting([], name="one"), path)
    other = Counting([], name="other")
    assert (await load_catalogue(other, path)).provider == "other"
    assert other.asked == 1
