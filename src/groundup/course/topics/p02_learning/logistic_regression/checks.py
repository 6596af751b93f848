"""From a score to a probability, what being wrong costs, and the slope and curvature of that."""

import math
import warnings

import numpy as np
import torch

from groundup.classical.logistic_loss import LogisticObjective as Ours
from groundup.course.exercise import Exercise

# The sigmoid

SIGMOID = Exercise(
    "sigmoid",
    of="groundup.classical.logistic_loss:sigmoid",
    title="A score becomes a probability",
    minutes=15,
    hints=(
        "e^1000 is infinite, e^-1000 is 0. Which of the two can do no harm?",
        "1 / (1 + e^-z) and e^z / (1 + e^z) are the same number. The first is safe for z at or "
        "above 0, the second below: both hold e^-|z| alone.",
        "`small = np.exp(-np.abs(z))`; the top is 1 where z >= 0 and else small, the bottom "
        "1 + small.",
    ),
)


@SIGMOID.check("even odds at 0; three to one at log 3")
def _(sigmoid, case):
    z = np.array([0.0, math.log(3), -math.log(3)])
    case.same(sigmoid(z), np.array([0.5, 0.75, 0.25]), given={"z": z})


@SIGMOID.check("it is torch's")
def _(sigmoid, case):
    z = 3 * case.array(5)
    case.same(sigmoid(z), torch.from_numpy(z).sigmoid().numpy(), given={"z": z})


@SIGMOID.check("a thousand, up or down, is no trouble", tier="deep")
def _(sigmoid, case):
    z = np.array([1000.0, -1000.0])
    with np.errstate(all="ignore"):
        case.same(sigmoid(z), np.array([1.0, 0.0]), given={"z": z})


@SIGMOID.check("nothing overflows on the way", tier="deep")
def _(sigmoid, case):
    z = np.array([1000.0, -1000.0])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        sigmoid(z)
    case.same([str(one.message) for one in said], [], given={"z": z}, says="NumPy warned")


@SIGMOID.check("far below 0 it is e^z, to the last digits", tier="deep")
def _(sigmoid, case):
    z = np.array([-40.0, -300.0])
    with np.errstate(all="ignore"):
        share = sigmoid(z) / np.exp(z)
    case.same(share, np.ones(2), given={"z": z}, says="over e^z it should be 1")


_ODDS = "even odds at 0; three to one at log 3"


@SIGMOID.mistake(
    "the sign is wrong: a high score should give a probability near 1, so it is e^-z",
    caught_by=_ODDS,
)
def _(z):
    with np.errstate(all="ignore"):
        return 1 / (1 + np.exp(z))


@SIGMOID.mistake(
    "e^z / (1 + e^z) is infinity over infinity for a large z; for z above 0 write 1 / (1 + e^-z)",
    caught_by="a thousand, up or down, is no trouble",
)
def _(z):
    with np.errstate(all="ignore"):
        return np.exp(z) / (1 + np.exp(z))


@SIGMOID.mistake(
    "1 - 1 / (1 + e^z) is right on paper; for z below -37 the subtraction leaves nothing",
    caught_by="far below 0 it is e^z, to the last digits",
)
def _(z):
    with np.errstate(all="ignore"):
        return 1 - 1 / (1 + np.exp(z))


@SIGMOID.mistake(
    "e^-z overflows for a very negative z: right by luck, since 1 / infinity is 0, but it warns, "
    "and its slope would be NaN",
    caught_by="nothing overflows on the way",
)
def _(z):
    return 1 / (1 + np.exp(-z))


# The loss of two classes

BINARY = Exercise(
    "binary_loss",
    of="groundup.classical.logistic_loss:binary_loss",
    title="What a score costs, when the answer is yes or no",
    minutes=25,
    hints=(
        "The loss is minus the logarithm of the probability that was given to what happened. Write "
        "it for y = 1 and y = 0 as a function of z.",
        "log(1 + e^z) - y z, with slope sigmoid(z) - y: predicted less happened. For a large z, "
        "log(1 + e^z) = z + log(1 + e^-z).",
        "`small = np.exp(-np.abs(z))`; `np.maximum(z, 0) + np.log1p(small) - y * z`; the slope is "
        "the stable sigmoid from the same `small`, less y.",
    ),
)


def _yes_or_no(case, n=4):
    return {"z": 2 * case.array(n), "y": (np.arange(n) % 2).astype(float)}


def _torch_binary(z, y):
    z = torch.tensor(z, requires_grad=True)
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        z, torch.tensor(y), reduction="none"
    )
    [slopes] = torch.autograd.grad(losses.sum(), z)
    return [losses.detach().numpy(), slopes.numpy()]


@BINARY.check("not to know costs log 2, and pulls by a half towards what happened")
def _(binary_loss, case):
    given = {"z": np.zeros(2), "y": np.array([0.0, 1.0])}
    expected = [np.full(2, math.log(2)), np.array([0.5, -0.5])]
    case.same(list(binary_loss(**given)), expected, given=given)


@BINARY.check("losses are torch's")
def _(binary_loss, case):
    given = _yes_or_no(case)
    case.same(binary_loss(**given)[0], _torch_binary(**given)[0], given=given)


@BINARY.check("slopes are torch's")
def _(binary_loss, case):
    given = _yes_or_no(case)
    case.same(binary_loss(**given)[1], _torch_binary(**given)[1], given=given)


@BINARY.check("very sure and very wrong costs |z|, very sure and right nothing", tier="deep")
def _(binary_loss, case):
    given = {"z": np.array([1000.0, 1000, -1000, -1000]), "y": np.array([0.0, 1, 0, 1])}
    expected = [np.array([1000.0, 0, 0, 1000]), np.array([1.0, 0, 0, -1])]
    with np.errstate(all="ignore"):
        case.same(list(binary_loss(**given)), expected, given=given)


@BINARY.check("a small loss keeps its digits", tier="deep")
def _(binary_loss, case):
    given = {"z": np.array([-40.0, 40.0]), "y": np.array([0.0, 1.0])}
    losses, _ = binary_loss(**given)
    says = "over e^-40 the losses should be 1"
    case.same(losses[:1] / math.exp(-40), np.ones(1), given=given, says=says)


@BINARY.check("a label may be a share", tier="deep")
def _(binary_loss, case):
    given = {"z": case.array(3), "y": case.chance.uniform(0, 1, 3)}
    case.same(list(binary_loss(**given)), _torch_binary(**given), given=given)


def _sigmoid(z):
    with np.errstate(all="ignore"):
        return np.where(z >= 0, 1.0, np.exp(-np.abs(z))) / (1 + np.exp(-np.abs(z)))


def _softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


@BINARY.mistake(
    "log(1 + e^(-y z)) is the loss for labels -1 and 1; here they are 0 and 1",
    caught_by="losses are torch's",
)
def _(z, y):
    return _softplus(-y * z), _sigmoid(z) - y


@BINARY.mistake(
    "the logarithm of a probability that has rounded to 0 is minus infinity: write the loss from "
    "z, without the sigmoid",
    caught_by="very sure and very wrong costs |z|, very sure and right nothing",
)
def _(z, y):
    p = _sigmoid(z)
    with np.errstate(all="ignore"):
        losses = -(np.where(y == 0, 0, y * np.log(p)) + np.where(y == 1, 0, (1 - y) * np.log1p(-p)))
    return losses, p - y


@BINARY.mistake(
    "the slope points the wrong way: it is what was predicted less what happened",
    caught_by="slopes are torch's",
)
def _(z, y):
    return _softplus(z) - y * z, y - _sigmoid(z)


@BINARY.mistake(
    "the slope has p (1 - p) in it too, as that of a squared error would; in this loss it cancels, "
    "which is the point: a wrong and very sure score is still pulled at full strength",
    caught_by="slopes are torch's",
)
def _(z, y):
    p = _sigmoid(z)
    return _softplus(z) - y * z, (p - y) * p * (1 - p)


@BINARY.mistake(
    "log(1 + small) rounds 1 + small to 1 first; log1p(small) does not",
    caught_by="a small loss keeps its digits",
)
def _(z, y):
    return np.maximum(z, 0) + np.log(1 + np.exp(-np.abs(z))) - y * z, _sigmoid(z) - y


# The loss of several classes

MULTINOMIAL = Exercise(
    "multinomial_loss",
    of="groundup.classical.logistic_loss:multinomial_loss",
    title="The same for any number of classes",
    minutes=25,
    hints=(
        "Mind how the scores lie: a row for each class, a column for each sample. Over which axis "
        "does a probability sum to 1?",
        "log(sum of e^z over the classes) minus the score of the class that happened; the slope is "
        "softmax less target. Taking the largest score of each column away first changes neither.",
        "`shifted = scores - scores.max(axis=0)`; `exponentials = np.exp(shifted)`; `totals = "
        "exponentials.sum(axis=0)`; losses: `np.log(totals) - (shifted * targets).sum(axis=0)`.",
    ),
)


def _classes(case, k=3, n=3):
    labels = (np.arange(n) + case.integer(0, k - 1)) % k
    return {"scores": 2 * case.array(k, n), "targets": np.eye(k)[:, labels]}


def _torch_classes(scores, targets):
    z = torch.tensor(scores, requires_grad=True)
    losses = -(torch.tensor(targets) * z.log_softmax(0)).sum(0)
    [slopes] = torch.autograd.grad(losses.sum(), z)
    return [losses.detach().numpy(), slopes.numpy()]


@MULTINOMIAL.check("losses are torch's")
def _(multinomial_loss, case):
    given = _classes(case)
    case.same(multinomial_loss(**given)[0], _torch_classes(**given)[0], given=given)


@MULTINOMIAL.check("slopes are torch's")
def _(multinomial_loss, case):
    given = _classes(case)
    case.same(multinomial_loss(**given)[1], _torch_classes(**given)[1], given=given)


@MULTINOMIAL.check("with scores 0 and z it is the loss of two classes")
def _(multinomial_loss, case):
    two = _yes_or_no(case, 3)
    given = {
        "scores": np.stack([np.zeros(3), two["z"]]),
        "targets": np.stack([1 - two["y"], two["y"]]),
    }
    case.same(multinomial_loss(**given)[0], _torch_binary(**two)[0], given=given)


@MULTINOMIAL.check("scores of thousands are no trouble", tier="deep")
def _(multinomial_loss, case):
    given = {"scores": np.array([[1000.0, -5000], [0, -4000]]), "targets": np.eye(2)}
    with np.errstate(all="ignore"):
        case.same(list(multinomial_loss(**given)), [np.zeros(2), np.zeros((2, 2))], given=given)


@MULTINOMIAL.check("what was given is not changed", tier="deep")
def _(multinomial_loss, case):
    given = _classes(case)
    before = {name: value.copy() for name, value in given.items()}
    multinomial_loss(**given)
    case.same(given, before, given=before, says="an argument was written into")


def _multinomial(scores, targets, *, axis=0, shift=True, share=1.0, target=1.0):
    """The loss, with one thing otherwise."""
    z = scores - scores.max(axis=axis, keepdims=True) if shift else scores
    with np.errstate(all="ignore"):
        powers = np.exp(z)
        totals = powers.sum(axis=axis, keepdims=True)
        losses = ((np.log(totals) - z) * targets).sum(axis=0)
        return losses, (powers / totals - target * targets) * share


@MULTINOMIAL.mistake(
    "the softmax runs over the samples; a sample's column is what sums to 1 (axis 0)",
    caught_by="losses are torch's",
)
def _(scores, targets):
    return _multinomial(scores, targets, axis=1)


@MULTINOMIAL.mistake(
    "e^1000 overflows: take the largest score of each column away first",
    caught_by="scores of thousands are no trouble",
)
def _(scores, targets):
    return _multinomial(scores, targets, shift=False)


@MULTINOMIAL.mistake(
    "the slopes are divided by the number of samples; here each sample has its own, and whoever "
    "asks for a mean weighs them",
    caught_by="slopes are torch's",
)
def _(scores, targets):
    return _multinomial(scores, targets, share=1 / scores.shape[1])


@MULTINOMIAL.mistake(
    "the slopes are the probabilities alone: the target has to come off, or nothing pulls the "
    "right class up",
    caught_by="slopes are torch's",
)
def _(scores, targets):
    return _multinomial(scores, targets, target=0.0)


# What is minimised, its slope, its curvature

OBJECTIVE = Exercise(
    "logistic_objective",
    of="groundup.classical.logistic_loss:LogisticObjective",
    methods=("gradient", "hessian"),
    title="The slope and the curvature of a whole data set",
    minutes=60,
    hints=(
        "`look` gives the slopes p - y of the losses, classes x samples. The chain rule does the "
        "rest: how fast does a score move when one coefficient does?",
        "Gradient: slopes times the samples' weights, times the rows, plus the penalty times W "
        "(`penalties` has 0 for the intercept). Curvature: blocks of rows' diag(s p_k (1 or 0 - "
        "p_l)) rows; for two classes that is s p (1 - p) alone.",
        "`slopes = self.look(x)[1] * self.weights; (slopes @ self.rows + self.penalties * "
        "x.reshape(self.shape)).ravel()`; for the Hessian `p = self.look(x)[1] + self.targets` and "
        "a loop over pairs of classes into an array of shape (k, size, k, size).",
    ),
)


def _data(case, k=1, *, l2=0.0, fit_intercept=True, n=6, f=2):
    """A data set by name, and coefficients to look at."""
    labels = np.arange(n) % max(k, 2)
    targets = np.eye(max(k, 2))[:, labels]
    given = {
        "X": case.array(n, f),
        "targets": targets[1:] if k == 1 else targets,
        "weights": case.chance.uniform(0.5, 1.5, n) / n,
        "l2": l2,
        "fit_intercept": fit_intercept,
    }
    return given, case.array(k * (f + fit_intercept))


def _torch_objective(x, X, targets, weights, l2, fit_intercept):
    k = len(targets)
    X, targets, weights = (torch.tensor(one) for one in (X, targets, weights))
    W = x.reshape(k, -1)
    w, b = (W[:, :-1], W[:, -1:]) if fit_intercept else (W, 0.0)
    z = w @ X.mT + b
    if k == 1:
        losses = torch.nn.functional.softplus(z[0]) - targets[0] * z[0]
    else:
        losses = -(targets * z.log_softmax(0)).sum(0)
    return weights @ losses + l2 / 2 * (w * w).sum()


def _slope(given, x):
    at = torch.tensor(x, requires_grad=True)
    return torch.autograd.grad(_torch_objective(at, **given), at)[0].numpy()


def _curvature(given, x):
    function = torch.autograd.functional.hessian
    return function(lambda at: _torch_objective(at, **given), torch.tensor(x)).numpy()


@OBJECTIVE.check("two classes: the gradient is torch's")
def _(objective, case):
    given, x = _data(case)
    case.same(objective(**given).gradient(x), _slope(given, x), given={**given, "x": x})


@OBJECTIVE.check("the penalty pulls on all coefficients but the intercept")
def _(objective, case):
    given, x = _data(case, l2=0.7)
    case.same(objective(**given).gradient(x), _slope(given, x), given={**given, "x": x})


@OBJECTIVE.check("two classes: the curvature is torch's")
def _(objective, case):
    given, x = _data(case, l2=0.7)
    case.same(objective(**given).hessian(x), _curvature(given, x), given={**given, "x": x})


@OBJECTIVE.check("three classes: the gradient is torch's", tier="deep")
def _(objective, case):
    given, x = _data(case, 3, l2=0.7)
    case.same(objective(**given).gradient(x), _slope(given, x), given={**given, "x": x})


@OBJECTIVE.check("three classes: the curvature is torch's", tier="deep")
def _(objective, case):
    given, x = _data(case, 3, l2=0.7, fit_intercept=False)
    case.same(objective(**given).hessian(x), _curvature(given, x), given={**given, "x": x})


@OBJECTIVE.check("a shift of all classes alike, which nothing punishes, is given some", tier="deep")
def _(objective, case):
    given, x = _data(case, 3, n=12)
    least = float(np.linalg.eigvalsh(objective(**given).hessian(x))[0])
    says = f"the least curvature is {least:.2g}: a Newton step divides by it"
    case.holds(least > 1e-6, says, given={**given, "x": x})


def _slopes_wrong(*, weighted=True, penalised="all but the intercept", sign=1.0):
    def gradient(self, x):
        slopes = sign * self.look(x)[1] * (self.weights if weighted else 1.0)
        penalties = {
            "all but the intercept": self.penalties,
            "all": np.full(self.shape[1], self.penalties.max()),
            "none": np.zeros(self.shape[1]),
        }[penalised]
        return (slopes @ self.rows + penalties * x.reshape(self.shape)).ravel()

    return type("LogisticObjective", (Ours,), {"gradient": gradient})


def _curvature_wrong(*, blocks="all", variance=True):
    def hessian(self, x):
        p = self.look(x)[1] + self.targets
        k, size = self.shape
        H = np.zeros((k, size, k, size))
        for a in range(k):
            for b in range(k) if blocks == "all" else [a]:
                curvature = self.weights * p[a] * ((a == b) - p[b] if variance else a == b)
                H[a, :, b] = self.rows.T @ (curvature[:, None] * self.rows)
            H[a, :, a] += np.diag(self.penalties)
        return H.reshape(k * size, k * size)

    return type("LogisticObjective", (Ours,), {"hessian": hessian})


OBJECTIVE.mistake(
    "the samples' weights are missing: multiply each slope by its sample's weight",
    caught_by="two classes: the gradient is torch's",
)(_slopes_wrong(weighted=False))
OBJECTIVE.mistake(
    "the slopes are what happened less what was predicted; wanted it the other way round, "
    "as `look` gives them",
    caught_by="two classes: the gradient is torch's",
)(_slopes_wrong(sign=-1.0))
OBJECTIVE.mistake(
    "the penalty is missing: its slope is lambda times the coefficient",
    caught_by="the penalty pulls on all coefficients but the intercept",
)(_slopes_wrong(penalised="none"))
OBJECTIVE.mistake(
    "the intercept is penalised too; then the answer would depend on where a feature's zero is",
    caught_by="the penalty pulls on all coefficients but the intercept",
)(_slopes_wrong(penalised="all"))
OBJECTIVE.mistake(
    "the curvature of a loss is p (1 - p), not p: where the model is sure it is nearly flat",
    caught_by="two classes: the curvature is torch's",
)(_curvature_wrong(variance=False))
OBJECTIVE.mistake(
    "the blocks between different classes are missing: raising one class's score lowers the "
    "others' probabilities",
    caught_by="three classes: the curvature is torch's",
)(_curvature_wrong(blocks="own"))
OBJECTIVE.mistake(
    "the same shift of all classes' intercepts changes no probability, so the curvature there is 0 "
    "and a Newton step is not defined: add some on the diagonal for it",
    caught_by="a shift of all classes alike, which nothing punishes, is given some",
)(_curvature_wrong())
