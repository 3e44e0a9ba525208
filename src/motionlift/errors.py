"""The errors that a user can mend.

Each message says where (a path, with a line where there is one), what was found, what was
expected and what to do. The command line prints it as one line and exits with 2; anything
that is not a `MotionliftError` is a bug and shows its traceback.
"""


class MotionliftError(Exception):
    """Something that the user can mend; the message says how."""


class FormatError(MotionliftError):
    """A file could not be read or written as its format asks."""


class SkeletonError(MotionliftError):
    """Joints are missing, unknown, or do not fit the skeleton they are said to have."""


class StoreError(MotionliftError):
    """A store is missing, damaged, or does not hold what was asked for."""


class RecipeError(MotionliftError):
    """A recipe is unknown, or one of its settings is out of range or without effect."""


class WeightsError(MotionliftError):
    """Weights are unknown, damaged, unsafe to read, or of another architecture."""


class OptionError(MotionliftError):
    """A command's option is out of range, or does not go with the others."""
