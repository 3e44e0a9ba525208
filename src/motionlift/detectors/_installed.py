"""What is installed of a detector's packages, without importing them."""

from importlib.metadata import PackageNotFoundError, version


def installed_version(*packages: str) -> str | None:
    """Version of the first of these distributions that is here; None if none is."""
    for package in packages:
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return None
