"""The weights that ship, each with its card (`NAME.safetensors` and `NAME.json`)."""
