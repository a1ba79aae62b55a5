"""Put the repository's top-level prompts/ into the engine's sdist and wheel."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PromptsHook(BuildHookInterface[Any]):
    """Choose the prompts of the checkout, or those an sdist carries."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Map the prompts for the target at hand."""
        if version == "editable":  # the loader reads the checkout, so edits are seen at once
            return
        root = Path(self.root)
        places = (root / "prompts", root.parent.parent / "prompts")
        found = next((place for place in places if any(place.glob("*.md"))), None)
        if found is None:
            raise FileNotFoundError("prompts/ is neither in the sdist nor in the checkout")
        where = "prompts" if self.target_name == "sdist" else "m31a_engine/prompts"
        build_data["force_include"][str(found)] = where
