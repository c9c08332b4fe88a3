"""Malformed formulas: what the message says and where the caret stands."""

import pickle

import pytest

from statsmodels_mixed.errors import FormulaError
from statsmodels_mixed.formula import expression_names, parse_formula

STRUCTURES = ("us", "diag", "ar1", "cs")

# A part of the message; the formula with @ before the character of the caret.
MALFORMED = [
    # bars
    (r"(x + 1 | g) or (1 | g)", "y ~ x + 1@|g"),
    (r"as (1 | g).", "y ~ 1@|g"),
    (r"as (x || g).", "y ~ x@||g"),
    (r"as (z | g).", "y ~ (1|f) + z@|g"),
    (r"as (1 | g).", "y ~ @|g"),
    (r"as (x | g).", "y ~ x@|"),
    ("stands on its own", "y ~ x@*(1|g)"),
    ("stands on its own", "y ~ (1|g)@:x"),
    ("stands on its own", "y ~ (x@*(1|g))"),
    ("stands on its own", "y ~ ((1|g) + x)@*z"),
    ("stands on its own", "y ~ x@*us(1|g)"),
    ("stands on its own", "y ~ us(1|g)@*x"),
    ("stands on its own", "y ~ (1|g)@(1|h)"),
    ("stands on its own", "y ~ 1 @(1|g)"),
    ("cannot be subtracted", "y ~ @- (1|g)"),
    ("cannot be subtracted", "y ~ x @- us(1|g)"),
    ("cannot be subtracted", "y ~ x @- (z + (1|g))"),
    ("cannot be subtracted", "y ~ x + @- (1|g)"),
    ("second bar", "y ~ (1|f@|g)"),
    ("second bar", "y ~ (1| @|g)"),
    ("second bar", "y ~ (1|||g)".replace("|||", "||@|")),
    ("second bar", "y ~ ((1@|f)|g)"),
    ("second bar", "y ~ (1|(f@|g))"),
    ("bar inside the effects", "y ~ (us(1@|h)|g)"),
    ("No effects", "y ~ ( @| g)"),
    ("No effects", "y ~ us(@| g)"),
    ("No effects are left", "y ~ (@0|g)"),
    ("No effects are left", "y ~ (@0 - x|g)"),
    ("No grouping factor", "y ~ (1@|)"),
    ("No grouping factor", "y ~ (1@||)"),
    ("No effects", "y ~ (@|)"),
    ("left of the `~`", "(1@|g) ~ x"),
    ("left of the `~`", "a @| b ~ x"),
    # "or"
    ("I((a > 1) | (b > 2))", "y ~ (a > 1 @| b > 2)"),
    ("I((x>1) | (z>2))", "y ~ (x>1) @| (z>2)"),
    ("I((x>1) | (z))", "y ~ w*((x>1 @| z) + u)"),
    ("I((x == 1) | (z))", "y ~ x == 1 @| z"),
    # R's dot
    ("is R. Name the columns", "y ~ @."),
    ("is R. Name the columns", "y ~ @. + (1|g)"),
    ("is R. Name the columns", "y ~ @. - x"),
    ("is R. Name the columns", "y ~ x + @.:z"),
    # grouping
    ("(1 | I(x > 4))", "y ~ (1|x@>4)"),
    ("(1 | I(x > 4))", "y ~ (x|f:x@>4)"),
    ("(1 | I(x > 4))", "y ~ (1|(x @== 4))"),
    ("no grouping factor", "y ~ (1|@2)"),
    ("no grouping factor", "y ~ (1|@'g')"),
    ("no grouping factor", "y ~ (1|@-g)"),
    ("no grouping factor", "y ~ (1|@{g})"),
    ("right of the bar", "y ~ (1|f@+g)"),
    ("right of the bar", "y ~ (1|f/(g @+ h))"),
    ("between grouping factors", "y ~ (1|f@-g)"),
    ("between grouping factors", "y ~ (1|f@**g)"),
    ("beside this operator", "y ~ (1|f@/)"),
    ("beside this operator", "y ~ (1|@:f)"),
    ("empty", "y ~ (1|(@))"),
    # structure calls
    ("us(effects | grouping)", "y ~ @us(x)"),
    ("diag(effects | grouping)", "y ~ x + @diag()"),
    ("There are: us, diag, ar1, cs.", "y ~ @foo(1|g)"),
    ("Did you mean diag?", "y ~ @dig(1|g)"),
    ("write x + (1|g)", "y ~ @x (1|g)"),
    ("write lambda + (1|g)", "y ~ @lambda (1|g)"),
    ("Write one bar", "y ~ us(1@||g)"),
    ("name=value", "y ~ us(1|g, @3)"),
    ("name=value", "y ~ us(1|g@,,a=1)"),
    ("name=value", "y ~ us(1|g, @a=)"),
    ("name=value", "y ~ us(1|g, @lambda=1)"),
    ("not a literal", "y ~ us(1|g, a=@b)"),
    ("not a literal", "y ~ us(1|g, a=@{1: 2})"),
    ("given twice", "y ~ us(1|g, a=1, @a=2)"),
    # brackets, quotes
    ("Add the )", "y ~ @(1|g"),
    ("Add the )", "y ~ np.log@(x"),
    ("Add the ]", "y ~ x@[1"),
    ("Add the }", "y ~ @{x"),
    ("closes nothing", "y ~ 1|g@)"),
    ("closes nothing", "y ~ x@]"),
    ("must close an open (", "y ~ (x@]"),
    ("second '", "y ~ C(x, @'abc)"),
    ('second "', 'y ~ @"abc'),
    ("second `", "y ~ x + @`abc"),
    ("second '", "y ~ C(x, @'abc\n')"),
    ("back-ticks", "y ~ @``"),
    ("escapes", r"y ~ Q(@'\x')"),
    ("brackets are open", "y ~ " + 50 * "(" + "@(x" + 51 * ")"),
    # sides
    ("No response", " @~ x"),
    ("No response", "@~ x"),
    ("Nothing follows the `~`", "y @~"),
    ("second `~`", "y ~ x @~ z"),
    ("second `~`", "y ~ (x @~ z)"),
    ("second `~`", "y ~ (x @~ z|g)"),
    ("No `~`", "@y + x"),
    ("in place of this `=`", "y @= x"),
    ("Wrap it: I(y/2)", "y@/2 ~ x"),
    ("Wrap it: I(y + z)", "(y @+ z) ~ x"),
    ("Wrap it: I(-y)", "@-y ~ x"),
    # terms
    ("Nothing follows this sign", "y ~ x @+"),
    ("Nothing follows this sign", "y ~ x + z @-"),
    ("Nothing follows this sign", "y ~ (x @+|g)"),
    ("empty", "y ~ (@)"),
    ("empty", "@() ~ x".replace("@()", "(@)")),
    ("empty", "y ~ ((@)|g)"),
    ("operator is missing", "y ~ x @z"),
    ("operator is missing", "y ~ (x) @z"),
    ("operator is missing", "y ~ (1 @x|g)"),
    ("missing between a name and quoted text", 'y ~ x@"b"'),
    ("missing between a name and quoted text", "y ~ `x`@b"),
    ("no arithmetic", "y ~ x/@2"),
    ("no arithmetic", "y ~ @2*x"),
    ("no arithmetic", "y ~ x + @5"),
    ("no arithmetic", "y ~ (@2|g)"),
    ("Quoted text is no term", "y ~ @'x'"),
    ("comma outside a call", "y ~ x@, z"),
    ("Write == to compare", "y ~ x @= z"),
    ("term of its own", "y ~ x*@offset(z)"),
    ("term of its own", "y ~ (x + @offset(z)|g)"),
    ("offset is empty", "y ~ @offset()"),
    ("offset(-(z))", "y ~ x @- offset(z)"),
    ("no options", "y ~ offset(a@, b)"),
    ("sign after an operator", "y ~ x == @-1"),
    ("sign after an operator", "y ~ x*@-z"),
    ("Python cannot read", "y ~ np.log(x,@,)"),
    ("Python cannot read", "y ~ x:@:z"),
    ("Python cannot read", "y ~ I(x +@)"),
    ("Python cannot read", "y ~ (1|g[@a b])"),
    # R
    ("I(x**2)", "y ~ I(x@^2)"),
    ("(a + b)**2", "y ~ (a + b)@^2"),
    ("Write a:b", "y ~ a @%in% b"),
    ("Name the columns", "y ~ @."),
    ("'$' has no meaning", "y ~ d@$x"),
    ("no comments", "y ~ x @# note"),
    ("`->` has no meaning", "x @-> y"),
    ("'?' has no meaning", "y ~ x@?"),
    ("no Python name", "y ~ @x²"),
    # duplicates
    ("stands twice", "y ~ (1|g)+@(1|g)"),
    ("stands twice", "y ~ (x|g) + @us( 1 + x | g)"),
    ("stands twice", "y ~ (1|`g`) + @(1|Q('g'))"),
    ("(1 | g) and (1 + x | g) both", "y ~ (1|g) + @(1+x|g)"),
    ("(1 | g) and diag(1 + x | g) both", "y ~ (1|g) + @(x||g)"),
    ("(1 | g) and ar1(1 + x | g) both", "y ~ (1|g) + @ar1(x|g)"),
    ("(1 + a | g) and (1 + b | g) both", "y ~ (a|g) + @(b|g)"),
    ("stands twice", "y ~ (1|f) + @(1|f/g)"),
    ("(1 | f:g) and (1 | g:f) both", "y ~ (1|f:g) + @(1|g:f)"),
    ("both hold the effect of x", "y ~ (0+x|g) + @(x+z-1|g)"),
    ("both hold the effect of t", "y ~ ar1(0+t|g) + @ar1(0+t+x|g)"),
]


@pytest.mark.parametrize(("message", "marked"), MALFORMED)
def test_message_and_caret(message, marked):
    text = marked.replace("@", "")
    with pytest.raises(FormulaError) as caught:
        parse_formula(text, STRUCTURES)
    assert message in caught.value.message
    assert caught.value.position == marked.index("@")
    assert caught.value.formula == text


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_empty(text):
    with pytest.raises(FormulaError, match="is empty"):
        parse_formula(text)


@pytest.mark.parametrize("value", [None, 3, b"y ~ x"])
def test_not_text(value):
    with pytest.raises(FormulaError, match="must be text"):
        parse_formula(value)


def test_caret_in_a_formula_of_several_lines():
    with pytest.raises(FormulaError) as caught:
        parse_formula("y ~ x +\n  z*(1|g)")
    assert str(caught.value).splitlines()[1:] == ["      z*(1|g)", "       ^"]


def test_error_pickles_and_is_a_value_error():
    with pytest.raises(ValueError, match="no Python name") as caught:
        parse_formula("y ~ x²")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_known_structures_are_those_given():
    with pytest.raises(FormulaError, match="There are: us, diag"):
        parse_formula("y ~ cs(x|g)")


def test_expression_names_refuses_what_cannot_be_read():
    with pytest.raises(FormulaError, match="never closed"):
        expression_names("f(x")


@pytest.mark.parametrize(
    "text",
    [
        "y ~ " + "*".join(["x"] * 20_000),
        "y ~ I(" + "-" * 20_000 + "x)",
        "y ~ " + "(" * 20_000,
    ],
)
def test_excessive_text_is_refused_legibly(text):
    with pytest.raises(FormulaError):
        parse_formula(text)


def test_wide_sums_are_fine():
    names = [f"x{i}" for i in range(3000)]
    assert parse_formula("y ~ " + "+".join(names)).mean.fixed == " + ".join(names)
