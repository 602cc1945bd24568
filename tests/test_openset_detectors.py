"""One suite over the whole table of detectors: each must have a known value, and be its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist
from scipy.special import log_softmax as scipy_log_softmax
from scipy.stats import entropy as scipy_entropy
from scipy.stats import weibull_min

from mlplab.declarations.open_set_detectors import AFTER_TRAINING
from mlplab.declarations.problems import BadInput
from mlplab.networks.probabilities import log_softmax
from mlplab.openset.activations import Activations, OutputLayer
from mlplab.openset.auroc import auroc
from mlplab.openset.detectors.centres import class_centres
from mlplab.openset.detectors.class_centre import with_centres
from mlplab.openset.detectors.detector import Fitted
from mlplab.openset.detectors.from_outputs import anchor_scores
from mlplab.openset.detectors.openmax import OpenMaxRule
from mlplab.openset.detectors.registry import DETECTORS, make
from mlplab.openset.detectors.weibull import tail_fit

FROM_LOGITS = {"softmax", "max logit", "energy", "entropy", "gen", "openmax", "entropic",
               "class anchor", "energy margin"}  # fmt: skip
EVERY = pytest.mark.parametrize("name", list(DETECTORS))


@cache
def clusters(seed: int = 0, rows: int = 120, dtype: type = np.float64) -> tuple:
    """Activations of three classes that lie apart, with every optional array, and their labels."""
    draw = np.random.default_rng(seed)
    labels = np.arange(rows) % 3
    places = np.array([[4.0, 0, 0, 0, 0], [0, 4, 0, 0, 0], [0, 0, 4, 0, 0]])
    hidden = np.maximum(places[labels] + draw.normal(size=(rows, 5)), 0)
    kernel = np.vstack([2 * np.eye(3), draw.normal(size=(2, 3))])
    bias = np.array([0.1, -0.2, 0.3])
    return Activations(
        inputs=draw.normal(size=(rows, 7)).astype(dtype),
        hidden=hidden.astype(dtype),
        logits=(hidden @ kernel + bias).astype(dtype),
        sigmoid_logit=draw.normal(size=rows).astype(dtype),
        background_logit=draw.normal(size=rows).astype(dtype),
    ), labels


def fitted(name: str, **chosen: object) -> Fitted:
    return make(name, **chosen).fit(*clusters())


# ---------------------------------------------------------------- known values


@dataclass(frozen=True, eq=False)
class KnownValue:
    """A detector with settings, what it is fitted on, a row, and the row's score worked by hand."""

    train: Activations
    labels: tuple[int, ...]
    row: Activations
    score: float
    settings: tuple[tuple[str, object], ...] = ()


def _row(logits: object, **more: object) -> Activations:
    return Activations(
        logits=np.array([logits], dtype=float),
        **{n: np.array([v], dtype=float) for n, v in more.items()},  # type: ignore[arg-type]
    )


def _rows(logits: object, **more: object) -> Activations:
    return Activations(
        logits=np.array(logits, dtype=float),
        **{n: np.array(v, dtype=float) for n, v in more.items()},  # type: ignore[arg-type]
    )


FIVE_ZEROS = _row([0, 0, 0, 0, 0])
ANY_FIVE = _rows(np.eye(5))
# Around (0, 0) and (10, 0), four corners each: means there, within-class covariance 1, overall
# mean (5, 0) and covariance diag(1 + 25, 1).
CORNERS = [[1, 1], [1, -1], [-1, 1], [-1, -1]]
TWO_SQUARES = _rows([[1, 0]] * 4 + [[0, 1]] * 4, hidden=CORNERS + [[10 + x, y] for x, y in CORNERS])
SQUARES_LABELS = (0,) * 4 + (1,) * 4
AT_3_4 = _row([1, 0], hidden=[3, 4])
IDENTITY = OutputLayer(kernel=np.eye(2), bias=np.zeros(2))

KNOWN_VALUES = {
    # −log(1/5)
    "softmax": KnownValue(ANY_FIVE, (0, 1, 2, 3, 4), FIVE_ZEROS, math.log(5)),
    "max logit": KnownValue(_rows(np.eye(3)), (0, 1, 2), _row([1, 4, 2]), -4.0),
    # −log Σ e⁰ = −log 5
    "energy": KnownValue(ANY_FIVE, (0, 1, 2, 3, 4), FIVE_ZEROS, -1.6094379124341003),
    "entropy": KnownValue(ANY_FIVE, (0, 1, 2, 3, 4), FIVE_ZEROS, math.log(5)),
    # Σ p(1 − p) = 5 · 0.2 · 0.8
    "gen": KnownValue(ANY_FIVE, (0, 1, 2, 3, 4), FIVE_ZEROS, 0.8, (("gamma", 1.0),)),
    "class centre": KnownValue(TWO_SQUARES, SQUARES_LABELS, AT_3_4, 5.0),
    # min(3² + 4², 7² + 4²)
    "mahalanobis": KnownValue(TWO_SQUARES, SQUARES_LABELS, AT_3_4, 25.0),
    # MD_0 = (3 − 5)²/26 + 4²
    "relative mahalanobis": KnownValue(TWO_SQUARES, SQUARES_LABELS, AT_3_4, 25.0 - (4 / 26 + 16)),
    # directions (1, 0) and (0, 1)
    "nearest neighbours": KnownValue(
        _rows(np.eye(2), hidden=[[2, 0], [3, 0]]),
        (0, 1),
        _row([1, 0], hidden=[0, 5]),
        math.sqrt(2),
        (("k", 1),),
    ),
    # Far from both centres F = 1, so the largest logit goes wholly to the extra class: (0, 0, 2)
    "openmax": KnownValue(
        _rows([[20, 0], [21, 0], [0, 20], [0, 21]]),
        (0, 0, 1, 1),
        _row([2, 0]),
        math.exp(2) / (math.exp(2) + 2),
        (("ranks", 1),),
    ),
    # Second moments diag(12, 1/4), so e_2 is minor; residuals 0 0 0 1, largest logits 4 4 4 1:
    # α = 13, and the row has residual 2
    "vim": KnownValue(
        Activations(
            logits=np.array([[4.0, 0]] * 3 + [[0, 1.0]]),
            hidden=np.array([[4.0, 0]] * 3 + [[0, 1.0]]),
            output_layer=IDENTITY,
        ),
        (0, 0, 0, 1),
        _row([3, 2], hidden=[3, 2]),
        26 - math.log(math.exp(3) + math.exp(2)),
        (("principal", 1),),
    ),
    # The 90th percentile of 0, 0, 1, 1 is 1; (3, 0.5) becomes (1, 0.5)
    "react": KnownValue(
        Activations(logits=np.eye(2), hidden=np.eye(2), output_layer=IDENTITY),
        (0, 1),
        _row([3, 0.5], hidden=[3, 0.5]),
        -math.log(math.e + math.exp(0.5)),
    ),
    # ⟨(3, 4), (1, 2)⟩
    "she": KnownValue(_rows(np.eye(2), hidden=[[1, 2], [0, 0]]), (0, 1), AT_3_4, -11.0),
    # σ(−40) = e^−40/(1 + e^−40)
    "sigmoid output": KnownValue(
        _rows(np.eye(2), sigmoid_logit=[1, 1]),
        (0, 1),
        _row([1, 0], sigmoid_logit=40),
        math.exp(-40),
    ),
    "background class": KnownValue(
        _rows(np.eye(2), background_logit=[0, 0]), (0, 1), _row([3, 3], background_logit=3), 1 / 3
    ),
    "entropic": KnownValue(ANY_FIVE, (0, 1, 2, 3, 4), FIVE_ZEROS, 0.8),
    # −½ · 5
    "objectosphere": KnownValue(TWO_SQUARES, SQUARES_LABELS, _row([7, 7], hidden=[3, 4]), -2.5),
    # From (5, 5) both anchors are √50 away: √50 · (1 − ½)
    "class anchor": KnownValue(_rows(np.eye(2)), (0, 1), _row([5, 5]), math.sqrt(50) / 2),
    "centre loss": KnownValue(TWO_SQUARES, SQUARES_LABELS, AT_3_4, 5.0),
    "energy margin": KnownValue(ANY_FIVE, (0, 1, 2, 3, 4), FIVE_ZEROS, -math.log(5)),
}


@EVERY
def test_known_value(name):
    known = KNOWN_VALUES[name]
    detector = make(name, **dict(known.settings)).fit(known.train, known.labels)
    assert detector.score(known.row) == pytest.approx([known.score], rel=1e-12)


def test_no_known_value_without_a_detector():
    assert list(KNOWN_VALUES) == list(DETECTORS)


# ------------------------------------------------------------------ invariances


@EVERY
def test_alone_equals_batch(name):
    detector, (rows, _) = fitted(name), clusters(1, 40)
    together = detector.score(rows)
    alone = [detector.score(rows.take([i]))[0] for i in range(40)]
    np.testing.assert_allclose(alone, together, rtol=1e-10, atol=1e-12)


@EVERY
def test_scores_follow_the_order_of_rows(name):
    detector, (rows, _) = fitted(name), clusters(1, 40)
    order = np.random.default_rng(3).permutation(40)
    np.testing.assert_allclose(
        detector.score(rows.take(order)), detector.score(rows)[order], rtol=1e-10, atol=1e-12
    )


@EVERY
def test_order_of_training_rows_does_not_matter(name):
    train, labels = clusters()
    order = np.random.default_rng(4).permutation(len(labels))
    again = make(name).fit(train.take(order), labels[order])
    rows, _ = clusters(1, 40)
    np.testing.assert_allclose(again.score(rows), fitted(name).score(rows), rtol=1e-7, atol=1e-9)


@EVERY
def test_more_rows_than_are_scored_at_once(name):
    detector = fitted(name)
    rows, _ = clusters(1, 40)
    many = rows.take(np.arange(9000) % 40)
    np.testing.assert_allclose(
        detector.score(many), np.resize(detector.score(rows), 9000), rtol=1e-10, atol=1e-12
    )


@EVERY
def test_float32_activations_give_nearly_the_same_float64_scores(name):
    rows, _ = clusters(1, 40)
    narrow, _ = clusters(1, 40, np.float32)
    scores = fitted(name).score(narrow)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, fitted(name).score(rows), rtol=1e-4, atol=1e-4)


@EVERY
def test_classes_may_be_renumbered(name):
    train, labels = clusters()
    rows, _ = clusters(1, 40)
    order = np.array([2, 0, 1])

    def renumbered(a):
        return Activations(
            inputs=a.inputs,
            hidden=a.hidden,
            logits=a.logits[:, order],
            sigmoid_logit=a.sigmoid_logit,
            background_logit=a.background_logit,
        )

    again = make(name).fit(renumbered(train), np.argsort(order)[labels])
    np.testing.assert_allclose(
        again.score(renumbered(rows)), fitted(name).score(rows), rtol=1e-7, atol=1e-9
    )


# ------------------------------------------------------------------- degenerate


def _degenerate(kind: str) -> tuple[Activations, np.ndarray]:
    train, labels = clusters()
    parts = {n: getattr(train, n) for n in train.widths}
    if kind == "dead layer":
        parts["hidden"] = np.zeros_like(train.hidden)
        parts["logits"] = np.tile([0.3, 0.2, 0.1], (len(labels), 1))
    if kind == "one dead unit":
        hidden = train.hidden.copy()
        hidden[:, 4] = 0
        layer = np.linalg.lstsq(hidden, train.logits, rcond=None)[0]
        parts |= {"hidden": hidden, "logits": hidden @ layer}
    if kind == "identical rows":
        parts = {n: a[[0, 1, 2]][labels] for n, a in parts.items()}
    if kind == "very large logits":
        parts["logits"], parts["hidden"] = 1e6 * train.logits, 1e6 * train.hidden
    if kind == "outputs without rows":
        parts["logits"] = np.column_stack([train.logits, train.logits[:, :2] * 0.5])
    if kind == "fewer rows than units":
        parts = {n: a[:12] for n, a in parts.items()}
        parts["inputs"] = np.tile(parts["inputs"], 5)
        labels = labels[:12]
    return Activations(**parts), labels


@EVERY
@pytest.mark.parametrize(
    "kind",
    [
        "dead layer",
        "one dead unit",
        "identical rows",
        "very large logits",
        "outputs without rows",
        "fewer rows than units",
    ],
)
def test_degenerate_activations_give_finite_scores(name, kind):
    train, labels = _degenerate(kind)
    scores = make(name).fit(train, labels).score(train)
    assert scores.shape == (len(train),)
    assert np.isfinite(scores).all()


def test_a_predicted_class_without_rows_falls_back_on_those_that_have_some():
    train, labels = clusters()
    wide = Activations(
        hidden=train.hidden, logits=np.column_stack([train.logits, np.full(len(labels), 99.0)])
    )
    detector = make("class centre").fit(wide, labels)
    np.testing.assert_allclose(detector.score(wide), fitted("class centre").score(train))
    assert detector.remarks == ("output 3 has no training rows and no centre",)


def test_singular_covariance_is_remarked():
    train, labels = _degenerate("one dead unit")
    assert make("mahalanobis").fit(train, labels).remarks == ("covariance singular (rank 4 of 5)",)
    assert fitted("mahalanobis").remarks == ()


@EVERY
def test_other_widths_than_in_fitting_are_refused(name):
    rows, _ = clusters(1, 40)
    wide = Activations(
        logits=np.column_stack([rows.logits, rows.logits]),
        hidden=rows.hidden,
        sigmoid_logit=rows.sigmoid_logit,
        background_logit=rows.background_logit,
    )
    with pytest.raises(
        ValueError, match=r"logits: expected 3 numbers a row as in fitting, but got 6"
    ):
        fitted(name).score(wide)


@EVERY
def test_one_known_class_is_refused(name):
    train, _ = clusters()
    with pytest.raises(
        ValueError, match=r"at least two known classes, but got 120 rows of class 1"
    ):
        make(name).fit(train, np.ones(120, dtype=int))


@EVERY
def test_missing_arrays_are_asked_for(name):
    train, labels = clusters()
    bare = Activations(logits=train.logits)
    missing = {"sigmoid output": "sigmoid_logit", "background class": "background_logit"}.get(
        name, None if name in FROM_LOGITS else "hidden"
    )
    if missing:
        with pytest.raises(ValueError, match=f"{missing}: expected an array .*, but got none"):
            make(name).fit(bare, labels)
    else:
        assert make(name).fit(bare, labels).score(bare).shape == (120,)


# -------------------------------------------------------------------- the table


def test_each_says_what_it_needs_and_where_it_comes_from():
    needing = {n for n, kind in DETECTORS.items() if kind().needs_negatives}
    assert needing == {
        "sigmoid output",
        "background class",
        "entropic",
        "objectosphere",
        "energy margin",
    }
    trained = {n for n, kind in DETECTORS.items() if kind().method is not None}
    assert trained == needing | {"class anchor", "centre loss"}
    for kind in DETECTORS.values():
        assert kind.formula
        assert kind.source
        for part in ("Score:", "Source:", "Known value:"):
            assert part in (kind.__doc__ or "")


@pytest.mark.parametrize(
    ("name", "chosen", "said"),
    [
        ("nearest neighbors", {}, 'did you mean "nearest neighbours"'),
        ("energy", {"temprature": 2}, 'did you mean "temperature"'),
        ("softmax", {"k": 2}, 'unknown key "k"'),
        ("energy", {"temperature": 0}, r"temperature: expected a number above 0, but got 0"),
        ("energy", {"temperature": math.nan}, "got NaN"),
        ("energy", {"temperature": True}, "got true"),
        ("gen", {"gamma": 1.5}, "at most 1, but got 1.5"),
        ("gen", {"top": 0}, "a whole number of at least 1 or null, but got 0"),
        ("nearest neighbours", {"k": 2.5}, "got 2.5"),
        ("nearest neighbours", {"normalise": 1}, "true or false, but got 1"),
        ("class centre", {"normalise": "yes"}, 'true or false, but got "yes"'),
        (
            "class centre",
            {"space": "pixels"},
            'one of "inputs", "hidden", "logits", but got "pixels"',
        ),
        ("mahalanobis", {"shrinkage": 2}, "shrinkage: expected"),
        ("react", {"percentile": 101}, "at most 100, but got 101"),
        ("openmax", {"tail": 0}, "got 0"),
        ("class anchor", {"centres": "medians"}, 'one of "anchors", "means"'),
    ],
)
def test_wrong_names_and_settings_are_explained(name, chosen, said):
    with pytest.raises(BadInput, match=said):
        make(name, **chosen)


def test_too_few_training_rows_for_k():
    train, labels = clusters()
    with pytest.raises(ValueError, match=r"at least 10 training rows for k = 10, but got 6"):
        make("nearest neighbours").fit(train.take(slice(6)), labels[:6])


def test_a_principal_space_as_large_as_the_layer_is_refused():
    with pytest.raises(ValueError, match="fewer directions than the 5 hidden units, but got 5"):
        fitted("vim", principal=5)


# ------------------------------------------------------ independent references

LOGITS = arrays(np.float64, (6, 4), elements=st.floats(-50, 50))


@given(LOGITS)
@settings(max_examples=50, deadline=None)
def test_probabilities_against_scipy(z):
    rows = Activations(logits=z)
    train, labels = Activations(logits=np.eye(4)), np.arange(4)
    np.testing.assert_allclose(log_softmax(z), scipy_log_softmax(z, axis=1), atol=1e-12)
    p = np.exp(scipy_log_softmax(z, axis=1))
    np.testing.assert_allclose(
        make("entropy").fit(train, labels).score(rows), scipy_entropy(p, axis=1), atol=1e-12
    )
    np.testing.assert_allclose(
        make("energy", temperature=2.0).fit(train, labels).score(rows),
        -2 * np.log(np.exp(z / 2).sum(axis=1)),
        atol=1e-10,
    )
    np.testing.assert_allclose(
        make("gen", gamma=1.0).fit(train, labels).score(rows), (p * (1 - p)).sum(axis=1), atol=1e-12
    )


def test_softmax_does_not_saturate():
    margins = np.array([[20, 0], [30, 0], [300, 0]], dtype=np.float32)
    in_float32 = np.exp(margins - margins.max(axis=1, keepdims=True))
    in_float32 /= in_float32.sum(axis=1, keepdims=True)
    assert (in_float32[:, 0] == 1).all()
    scores = (
        make("softmax")
        .fit(Activations(logits=np.eye(2)), [0, 1])
        .score(Activations(logits=margins))
    )
    # log(1 + e^−m) is e^−m for large m
    np.testing.assert_allclose(scores, np.exp([-20.0, -30.0, -300.0]), rtol=1e-8)


def test_gen_heeds_only_the_most_probable_classes():
    z = np.array([[3.0, 1, 0, -1]])
    p = np.exp(scipy_log_softmax(z, axis=1))[0]
    score = make("gen", gamma=0.1, top=2).fit(Activations(logits=np.eye(4)), np.arange(4))
    expected = sum(p[c] ** 0.1 * (1 - p[c]) ** 0.1 for c in (0, 1))
    assert score.score(Activations(logits=z)) == pytest.approx([expected])


@pytest.mark.parametrize("shrinkage", [None, 0.2])
@pytest.mark.parametrize("relative", [False, True])
def test_mahalanobis_against_the_inverse(shrinkage, relative):
    (train, labels), (rows, _) = clusters(), clusters(1, 40)
    means = np.stack([train.hidden[labels == c].mean(axis=0) for c in range(3)])

    def inverse(deviations):
        cov = np.cov(deviations.T, bias=True)
        s = shrinkage or 0.0
        return np.linalg.inv((1 - s) * cov + s * np.trace(cov) / 5 * np.eye(5))

    def squared(x, mean, matrix):
        return np.array([(r - mean) @ matrix @ (r - mean) for r in x])

    within = inverse(train.hidden - means[labels])
    expected = np.min([squared(rows.hidden, m, within) for m in means], axis=0)
    if relative:
        middle = train.hidden.mean(axis=0)
        expected = expected - squared(rows.hidden, middle, inverse(train.hidden - middle))
    name = "relative mahalanobis" if relative else "mahalanobis"
    got = make(name, shrinkage=shrinkage).fit(train, labels).score(rows)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@pytest.mark.parametrize("space", ["inputs", "hidden", "logits"])
@pytest.mark.parametrize("normalise", [True, False])
def test_neighbours_against_all_distances(space, normalise):
    (train, labels), (rows, _) = clusters(), clusters(1, 40)
    a, b = getattr(train, space), getattr(rows, space)
    if normalise:
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    every = cdist(b, a)
    fitted_one = make("nearest neighbours", k=4, space=space, normalise=normalise).fit(
        train, labels
    )
    np.testing.assert_allclose(fitted_one.score(rows), np.sort(every, axis=1)[:, 3], rtol=1e-5)
    distance, index = fitted_one.rule.nearest(rows)
    np.testing.assert_allclose(distance, np.take_along_axis(every, index, 1), rtol=1e-5, atol=1e-6)
    assert (np.diff(distance, axis=1) >= 0).all()


@pytest.mark.parametrize("spread", [1e-2, 1e-3, 1e-4])
def test_neighbours_of_tight_clusters_far_from_the_origin(spread):
    """Float32 products cannot tell who of a hundred rows within their rounding is near."""
    draw = np.random.default_rng(0)
    places = draw.normal(size=(5, 64)) + 1
    labels = np.arange(1500) % 5

    def rows(count):
        its = places[np.arange(count) % 5] + spread * draw.normal(size=(count, 64))
        return Activations(logits=its[:, :5], hidden=its.astype(np.float32))

    train, tested = rows(1500), rows(50)
    got = make("nearest neighbours", k=10, normalise=False).fit(train, labels).score(tested)
    every = np.sort(cdist(tested.hidden.astype(np.float64), train.hidden.astype(np.float64)))
    np.testing.assert_allclose(got, every[:, 9], rtol=1e-9)


def test_more_equal_rows_than_are_looked_at_are_all_at_distance_zero():
    same = Activations(logits=np.eye(2)[np.arange(60) % 2], hidden=np.full((60, 8), 3.0))
    fitted_one = make("nearest neighbours", k=5).fit(same, np.arange(60) % 2)
    assert (fitted_one.score(same) == 0).all()


def test_a_remembered_row_is_at_distance_zero():
    train, labels = clusters()
    assert (make("nearest neighbours", k=1).fit(train, labels).score(train) == 0).all()


@pytest.mark.parametrize("space", ["inputs", "hidden", "logits"])
def test_class_centre_spaces(space):
    (train, labels), (rows, _) = clusters(), clusters(1, 40)
    x, y = getattr(train, space), getattr(rows, space)
    means = np.stack([x[labels == c].mean(axis=0) for c in range(3)])
    got = make("class centre", space=space).fit(train, labels).score(rows)
    np.testing.assert_allclose(got, np.linalg.norm(y - means[rows.predicted], axis=1))


@pytest.mark.parametrize("name", ["class centre", "mahalanobis", "relative mahalanobis"])
def test_directions_only(name):
    (train, labels), (rows, _) = clusters(), clusters(1, 40)

    def as_directions(a):
        unit = a.hidden / np.linalg.norm(a.hidden, axis=1, keepdims=True)
        return Activations(logits=a.logits, hidden=unit)

    got = fitted(name, normalise=True)
    by_hand = make(name).fit(as_directions(train), labels)
    np.testing.assert_allclose(got.score(rows), by_hand.score(as_directions(rows)), rtol=1e-9)
    longer = Activations(logits=rows.logits, hidden=3 * rows.hidden)
    np.testing.assert_allclose(got.score(longer), got.score(rows), rtol=1e-9)


def test_one_sided_forgives_what_reaches_beyond_the_centre():
    centre = Activations(logits=np.eye(2)[[0, 0, 1]], hidden=np.array([[3.0, 4], [3, 4], [0, 1]]))
    rows = Activations(
        logits=np.eye(2)[[0, 0, 0]],
        # twice as far from the origin; half as far; beyond by 5 and aside by 5
        hidden=np.array([[6.0, 8.0], [1.5, 2.0], [6 - 4, 8 + 3]]),
    )
    both = make("class centre").fit(centre, [0, 0, 1]).score(rows)
    one_sided = make("class centre", one_sided=True).fit(centre, [0, 0, 1]).score(rows)
    np.testing.assert_allclose(both, [5, 2.5, math.sqrt(50)])
    np.testing.assert_allclose(one_sided, [0, 2.5, 5], atol=1e-12)


def test_as_many_centres_as_different_rows_are_the_nearest_row_of_the_class():
    (train, labels), (rows, _) = clusters(), clusters(1, 40)
    got = make("class centre", clusters=40).fit(train, labels).score(rows)
    far = cdist(rows.hidden, train.hidden)
    by_hand = [far[i, labels == c].min() for i, c in enumerate(rows.predicted)]
    np.testing.assert_allclose(got, by_hand, rtol=1e-12)


def test_several_centres_find_the_parts_of_a_class():
    draw = np.random.default_rng(0)
    places = np.array([[0, 0], [20, 0], [0, 20], [20, 20]])
    hidden = np.repeat(places, 100, axis=0) + draw.normal(size=(400, 2))
    labels = np.repeat([0, 0, 1, 1], 100)
    train = Activations(logits=10 * np.eye(2)[labels], hidden=hidden)
    # between the two parts of class 0, and within one of them
    rows = Activations(
        logits=np.array([[10.0, 0], [10.0, 0]]), hidden=np.array([[10.0, 0], [20, 0]])
    )
    one, two = (make("class centre", clusters=k).fit(train, labels).score(rows) for k in (1, 2))
    assert one[0] < 1 < 9 < one[1]
    assert two[1] < 1 < 9 < two[0]
    np.testing.assert_array_equal(
        two, make("class centre", clusters=2).fit(train, labels).score(rows)
    )


def test_clusters_of_a_class_without_rows_and_of_few_rows():
    train = Activations(logits=np.eye(3)[[0, 0, 1]], hidden=np.array([[1.0, 0], [1, 0], [0, 1]]))
    fitted_ = make("class centre", clusters=5).fit(train, [0, 0, 1])
    np.testing.assert_allclose(fitted_.score(train), 0)
    assert fitted_.remarks == ("output 2 has no training rows and no centre",)


def test_centres_found_during_training_make_a_detector():
    train, labels = clusters()
    running = class_centres(train.hidden, labels, 3).means
    rows, _ = clusters(1, 40)
    np.testing.assert_allclose(
        with_centres(DETECTORS["class centre"](centres="running"), running).score(rows),
        fitted("class centre").score(rows),
    )
    with pytest.raises(ValueError, match="the centres that training kept"):
        fitted("class centre", centres="running")


@pytest.mark.parametrize("seed", range(5))
def test_weibull_tail_against_scipy(seed):
    distances = np.random.default_rng(seed).gamma(3.0, 2.0, size=200)
    got = tail_fit(distances, 20)
    largest = np.sort(distances)[-20:]
    shape, _, scale = weibull_min.fit(largest - largest[0] + 1, floc=0)
    assert got.location == largest[0] - 1
    assert (got.shape, got.scale) == pytest.approx((shape, scale), rel=1e-4)
    at = np.linspace(0, 30, 50)
    reference = weibull_min.cdf(at - got.location, got.shape, scale=got.scale)
    np.testing.assert_allclose(got.cumulative(at), reference, atol=1e-12)


def test_weibull_of_equal_distances_is_a_step():
    step = tail_fit(np.full(5, 3.0), 20)
    assert step.cumulative(np.array([2.9, 3.1])) == pytest.approx([0.0, 1.0])


@given(LOGITS)
@settings(max_examples=50, deadline=None)
def test_openmax_never_raises_a_logit_and_loses_nothing(z):
    draw = np.random.default_rng(0)
    train = Activations(logits=np.repeat(10 * np.eye(4), 25, axis=0) + draw.normal(size=(100, 4)))
    rule = make("openmax").fit(train, np.repeat(np.arange(4), 25)).rule
    assert isinstance(rule, OpenMaxRule)
    after = rule.recalibrated(z)
    assert (after[:, :-1] <= z).all()
    np.testing.assert_allclose(after.sum(axis=1), z.sum(axis=1), atol=1e-9)
    p = rule(Activations(logits=z))
    assert ((p >= 0) & (p <= 1)).all()


def test_openmax_knows_its_own_and_refuses_what_is_far():
    (train, labels) = clusters()
    detector = make("openmax").fit(train, labels)
    own = detector.score(Activations(logits=detector.rule.centres.means))
    far = detector.score(Activations(logits=np.array([[60.0, 55.0, 50.0]])))
    assert (own < 0.01).all()
    assert far[0] > 0.99


def test_openmax_needs_a_row_that_is_right():
    train, labels = clusters()
    wrong = Activations(logits=-train.logits)
    keep = wrong.predicted != labels
    with pytest.raises(ValueError, match="the network classifies right, but got none"):
        make("openmax").fit(wrong.take(keep), labels[keep])


def test_openmax_of_a_class_never_right_passes_its_logit_on():
    train = Activations(logits=np.array([[9.0, 0, 0], [8, 0, 0], [0, 9, 0], [0, 8, 0], [9, 0, 1]]))
    detector = make("openmax", ranks=1).fit(train, [0, 0, 1, 1, 2])
    assert detector.remarks == ("1 outputs without a correctly classified training row",)
    assert detector.rule.recalibrated(np.array([[0.0, 0, 5]])) == pytest.approx(
        np.array([[0.0, 0, 0, 5]])
    )


def test_anchor_scores_of_distances_1_2_3():
    # softmin(1, 2, 3) = (0.66524, 0.24473, 0.09003); 1 · 0.33476 is the smallest product
    assert anchor_scores(np.array([[1.0, 2, 3]])) == pytest.approx([0.3347590], abs=1e-6)


def test_anchors_may_be_replaced_by_means_of_right_rows():
    logits = np.array([[8.0, 0, 0], [6, 0, 0], [0, 5, 0], [0, 0, 4], [0, 3, 0]])
    detector = make("class anchor", centres="means").fit(
        Activations(logits=logits), [0, 0, 1, 2, 2]
    )
    assert detector.score(Activations(logits=np.array([[7.0, 0, 0]]))) == pytest.approx([0.0])
    assert detector.score(Activations(logits=np.array([[0, 0, 4.0]]))) == pytest.approx([0.0])


def test_vim_recovers_the_output_layer():
    train, labels = clusters()
    kernel = np.linalg.lstsq(
        np.column_stack([train.hidden, np.ones(120)]), train.logits, rcond=None
    )[0]
    given_layer = Activations(
        hidden=train.hidden,
        logits=train.logits,
        output_layer=OutputLayer(kernel=kernel[:-1], bias=kernel[-1]),
    )
    rows, _ = clusters(1, 40)
    np.testing.assert_allclose(
        make("vim").fit(given_layer, labels).score(rows),
        make("vim").fit(train, labels).score(rows),
        rtol=1e-8,
    )
    with pytest.raises(ValueError, match="a dense layer of the last hidden activations"):
        make("vim").fit(Activations(hidden=train.hidden, logits=train.logits**3), labels)


# -------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def digits():
    """scikit-learn's MLP on digits 0-4, and what it gives for others of 0-4 and for 5-9."""
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    from mlplab.openset.from_weights import activations_from_weights

    x, y = load_digits(return_X_y=True)
    known = np.flatnonzero(y < 5)
    train, test, unknown = known[::2], known[1::2], np.flatnonzero(y >= 5)
    network = MLPClassifier((64,), max_iter=40, learning_rate_init=0.01, random_state=0)
    network.fit(x[train] / 16, y[train])
    layers = list(zip(network.coefs_, network.intercepts_, strict=True))
    parts = [activations_from_weights(x[rows] / 16, layers) for rows in (train, test, unknown)]
    np.testing.assert_allclose(
        np.exp(scipy_log_softmax(parts[1].logits, axis=1)),
        network.predict_proba(x[test] / 16),
        atol=1e-9,
    )
    return parts, y[train]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", AFTER_TRAINING)
def test_unknown_digits_score_higher(name, digits):
    (train, known, unknown), labels = digits
    detector = make(name).fit(train, labels)
    assert auroc(detector.score(known), detector.score(unknown)) > 0.75
