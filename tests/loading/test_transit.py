"""Transit in its JSON encoding (import-api.md 6.3)."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.loading.decoding import MalformedJSON
from integrations.loading.transit import CACHE_ENTRIES, MalformedTransit, decode_transit
from integrations.loading.values import ExactDecimal

VECTOR = """
[["^ ","action","upsert","table_name","boats","key_names",["id"],"sequence","~i1795316438506205800","data",
["^ ","id",1,"name","Ann ü","price","~f1.50","f",2.0,"big","~n1180591620717411303424","at","~m1704164645678",
"tags",["a","~~b"],"nest",["^ ","^5","x"],"none",null,"b",true],"client_id",7],
["^ ","^0","upsert","^1","boats","^2",["id"],"^3",2,"^4",["^ ","id",2,"^5","~^caret"],"^:",7],
["^ ","^0","switch_view","^1","boats","table_version",9,"^3",3,"^:",7]]
"""


def test_the_vector_of_a_real_client_decodes_as_stated():
    first, second, third = decode_transit(VECTOR.encode())
    assert first == {
        "action": "upsert",
        "table_name": "boats",
        "key_names": ["id"],
        "sequence": 1795316438506205800,
        "data": {
            "id": 1,
            "name": "Ann ü",
            "price": Decimal("1.50"),
            "f": Decimal("2.0"),
            "big": 2**70,
            "at": datetime(2024, 1, 2, 3, 4, 5, 678000, UTC),
            "tags": ["a", "~b"],
            "nest": {"name": "x"},
            "none": None,
            "b": True,
        },
        "client_id": 7,
    }
    assert str(first["data"]["price"]) == "1.50"
    assert type(first["data"]["price"]) is ExactDecimal
    assert type(first["data"]["f"]) is Decimal
    assert second == {
        "action": "upsert",
        "table_name": "boats",
        "key_names": ["id"],
        "sequence": 2,
        "data": {"id": 2, "name": "^caret"},
        "client_id": 7,
    }
    assert third == {
        "action": "switch_view",
        "table_name": "boats",
        "table_version": 9,
        "sequence": 3,
        "client_id": 7,
    }


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        ('"~i9007199254740993"', 9007199254740993),
        ('"~d1.5"', Decimal("1.5")),
        ('"~m-1"', datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
        ('"~t2024-01-02T03:04:05.678Z"', datetime(2024, 1, 2, 3, 4, 5, 678000, UTC)),
        ('"~m9999999999999999"', "9999999999999999"),
        ('"~?t"', True),
        ('"~?f"', False),
        ('"~_"', None),
        ('"~zNaN"', None),
        ('"~zINF"', None),
        ('"~z-INF"', None),
        ('"~bYWJj"', "YWJj"),
        ('"~u531a379e-31bb-4ce1-8690-158dceb64be6"', "531a379e-31bb-4ce1-8690-158dceb64be6"),
        ('["~#u",[5988159807121214689,-8750470377178248218]]', "531a379e-31bb-4ce1-8690-158dceb64be6"),
        ('"~rhttp://example.com"', "http://example.com"),
        ('"~ca"', "a"),
        ('"~:keyword"', "keyword"),
        ('"~$symbol"', "symbol"),
        ('["~#set",[1,"~i2"]]', [1, 2]),
        ('["~#list",[]]', []),
        ('["~#\'","~i5"]', 5),
        ('["~#\'",null]', None),
        ('["~#cmap",[["^ ","a",1],"x","~i5","y",null,"z"]]', {'{"a":1}': "x", "5": "y", "null": "z"}),
        ('["^ ","~i5",1,"~:kw",2,"~?t",3,"~m0",4]', {"5": 1, "kw": 2, "true": 3, "1970-01-01T00:00:00Z": 4}),
        ('["^ "]', {}),
        ('{"~i5":"~i6","a":"~:b"}', {"5": 6, "a": "b"}),
        ('{"~#set":[1]}', [1]),
        ('{"~#t":"2024-01-02T03:04:05Z"}', datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ('["~~x","~^x","~`x","`x"]', ["~x", "^x", "`x", "`x"]),
        ('"~Xunknown"', "~Xunknown"),
        ('["~#unknown",[1]]', [1]),
        ('["~:longkeyword","^0"]', ["longkeyword", "longkeyword"]),
        ('[["~#set",[1]],["^0",[2]]]', [[1], [2]]),
        ('"~"', "~"),
        ('""', ""),
    ],
)
def test_every_encoding_of_the_table(encoded, value):
    decoded = decode_transit(encoded.encode())
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize(
    "encoded",
    [
        '"^0"',
        '["^ ","a"]',
        '["~#set",1]',
        '["~#set"]',
        '"~ix"',
        '"~mx"',
        '"~fx"',
        '["~#u",[1]]',
        '["~#cmap",1]',
        '["~:name","^~"]',
        '"^"',
        '"~n' + "9" * 5000 + '"',
    ],
)
def test_what_makes_no_sense_is_malformed(encoded):
    with pytest.raises(MalformedTransit):
        decode_transit(encoded.encode())


def test_what_is_not_even_JSON_says_so():
    with pytest.raises(MalformedJSON):
        decode_transit(b'["^ "')


def test_the_cache_starts_anew_when_it_is_full():
    names = [f"name{number}" for number in range(CACHE_ENTRIES + 2)]
    encoded = ["^ ", *(part for name in names for part in (name, 1))]
    decoded = decode_transit(json.dumps([encoded, ["^ ", "^0", 2, "^1", 3]]).encode())
    assert decoded[1] == {names[CACHE_ENTRIES]: 2, names[CACHE_ENTRIES + 1]: 3}


keys = st.text(max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
)


class Writer:
    """The writing side, plainly: every string that may be cached is, and referred to when seen again."""

    def __init__(self):
        self.codes = {}

    def string(self, text, *, is_key=False):
        if text[:1] in ("~", "^", "`"):
            text = f"~{text}"
        if is_key and len(text) >= 4:
            if text in self.codes:
                return self.codes[text]
            index = len(self.codes)
            digits = [index] if index < 44 else divmod(index, 44)
            self.codes[text] = "^" + "".join(chr(digit + 48) for digit in digits)
        return text

    def write(self, value):
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return value if abs(value) < 2**53 else f"~n{value}"
        if isinstance(value, list):
            return [self.write(item) for item in value]
        parts = [
            part for key, item in value.items() for part in (self.string(key, is_key=True), self.write(item))
        ]
        return ["^ ", *parts]


@given(values)
def test_whatever_is_encoded_decodes(value):
    assert decode_transit(json.dumps(Writer().write(value)).encode()) == value


@given(st.recursive(st.text(alphabet="~^#:i01 u", max_size=5) | st.integers(), st.lists, max_leaves=10))
def test_arbitrary_JSON_decodes_or_is_malformed(value):
    try:
        decode_transit(json.dumps(value).encode())
    except MalformedTransit as error:
        assert str(error)
