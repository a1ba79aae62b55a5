"""Terminals with hardly any room: never more lines than there are, none too wide."""

import pytest

from m31a.draw.frame import Size
from m31a.testing import Desk
from m31a_engine import AskOpened, PermissionAsk, PermissionRequest, Risk

REQUEST = PermissionRequest(tool="Bash", summary="ls", detail="ls -la /", risk=Risk.DANGEROUS)
ASKED = AskOpened(ask=PermissionAsk(ask_id="p", request=REQUEST), timeout_s=60)


@pytest.mark.parametrize("height", range(1, 7))
@pytest.mark.parametrize("width", [1, 2, 9, 40])
@pytest.mark.parametrize("screen", ["repl", "plan", "doctor", "palette"])
def test_a_frame_has_exactly_the_lines_of_the_terminal(
    screen: str, width: int, height: int
) -> None:
    desk = Desk(screen, size=Size(width, height)).tell(ASKED).wait(1.0)
    desk.app = desk.app.told("said")

    frame = desk.frame

    assert len(frame.lines) == height
    assert max(line.width for line in frame.lines) <= width
    assert frame.cursor is None or (frame.cursor.row < height and frame.cursor.column < width)


def test_one_row_says_what_goes_on() -> None:
    assert Desk("repl", size=Size(40, 1)).text == " ready │ sample-model │ $0.00 of $2.00"
