"""Texts on their way out: what a file says, in an error or a note; and what a file can keep."""


def storable(text: str) -> str:
    """A text that every format can keep; a path may hold bytes that are none in any encoding."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shown(value: object, *, most: int = 60) -> str:
    """The text of something from a file, cut, with line breaks and control characters escaped."""
    text = str(value)
    text = text if len(text) <= most else text[: most - 3] + "..."
    return text if text.isprintable() else repr(text)[1:-1]
