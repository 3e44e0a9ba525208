"""What a file says, in an error or a note: short, and on one line."""


def shown(value: object, *, most: int = 60) -> str:
    """The text of something from a file, cut, with line breaks and control characters escaped."""
    text = str(value)
    text = text if len(text) <= most else text[: most - 3] + "..."
    return text if text.isprintable() else repr(text)[1:-1]
