"""A table of formulas and what each must be read as."""

import copy
import doctest
import importlib
import pickle
import pkgutil

import patsy
import pytest

import statsmodels_mixed.formula as formula_package
from statsmodels_mixed.errors import FormulaError
from statsmodels_mixed.formula import (
    LinearPredictor,
    ModelSpec,
    RandomTerm,
    expression_names,
    parse_formula,
    parse_predictor,
    variables,
)

G = ("g",)
ONE = RandomTerm("1", G)
STRUCTURES = ("us", "diag", "ar1", "cs")

# Right side, fixed part, random terms, offsets.
TABLE = [
    # fixed part around what is cut out
    ("1", "1", [], []),
    ("x", "x", [], []),
    ("x + (1|g)", "x", [ONE], []),
    ("(1|g)", "1", [ONE], []),
    ("0 + (1|g)", "0", [ONE], []),
    ("(1|g) + 0", "0", [ONE], []),
    ("(1|g) - 1", "0", [ONE], []),
    ("(1|g) + x", "x", [ONE], []),
    ("(1|g) - 1 + x", "0 + x", [ONE], []),
    ("(1|g) - x", "1 - x", [ONE], []),
    ("x + (1|g) - 1", "x - 1", [ONE], []),
    ("x*z - x:z + (1|g)", "x * z - x:z", [ONE], []),
    ("-1 + x", "0 + x", [], []),
    ("+ x", "x", [], []),
    ("x + + z", "x + z", [], []),
    ("x + -1", "x - 1", [], []),
    ("((1|g))", "1", [ONE], []),
    ("(((x)))", "x", [], []),
    ("x + (z + (1|g))", "x + z", [ONE], []),
    ("((1|g) + (1|h))", "1", [ONE, RandomTerm("1", ("h",))], []),
    ("x + (0 + z)", "x + (0 + z)", [], []),
    # effects
    ("(x|g)", "1", [RandomTerm("1 + x", G)], []),
    ("(1+x|g)", "1", [RandomTerm("1 + x", G)], []),
    ("(x+1|g)", "1", [RandomTerm("x + 1", G)], []),
    ("(0+x|g)", "1", [RandomTerm("0 + x", G)], []),
    ("(x+0|g)", "1", [RandomTerm("x + 0", G)], []),
    ("(x-1|g)", "1", [RandomTerm("x - 1", G)], []),
    ("(-1+x|g)", "1", [RandomTerm("0 + x", G)], []),
    ("((0+x)|g)", "1", [RandomTerm("0 + x", G)], []),
    ("((x)|(g))", "1", [RandomTerm("1 + x", G)], []),
    ("(x*z|g)", "1", [RandomTerm("1 + x * z", G)], []),
    ("(0+C(t)|g)", "1", [RandomTerm("0 + C(t)", G)], []),
    ("(x||g)", "1", [RandomTerm("1 + x", G, "diag")], []),
    ("(0+x||g)", "1", [RandomTerm("0 + x", G, "diag")], []),
    ("(I(a|b)|g)", "1", [RandomTerm("1 + I(a | b)", G)], []),
    ("(I(x>1)|g)", "1", [RandomTerm("1 + I(x > 1)", G)], []),
    ("(1|g) + (0+x|g)", "1", [ONE, RandomTerm("0 + x", G)], []),
    ("(1|g) + (x-1|g)", "1", [ONE, RandomTerm("x - 1", G)], []),
    # grouping
    ("(1|f:g)", "1", [RandomTerm("1", ("f", "g"))], []),
    ("(1|f/g)", "1", [RandomTerm("1", ("f",)), RandomTerm("1", ("f", "g"))], []),
    (
        "(1|f/g/h)",
        "1",
        [RandomTerm("1", c) for c in [("f",), ("f", "g"), ("f", "g", "h")]],
        [],
    ),
    (
        "(1|f/(g/h))",
        "1",
        [RandomTerm("1", c) for c in [("f",), ("f", "g"), ("f", "g", "h")]],
        [],
    ),
    (
        "(1|f*g)",
        "1",
        [RandomTerm("1", c) for c in [("f",), ("g",), ("f", "g")]],
        [],
    ),
    (
        "(1|f:g/h)",
        "1",
        [RandomTerm("1", c) for c in [("f", "g"), ("f", "g", "h")]],
        [],
    ),
    ("(1|(f/g))", "1", [RandomTerm("1", ("f",)), RandomTerm("1", ("f", "g"))], []),
    ("(1|(f:g))", "1", [RandomTerm("1", ("f", "g"))], []),
    ("(1|g:g)", "1", [ONE], []),
    (
        "(x||f/g)",
        "1",
        [RandomTerm("1 + x", ("f",), "diag"), RandomTerm("1 + x", ("f", "g"), "diag")],
        [],
    ),
    ("(1|C(g))", "1", [RandomTerm("1", ("C(g)",))], []),
    ("(1|np.floor(x / 2))", "1", [RandomTerm("1", ("np.floor(x / 2)",))], []),
    ("(1|d['g'])", "1", [RandomTerm("1", ("d['g']",))], []),
    ("(1|Q('my g'))", "1", [RandomTerm("1", ("Q('my g')",))], []),
    ("(1|`my g`)", "1", [RandomTerm("1", ('Q("my g")',))], []),
    ("(1|d.g)", "1", [RandomTerm("1", ("d.g",))], []),
    ("(1|I(a|b))", "1", [RandomTerm("1", ("I(a | b)",))], []),
    # structure calls
    ("us(x|g)", "1", [RandomTerm("1 + x", G)], []),
    ("(us(x|g))", "1", [RandomTerm("1 + x", G)], []),
    ("diag(1 + x | g)", "1", [RandomTerm("1 + x", G, "diag")], []),
    ("ar1(0+t|f:g)", "1", [RandomTerm("0 + t", ("f", "g"), "ar1")], []),
    (
        "z + cs(x|g, hom=True, k=[1, 2], s='a', )",
        "z",
        [RandomTerm("1 + x", G, "cs", (("hom", True), ("k", (1, 2)), ("s", "a")))],
        [],
    ),
    ("diag(0+t|g) + ar1(0+t|g)", "1", None, []),
    ("cs(0+t|g, k=1) + cs(0+t|g, k=2)", "1", None, []),
    # offsets
    ("offset(w)", "1", [], ["w"]),
    ("x + offset(np.log(w)) + (1|g)", "x", [ONE], ["np.log(w)"]),
    ("offset(a|b) + offset(`w 2`)", "1", [], ["a | b", 'Q("w 2")']),
    ("(offset(w) + x)", "x", [], ["w"]),
    # what patsy takes stays, in one spacing
    ("C( t )+np.log(x)", "C(t) + np.log(x)", [], []),
    ("I(x**2)+a**2", "I(x**2) + a**2", [], []),
    ("(a+b)**2", "(a + b)**2", [], []),
    ("bs(x,df=4)", "bs(x, df=4)", [], []),
    ("C(t,Treatment('a b'))", "C(t, Treatment('a b'))", [], []),
    ("I(-x)+I(x*-1)+I(x - 1)", "I(-x) + I(x * -1) + I(x - 1)", [], []),
    ("f(*a,**k)+x[::2]+x[ 1 ]", "f(*a, **k) + x[::2] + x[1]", [], []),
    ("I(a|b)+f(x,(a|b))", "I(a | b) + f(x, (a | b))", [], []),
    ("Q('a|b')+`c|d`+x[a|b]", "Q('a|b') + Q(\"c|d\") + x[a | b]", [], []),
    ("np.maximum(a|b,0)", "np.maximum(a | b, 0)", [], []),
    ("I(x if not a else z)", "I(x if not a else z)", [], []),
    ("a/b", "a / b", [], []),
    ("x:(a+b):z", "x:(a + b):z", [], []),
    ("x > 1", "x > 1", [], []),
    ("total.fruits", "total.fruits", [], []),
    ("np.diag(x):z + m.us(a|b)", "np.diag(x):z + m.us(a | b)", [], []),
    ("d.offset(x)*offset", "d.offset(x) * offset", [], []),
    ("{a|b}", "{a | b}", [], []),
    # names
    ("`x 1`:`x\\2`", "Q(\"x 1\"):Q('x\\\\2')", [], []),
    ("yield + lambda", 'Q("yield") + Q("lambda")', [], []),
    ("I(yield/2) + (class|from)", None, None, []),
    ("größe + (1|変数)", "größe", [RandomTerm("1", ("変数",))], []),
    ("µ", 'Q("µ")', [], []),
    # R
    ("factor(x) + as.factor(z)", "C(x) + C(z)", [], []),
    ("m.factor(x) + factor", "m.factor(x) + factor", [], []),
    ("(1|factor(g))", "1", [RandomTerm("1", ("C(g)",))], []),
]


@pytest.mark.parametrize(("right", "fixed", "random", "offsets"), TABLE)
def test_right_side(right, fixed, random, offsets):
    spec = parse_formula(f"y ~ {right}", STRUCTURES)
    assert spec.response == "y"
    assert spec.mean.name == "mean"
    assert list(spec.mean.offsets) == offsets
    if fixed is not None:
        assert spec.mean.fixed == fixed
    if random is not None:
        assert list(spec.mean.random) == random


@pytest.mark.parametrize(
    ("typed", "response"),
    [
        ("y", "y"),
        ("(y)", "y"),
        ("np.log( y )", "np.log(y)"),
        ("I(y/2)", "I(y / 2)"),
        ('Q("my y")', 'Q("my y")'),
        ("`my y`", 'Q("my y")'),
        ("yield", 'Q("yield")'),
        ("(y > 0)", "y > 0"),
        ("I(a | b)", "I(a | b)"),
        ("y[0]", "y[0]"),
    ],
)
def test_response(typed, response):
    spec = parse_formula(f"{typed} ~ x + (1|g)")
    assert spec.response == response
    assert spec.fixed_formula == f"{response} ~ x"
    assert spec.mean.random == (ONE,)


def test_keyword_columns_in_every_piece():
    spec = parse_formula("yield ~ lambda + offset(with) + (class|from/as)")
    assert spec.response == 'Q("yield")'
    assert spec.mean.fixed == 'Q("lambda")'
    assert spec.mean.offsets == ('Q("with")',)
    assert spec.mean.random[1].effects == '1 + Q("class")'
    assert spec.mean.random[1].grouping == ('Q("from")', 'Q("as")')
    assert spec.mean.random[1].group_name == "from:as"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("`my g`", "my g"),
        ("Q('my g')", "my g"),
        ("f:`my g`", "f:my g"),
        ("C(g)", "C(g)"),
        ("Q('a').str['b']", "Q('a').str['b']"),
        ("Q(r'a\\b')", "a\\b"),
        ('`say "x"`', 'say "x"'),
    ],
)
def test_group_name_is_bare(typed, shown):
    assert parse_formula(f"y ~ (1|{typed})").mean.random[0].group_name == shown


def test_newlines_and_origin_of_terms():
    text = "y ~\n  x +\n\t( 1 +\r\n x | g )\n + us(z - 1 | h)"
    first, second = parse_formula(text).mean.random
    assert first.text == "1 + x | g"
    assert text[first.position] == "("
    assert second.text == "us(z - 1 | h)"
    assert text[second.position :].startswith("us(")


def test_one_sided():
    spec = parse_formula("~ x + (1|g)", one_sided=True)
    assert spec.response is None
    assert spec.fixed_formula == "~ x"
    assert parse_formula("y ~ x", one_sided=True).response == "y"


def test_parse_predictor():
    found = parse_predictor("~ x + (1|g)", "dispersion")
    assert found == LinearPredictor("dispersion", "x", (ONE,))
    assert parse_predictor("~ cs(x|g)", "zi", ["cs"]).random[0].structure == "cs"
    with pytest.raises(FormulaError, match="dispersion has no response"):
        parse_predictor("y ~ x", "dispersion")


def test_structures_may_be_an_iterator():
    spec = parse_formula("y ~ a(x|f) + b(x|g)", iter(["a", "b"]))
    assert [term.structure for term in spec.mean.random] == ["a", "b"]


def test_value_semantics():
    spec = parse_formula("y ~ x + cs(x|g, k=[1, 2]) + offset(w)", STRUCTURES)
    spaced = parse_formula("y~x+cs( x | g,k=(1,2) )+offset( w )", STRUCTURES)
    assert spec == spaced
    assert hash(spec) == hash(spaced)
    assert spec.text != spaced.text
    assert spec != parse_formula("y ~ x + (x|g) + offset(w)")
    for twin in (pickle.loads(pickle.dumps(spec)), copy.deepcopy(spec)):
        assert twin == spec
        assert twin.text == spec.text
        assert twin.mean.random[0].position == spec.mean.random[0].position
    with pytest.raises(AttributeError):
        spec.response = "z"
    assert ModelSpec("y", (LinearPredictor("mean", "x"),)) == parse_formula("y ~ x")


@pytest.mark.parametrize(
    ("structure", "options", "shown"),
    [
        ("us", (), "(1 + x | f:g)"),
        ("diag", (), "diag(1 + x | f:g)"),
        ("us", (("hom", True),), "us(1 + x | f:g, hom=True)"),
    ],
)
def test_term_in_print(structure, options, shown):
    assert str(RandomTerm("1 + x", ("f", "g"), structure, options)) == shown


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        ("x + z:w", "x z w"),
        ("np.log(x) + bs(z, df=k)", "np x z k"),
        ("Q('a') + `b` + yield", "a b yield"),
        ("C(t, Treatment('a'))", "t"),
        ("x.clip(lower=0) + x == z", "x z"),
        ("C", "C"),
        ("factor(x) + Q(x)", "x"),
        ("1 + 0", ""),
        ("I(a | b) if True else None", "a b"),
        ("total.fruits", "total"),
        ("Q(f'{x}')", ""),
    ],
)
def test_expression_names(expr, names):
    assert expression_names(expr) == frozenset(names.split())


def test_expression_names_of_names_with_blanks():
    assert expression_names("Q('my x') + `my z`") == {"my x", "my z"}


def test_variables():
    spec = parse_formula("np.log(y) ~ x + offset(`my w`) + (z|f/C(g))")
    assert variables(spec) == set("npyxzfg") - set("np") | {"np", "my w"}
    assert variables(parse_formula("~ 1", one_sided=True)) == frozenset()


@pytest.mark.parametrize(
    "right",
    [
        "1",
        "0",
        "-1",
        "x - 1",
        "1 - x",
        "0 + x + 1",
        "(0 + x)",
        "x + (0 + z)",
        "x - (1 + z)",
        "x*z - x",
        "(a + b + c)**2 - a:b",
        "a/b + C(t, Treatment('q')):x",
        "x > 1 + z",
        "I(x**2) + np.log(x) + bs(x, df=4)",
        "x**2 + (a + b):(c + d)",
    ],
)
def test_patsy_reads_the_same_model(right):
    spec = parse_formula(f"y ~ {right}")
    assert patsy_terms(spec.fixed_formula) == patsy_terms(f"y ~ {right}")
    # and the intercept spelled out in the effects is the one patsy implies
    if right not in ("0", "-1", "1 - x", "x > 1 + z"):
        effects = parse_formula(f"y ~ ((I(q) + {right}) | g)").mean.random[0].effects
        assert patsy_terms(f"~ {effects}") == patsy_terms(f"~ I(q) + {right}")


def patsy_terms(formula):
    """Sets of factor names: they are what equality of patsy's terms leaves out."""
    described = patsy.ModelDesc.from_formula(formula)
    sides = described.lhs_termlist, described.rhs_termlist
    return [[{f.code for f in term.factors} for term in side] for side in sides]


MODULES = [
    module.name
    for module in pkgutil.iter_modules(formula_package.__path__)
    if module.name != "api"
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(f"statsmodels_mixed.formula.{name}")
    assert doctest.testmod(module).failed == 0
