"""The recipes, one a file, each derived from another."""

from motionlift.errors import RecipeError
from motionlift.registry import Registry
from motionlift.training.recipe import Recipe

RECIPES: Registry[Recipe] = Registry(
    package=__name__, constant="RECIPE", kind="recipe", error=RecipeError
)
