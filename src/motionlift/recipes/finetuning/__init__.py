"""The recipes of finetuning, one file a task; they begin from weights that have learned."""

from motionlift.errors import RecipeError
from motionlift.registry import Registry
from motionlift.training.recipe import Recipe

FINETUNING: Registry[Recipe] = Registry(
    package=__name__, constant="RECIPE", kind="finetuning task", error=RecipeError
)
