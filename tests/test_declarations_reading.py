"""JSON files that are none, or nearly: what is said of them, and the lines of what is right."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlplab.declarations.problems import BadInput
from mlplab.declarations.reading.json_text import parse_object, read_object

BROKEN = [
    ("", "a JSON object", None),
    ("  \n ", "a JSON object", None),
    ("[1]", "a JSON object { … }", 1),
    ('\n\n"text"', "a JSON object { … }", 3),
    ("null", "a JSON object { … }", 1),
    ('{"a": 1,\n}', "valid JSON", 2),
    ('{"a": 1\n "b": 2}', "valid JSON", 2),
    ("{'a': 1}", "valid JSON", 1),
    ('{\n"a": True}', "valid JSON", 2),
    ('{"a": 1} {"b": 2}', "valid JSON", 1),
    ('// my study\n{"a": 1}', "valid JSON", 1),
    ('{"a": "x\ny"}', "valid JSON", 1),
    ('{"a": "\\x"}', "valid JSON", 1),
    ('{"a": [1, 2', "valid JSON", 1),
    ('{"a": 01}', "valid JSON", 1),
    ('{"a":' * 60 + "1" + "}" * 60, "at most 50 levels of nesting", 1),
    ('{"a":' * 100_000 + "1" + "}" * 100_000, "at most 50 levels of nesting", None),
    ('{"a": ' + "1" * 5000 + "}", "numbers of at most 400 digits", None),
    ('{"a": "\\ud800"}', "text in whole Unicode characters", 1),
    ('{"\\udfff": 1}', "text in whole Unicode characters", 1),
]


@pytest.mark.parametrize(("text", "expected", "line"), BROKEN, ids=lambda value: repr(value)[:30])
def test_text_that_is_no_object(text, expected, line):
    with pytest.raises(BadInput) as caught:
        parse_object(text, "s.json")
    (problem,) = caught.value.problems
    assert problem.expected == expected
    assert problem.line == line
    assert str(problem).startswith("s.json")


READABLE = [
    ('{"a": 1, "b": 2,\n"a": 3}', "a", "every key once", 2),
    ('{"n": {"x": {"y": 1,\n\n"y": 2}}}', "n.x.y", "every key once", 3),
    ('{"n": [1,\nNaN]}', "n[1]", "a finite number", 2),
    ('{"n": -Infinity}', "n", "a finite number", 1),
    ('{"n": [[0, 1], [2, 1e999]]}', "n[1][1]", "a finite number", 1),
    ('{"n": -' + "9" * 350 + "}", "n", "a finite number", 1),
    ('{"n": ' + "9" * 450 + "}", "n", "a number of at most 400 digits", 1),
]


@pytest.mark.parametrize(("text", "where", "expected", "line"), READABLE)
def test_what_the_standard_library_lets_pass(text, where, expected, line):
    (problem,) = parse_object(text, "s.json").problems
    assert (problem.where, problem.expected, problem.line) == (where, expected, line)


def test_each_further_key_is_told():
    problems = parse_object('{"a": 1,\n"a": 2,\n"b": {"c": 1, "c": 1},\n"a": 3}', "s").problems
    assert [(p.where, p.line) for p in problems] == [("a", 2), ("b.c", 3), ("a", 4)]


def test_comments_are_dropped_and_may_repeat_and_say_anything():
    read = parse_object('{"//": 1, "//": {"x": NaN}, "a": [{"// why": 2, "b": 3}], "/": 4}', "s")
    assert read.values == {"a": [{"b": 3}], "/": 4}
    assert read.problems == ()


def test_a_byte_order_mark_is_tolerated(tmp_path):
    path = tmp_path / "s.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": "\xc3\xa4"}')
    assert read_object(path).values == {"a": "ä"}


@pytest.mark.parametrize("content", [b'{"a":\n"\xff"}', '{"a":\n1}'.encode("utf-16")])
def test_not_utf8(tmp_path, content):
    path = tmp_path / "s.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="expected text encoded as UTF-8"):
        read_object(path)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(BadInput, match="where nothing lies"):
        read_object(tmp_path / "none.json")
    with pytest.raises(BadInput, match="a folder"):
        read_object(tmp_path)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from("abcd"), PLAIN), st.sampled_from([None, 0, 2]))
def test_values_and_lines_are_those_of_the_text(values, indent):
    text = json.dumps(values, indent=indent, ensure_ascii=False)
    read = parse_object(text, "s")
    assert read.values == without_slashes(values)
    assert read.problems == ()
    lines = text.split("\n")
    for where, place in read.source_map.known.items():
        if where and isinstance(where[-1], str):
            assert place.line is not None
            assert json.dumps(where[-1], ensure_ascii=False) in lines[place.line - 1]


def without_slashes(value):
    if isinstance(value, dict):
        return {k: without_slashes(v) for k, v in value.items() if not k.startswith("//")}
    return [without_slashes(v) for v in value] if isinstance(value, list) else value
