"""What a network is trained for: samples, a head, loss terms and validation, one file a task."""

from typing import Any

from motionlift.errors import OptionError
from motionlift.registry import Registry
from motionlift.tasks._task import Samples, Task

__all__ = ["TASKS", "Samples", "Task"]

TASKS: Registry[Task[Any]] = Registry(
    package=__name__, constant="TASK", kind="task", error=OptionError
)
