"""Here-documents that are data: nothing in them is looked at by a shell."""

import re

# `cat <<'END'`, the only one on its line: what follows is data, whatever stands in it.
_BEGINS = re.compile(r"<<-?[ \t]*(['\"])(\w+)\1[^\n<]*\n")


def without_data(text: str) -> tuple[str, dict[int, str]]:
    """The text without the bodies of such documents, and the bodies by their `<<`'s byte offset.

    Nothing is cut unless all here-documents are of this kind: then no line of another one, and
    no command, can be taken for such a body. The tree of what is left must show a here-document
    at each of the offsets; otherwise the text was read wrongly.
    """
    marks = text.count("<<")
    if not marks or "<<<" in text:
        return text, {}
    out: list[str] = []
    data: dict[int, str] = {}
    at = size = 0
    while (found := _BEGINS.search(text, at)) is not None:
        ending = re.compile(rf"^\t*{found[2]}$", re.MULTILINE).search(text, found.end())
        if ending is None:
            return text, {}
        data[size + len(text[at : found.start()].encode())] = text[found.end() : ending.start()]
        out.append(text[at : found.end()])
        size += len(out[-1].encode())
        at = ending.start()
    reduced = "".join((*out, text[at:]))
    return (reduced, data) if reduced.count("<<") == len(data) else (text, {})
