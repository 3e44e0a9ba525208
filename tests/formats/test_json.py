"""JSON read piece by piece is JSON, whatever the size of the pieces."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlift.errors import FormatError
from motionlift.formats import _json
from motionlift.formats._json import JsonFile, glimpse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("chunk", [1, 7, 2**20])
@settings(max_examples=60, deadline=None)
@given(values=st.lists(VALUES, max_size=6), indent=st.sampled_from([None, 1]))
def test_elements_are_those_of_the_list(
    tmp_path_factory: pytest.TempPathFactory, chunk: int, values: list[object], indent: int | None
) -> None:
    path = tmp_path_factory.getbasetemp() / "elements.json"
    path.write_text(json.dumps({"a": 1, "values": values, "z": {}}, indent=indent))
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json, "_CHUNK", chunk)
        with JsonFile(path) as file:
            for key in file.members():
                found[key] = list(file.elements()) if key == "values" else file.value()
            file.end()
    assert found == {"a": 1, "values": values, "z": {}}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[1,\n2,\n3", 3, "the file ends; it may be cut short"),
        ("[1,\n2\n3]", 3, "'3' found"),
        ('[1,\n"two', 2, "the file may be cut short"),
        ("[1,\n2,\n]", 3, "Expecting value"),
        ("[1]\n[2]", 2, "something follows"),
        ("", 1, "expected a list"),
        ('{"a": 1}', 1, "expected a list"),
        ("[" + "9" * 5000 + "]", 1, "not valid JSON"),
        ("[" + "[" * 200_000, 1, "nested too deep"),
        ("[tru", 1, "not valid JSON"),
    ],
)
def test_errors_say_the_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(FormatError) as caught, JsonFile(path) as file:
        list(file.elements())
        file.end()
    assert f"{path}:{line}: " in str(caught.value)
    assert message in str(caught.value)


def test_a_value_without_end_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('["' + "x" * (40 * 2**20))
    with pytest.raises(FormatError, match="none is as large"), JsonFile(path) as file:
        list(file.elements())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a": 1}, {"b": 2}]', [{"a": 1}]),
        ("[]", []),
        # Frames before anybody comes say nothing of what the file is.
        ('[null, {"a": null}, {"a": 2, "b": [[3]]}]', [{"a": 2, "b": [[3]]}]),
        ('[{"a": 1}, {"b": [[3]]}]', [{"a": 1}]),
        ('[{"b": [[]]}, {"b": [{"x": 3}]}]', [{"b": [{"x": 3}]}]),
        ('{"a": 1, "b": [[], [3]], "c": 4}', {"a": 1, "b": [[3]], "c": 4}),
        ('{"a": 1, "b": [1, 2, 3], "c": 4}', {"a": 1, "b": [1], "c": 4}),
        ('{"a": 1, "b": [' + "7," * 99 + '7], "c": 4}', {"a": 1, "b": [7]}),
        ('{"a": 1, "b": [{"c":', {"a": 1}),
        ("not json", None),
        ('"text"', None),
    ],
)
def test_a_glimpse_is_how_it_begins(tmp_path: Path, text: str, expected: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    assert glimpse(path) == expected
