"""Formulas built from a grammar, and text built from nothing in particular."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from statsmodels_mixed.errors import FormulaError
from statsmodels_mixed.formula import expression_names, parse_formula, variables

# Tokens as typed, text as emitted.
ATOMS = [
    (["x"], "x"),
    (["z", "*", "w"], "z * w"),
    (["x", ":", "z"], "x:z"),
    (["(", "a", "+", "b", ")", "**", "2"], "(a + b)**2"),
    (["np.log", "(", "x", ")"], "np.log(x)"),
    (["I", "(", "a", "|", "b", ")"], "I(a | b)"),
    (["bs", "(", "x", ",", "df", "=", "4", ")"], "bs(x, df=4)"),
    (["`my x`"], 'Q("my x")'),
    (["yield"], 'Q("yield")'),
    (["C", "(", "t", ",", "'a | b'", ")"], "C(t, 'a | b')"),
]
FACTORS = [
    (["g"], "g"),
    (["`my g`"], 'Q("my g")'),
    (["C", "(", "h", ")"], "C(h)"),
    (["class"], 'Q("class")'),
    (["np.floor", "(", "x", "/", "2", ")"], "np.floor(x / 2)"),
]
# Operator, and the crossings it makes of factors 0 and 1.
CROSSINGS = {
    "/": [(0,), (0, 1)],
    ":": [(0, 1)],
    "*": [(0,), (1,), (0, 1)],
}
FORMS = [("us", "", "|"), ("diag", "", "||"), ("us", "us", "|"), ("diag", "diag", "|")]
BLANKS = st.sampled_from(["", "", " ", "  ", "\n", "\t"])


@st.composite
def effects(draw):
    """Tokens and emitted text of the left side of a bar."""
    atoms = draw(st.lists(st.sampled_from(ATOMS), max_size=3, unique_by=lambda a: a[1]))
    marker = draw(st.sampled_from(["1", "0", None] if atoms else ["1"]))
    pieces = [([marker], marker)] * (marker is not None) + atoms
    tokens = pieces[0][0][:]
    for piece, _ in pieces[1:]:
        tokens += ["+", *piece]
    text = " + ".join(code for _, code in pieces)
    return tokens, text if marker is not None else f"1 + {text}"


@st.composite
def random_terms(draw, used):
    """Tokens of a random term and the (effects, grouping, structure) it means."""
    free = [factor for factor in FACTORS if factor[1] not in used]
    operator = draw(st.sampled_from([None, *CROSSINGS])) if len(free) > 1 else None
    number = 1 if operator is None else 2
    chosen = draw(st.permutations(free))[:number]
    used.update(code for _, code in chosen)
    left, text = draw(effects())
    structure, call, bar = draw(st.sampled_from(FORMS))
    right, crossings = chosen[0][0], [(0,)]
    if operator is not None:
        right, crossings = right + [operator] + chosen[1][0], CROSSINGS[operator]
    extra = draw(st.integers(0, 2))
    core = [call] * bool(call) + ["(", *left, bar, *right, ")"]
    tokens = ["("] * extra + core + [")"] * extra
    groups = [tuple(chosen[i][1] for i in crossing) for crossing in crossings]
    return tokens, [(text, group, structure) for group in groups]


@st.composite
def formulas(draw):
    """Shuffled terms, each (tokens, fixed text, random meanings, offset)."""
    atoms = draw(st.lists(st.sampled_from(ATOMS), max_size=3, unique_by=lambda a: a[1]))
    terms = [(tokens, code, [], None) for tokens, code in atoms]
    used = set()
    for _ in range(draw(st.integers(0, 2))):
        tokens, meaning = draw(random_terms(used))
        terms.append((tokens, None, meaning, None))
    if draw(st.booleans()):
        terms.append((["offset", "(", "o", ")"], None, [], "o"))
    if not terms or draw(st.booleans()):
        terms.append((["1"], "1", [], None))
    return draw(st.permutations(terms))


def write(draw, terms):
    tokens = ["y", "~"]
    for number, (piece, *_) in enumerate(terms):
        tokens += ["+"] * bool(number) + list(piece)
    return "".join(token + draw(BLANKS) for token in tokens)


def meanings(spec):
    return [(t.effects, t.grouping, t.structure) for t in spec.mean.random]


@settings(max_examples=300, deadline=None)
@given(formulas(), st.data())
def test_formula_parses_to_the_terms_it_was_built_from(terms, data):
    spec = parse_formula(write(data.draw, terms))
    fixed = [code for _, code, _, _ in terms if code is not None]
    assert spec.response == "y"
    assert spec.mean.fixed == (" + ".join(fixed) or "1")
    assert meanings(spec) == [m for _, _, found, _ in terms for m in found]
    assert list(spec.mean.offsets) == [o for *_, o in terms if o is not None]


@settings(max_examples=150, deadline=None)
@given(formulas(), st.data())
def test_order_of_terms_changes_only_the_order(terms, data):
    shuffled = data.draw(st.permutations(terms))
    one = parse_formula(write(data.draw, terms))
    two = parse_formula(write(data.draw, shuffled))
    assert Counter(one.mean.random) == Counter(two.mean.random)
    assert Counter(one.mean.offsets) == Counter(two.mean.offsets)
    assert sorted(one.mean.fixed) == sorted(two.mean.fixed)
    assert variables(one) == variables(two)


@settings(max_examples=150, deadline=None)
@given(formulas(), st.data())
def test_blanks_change_nothing(terms, data):
    one, two = write(data.draw, terms), write(data.draw, terms)
    assert parse_formula(one) == parse_formula(two)
    assert hash(parse_formula(one)) == hash(parse_formula(two))


def check_any(text):
    """Nothing but FormulaError; what parses can be written and parsed again."""
    try:
        spec = parse_formula(text, one_sided=True)
    except FormulaError as error:
        assert error.position is None or 0 <= error.position < len(text)
        return
    variables(spec)
    again = parse_formula(spec.fixed_formula, one_sided=True)
    assert again.response == spec.response
    assert again.mean.fixed == spec.mean.fixed
    for term in spec.mean.random:
        text = f"~ ({term.effects} | {':'.join(term.grouping)})"
        (twin,) = parse_formula(text, one_sided=True).mean.random
        assert (twin.effects, twin.grouping) == (term.effects, term.grouping)
        assert twin.group_name == term.group_name


@settings(max_examples=500, deadline=None)
@given(st.text())
def test_arbitrary_text(text):
    check_any(text)
    check_any(f"y ~ {text}")


ALPHABET = [
    *"yxgI10~+-*/:|()[]{}'\"`^%,.=<>!#\\ \nµ²",
    "(1|g)",
    "us(",
    "offset(",
    " if ",
]


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(ALPHABET), max_size=14))
def test_arbitrary_formula_like_text(pieces):
    check_any("y ~ " + "".join(pieces))


@settings(max_examples=500, deadline=None)
@given(formulas(), st.data())
def test_damaged_formulas(terms, data):
    text = write(data.draw, terms)
    at = data.draw(st.integers(0, len(text)))
    inserted = data.draw(st.sampled_from(["", *ALPHABET]))
    removed = data.draw(st.integers(0, 2))
    check_any(text[:at] + inserted + text[at + removed :])


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20))
def test_expression_names_of_arbitrary_text(text):
    try:
        names = expression_names(text)
    except FormulaError:
        return
    assert all(isinstance(name, str) for name in names)


@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1).filter(lambda s: s.strip() and not set(s) & set("`\n")))
def test_any_column_name_in_back_ticks(name):
    spec = parse_formula(f"y ~ `{name}` + (1|`{name}`)")
    assert variables(spec) == {"y", name}
    assert spec.mean.random[0].group_name == name
