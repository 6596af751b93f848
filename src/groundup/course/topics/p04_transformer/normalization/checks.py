"""Layer norm, RMS norm, batch norm: over which numbers the statistics run, and what is learned."""

import numpy as np
import torch

from groundup.autograd.normalization import BatchNorm
from groundup.autograd.tensor import Tensor
from groundup.course.exercise import Exercise

LAYER = Exercise(
    "layer-norm",
    of="groundup.layers.normalization:layer_norm",
    title="Layer norm: each vector by its own mean and variance",
    minutes=25,
    hints=(
        "Over which dimension of a batch of vectors do the mean and the variance run?",
        "Centre each vector by its own mean, divide by the root of its mean square plus eps, then "
        "times weight, plus bias. The variance divides by C, not by C - 1.",
        "centred = x - x.mean(-1, keepdim=True); scale = (centred.square().mean(-1, keepdim=True) "
        "+ eps).rsqrt(); widen float16 and bfloat16 with .float() before, .to(x.dtype) after.",
    ),
)


def _normed(case, *shape, eps=1e-5):
    weight, bias = case.tensor(2, shape[-1])
    return {"x": case.tensor(*shape), "weight": weight, "bias": bias, "eps": eps}


def _torch_layer(x, weight, bias, eps):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, eps)


@LAYER.check("it is torch's layer_norm")
def _(layer_norm, case):
    given = _normed(case, 2, 4)
    case.same(layer_norm(**given), _torch_layer(**given), given=given)


@LAYER.check("a vector's result does not depend on the others in the batch")
def _(layer_norm, case):
    given = _normed(case, 2, 3, 4)
    expected = _torch_layer(**{**given, "x": given["x"][1, 2]})
    case.same(layer_norm(**given)[1, 2], expected, given=given)


@LAYER.check("a constant vector becomes the bias, and is not divided by 0")
def _(layer_norm, case):
    given = _normed(case, 1, 4)
    given["x"] = torch.full_like(given["x"], float(case.integer(1, 9)))
    case.same(layer_norm(**given), given["bias"].unsqueeze(0), given=given)


@LAYER.check("eps is added to the variance, under the root", tier="deep")
def _(layer_norm, case):
    given = _normed(case, 2, 4, eps=0.3)
    case.same(layer_norm(**given), _torch_layer(**given), given=given)


@LAYER.check("the bias may be left out", tier="deep")
def _(layer_norm, case):
    given = {**_normed(case, 2, 4), "bias": None}
    case.same(layer_norm(**given), _torch_layer(**given), given=given)


@LAYER.check("float16 is squared in float32, and comes back as float16", tier="deep")
def _(layer_norm, case):
    x = (case.tensor(2, 4).sign() * case.tensor(2, 4).abs().clamp(0.5) * 600).half()
    given = {"x": x, "weight": torch.ones(4), "bias": torch.zeros(4), "eps": 1e-5}
    expected = _torch_layer(x.double(), None, None, 1e-5).half()
    got = layer_norm(**given)
    case.same(str(got.dtype), "torch.float16", given=given, says="the type is another one")
    case.same(got, expected, given=given)


@LAYER.check("gradients are torch's", tier="deep")
def _(layer_norm, case):
    given = _normed(case, 2, 4)
    wanted = [given[name].requires_grad_() for name in ("x", "weight", "bias")]
    ours = torch.autograd.grad(layer_norm(**given).pow(3).sum(), wanted)
    theirs = torch.autograd.grad(_torch_layer(**given).pow(3).sum(), wanted)
    case.same(list(ours), list(theirs), given=given, says="the gradient is another one")


def _norm(x, weight, bias, eps, *, axis=-1, unbiased=False, outside=False, centre=True):
    wide = x.float() if x.element_size() < 4 else x
    centred = wide - wide.mean(axis, keepdim=True) if centre else wide
    variance = centred.square().mean(axis, keepdim=True)
    if unbiased:
        variance = variance * x.shape[axis] / (x.shape[axis] - 1)
    scale = 1 / (variance.sqrt() + eps) if outside else (variance + eps).rsqrt()
    result = centred * scale * weight
    return (result if bias is None else result + bias).to(x.dtype)


@LAYER.mistake(
    "the statistics run over the batch, as in batch norm: a vector's result depends on its company",
    caught_by="a vector's result does not depend on the others in the batch",
)
def _(x, weight, bias, eps):
    return _norm(x, weight, bias, eps, axis=0)


@LAYER.mistake(
    "the variance divides by C - 1 (torch.var's default): layer norm divides by C, correction=0",
    caught_by="it is torch's layer_norm",
)
def _(x, weight, bias, eps):
    return _norm(x, weight, bias, eps, unbiased=True)


@LAYER.mistake(
    "eps is added to the standard deviation; it belongs under the root, to the variance",
    caught_by="eps is added to the variance, under the root",
)
def _(x, weight, bias, eps):
    return _norm(x, weight, bias, eps, outside=True)


@LAYER.mistake(
    "the mean is not subtracted: that is RMS norm",
    caught_by="it is torch's layer_norm",
)
def _(x, weight, bias, eps):
    return _norm(x, weight, bias, eps, centre=False)


@LAYER.mistake(
    "float16 is squared as it is: beyond 255 the square is infinite, and what is divided by it 0",
    caught_by="float16 is squared in float32, and comes back as float16",
)
def _(x, weight, bias, eps):
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + eps).rsqrt()
    result = centred * scale * weight.to(x.dtype)
    return result if bias is None else result + bias.to(x.dtype)


RMS = Exercise(
    "rms-norm",
    of="groundup.layers.normalization:rms_norm",
    title="RMS norm: the length alone",
    minutes=15,
    hints=(
        "What is left of layer norm if you neither subtract the mean nor add a bias?",
        "Each vector is divided by its root mean square, sqrt(mean(x^2) + eps), then scaled.",
        "wide = x.float() if x.element_size() < 4 else x; "
        "wide * (wide.square().mean(-1, keepdim=True) + eps).rsqrt() * weight, .to(x.dtype).",
    ),
)


def _rms_given(case, *shape, eps=1e-6):
    return {"x": case.tensor(*shape), "weight": case.tensor(shape[-1]), "eps": eps}


def _torch_rms(x, weight, eps):
    return torch.nn.functional.rms_norm(x, x.shape[-1:], weight, eps)


@RMS.check("it is torch's rms_norm")
def _(rms_norm, case):
    given = _rms_given(case, 2, 4)
    case.same(rms_norm(**given), _torch_rms(**given), given=given)


@RMS.check("the vector (3, 4, 0, 0) has the root mean square 2.5")
def _(rms_norm, case):
    size = float(case.integer(1, 9))
    x = size * torch.tensor([[3.0, 4.0, 0.0, 0.0]], dtype=torch.float64)
    given = {"x": x, "weight": torch.ones(4, dtype=torch.float64), "eps": 0.0}
    case.same(rms_norm(**given), x / (2.5 * size), given=given)


@RMS.check("a vector of zeros stays zeros", tier="deep")
def _(rms_norm, case):
    given = {**_rms_given(case, 2, 4), "x": torch.zeros(2, 4)}
    case.same(rms_norm(**given), torch.zeros(2, 4), given=given)


@RMS.check("eps counts where the vector is small", tier="deep")
def _(rms_norm, case):
    given = _rms_given(case, 2, 3, eps=0.5)
    case.same(rms_norm(**given), _torch_rms(**given), given=given)


@RMS.check("float16 is squared in float32, and comes back as float16", tier="deep")
def _(rms_norm, case):
    x = (case.tensor(2, 4).sign() * case.tensor(2, 4).abs().clamp(0.5) * 600).half()
    given = {"x": x, "weight": torch.ones(4), "eps": 1e-6}
    got = rms_norm(**given)
    case.same(str(got.dtype), "torch.float16", given=given, says="the type is another one")
    case.same(got, _torch_rms(x.double(), None, 1e-6).half(), given=given)


@RMS.mistake("the mean is subtracted first: that is layer norm", caught_by="it is torch's rms_norm")
def _(x, weight, eps):
    return _norm(x, weight, None, eps)


@RMS.mistake(
    "it is divided by the length, the root of the sum: the mean makes it independent of the width",
    caught_by="the vector (3, 4, 0, 0) has the root mean square 2.5",
)
def _(x, weight, eps):
    return x * (x.square().sum(-1, keepdim=True) + eps).rsqrt() * weight


@RMS.mistake(
    "it is divided by the mean square, not by its root",
    caught_by="the vector (3, 4, 0, 0) has the root mean square 2.5",
)
def _(x, weight, eps):
    return x / (x.square().mean(-1, keepdim=True) + eps) * weight


@RMS.mistake(
    "eps is added after the root, or left out: it belongs to the mean square, under the root",
    caught_by="eps counts where the vector is small",
)
def _(x, weight, eps):
    return _norm(x, weight, None, eps, centre=False, outside=True)


@RMS.mistake(
    "float16 is squared as it is: beyond 255 the square is infinite, and what is divided by it 0",
    caught_by="float16 is squared in float32, and comes back as float16",
)
def _(x, weight, eps):
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt() * weight.to(x.dtype)


BATCH = Exercise(
    "batch-norm",
    of="groundup.autograd.normalization:BatchNorm",
    title="Batch norm: one behaviour in training, another in use",
    minutes=40,
    methods=("forward", "_follow"),
    hints=(
        "In use there may be a single example. Where do mean and variance come from then?",
        "Training: statistics of this batch over all dimensions but 1, the variance divided by n; "
        "and the running ones move by `momentum` towards them, their variance divided by n - 1.",
        "others = (0, *range(2, x.ndim)); mean = x.mean(others); variance = x.var(others, "
        "correction=0); self._follow(mean.data, variance.data * count / (count - 1)); "
        "batch_norm(x, mean, variance, self.weight, self.bias, self.eps).",
    ),
)


def _pair(batch_norm, case, *shape):
    """Ours and torch's with the same gains, and an input."""
    ours, theirs = batch_norm(shape[1]), torch.nn.BatchNorm1d(shape[1]).double()
    weight, bias = case.array(2, shape[1]).astype(np.float32)
    ours.weight.data, ours.bias.data = weight, bias
    theirs.load_state_dict(
        {**theirs.state_dict(), "weight": torch.tensor(weight), "bias": torch.tensor(bias)}
    )
    return ours, theirs, case.array(*shape)


def _run(module, x):
    result = module(Tensor(x) if isinstance(module, BatchNorm) else torch.from_numpy(x))
    return result.data if isinstance(module, BatchNorm) else result.detach().numpy()


@BATCH.check("in training each feature has mean 0 and variance 1 over the batch, then its gain")
def _(batch_norm, case):
    ours, theirs, x = _pair(batch_norm, case, 5, 2)
    case.same(ours(Tensor(x)).data, _run(theirs, x), given={"x": x}, tolerance=1e-6)


@BATCH.check("in use the running statistics take the place of the batch's")
def _(batch_norm, case):
    ours, theirs, x = _pair(batch_norm, case, 4, 2)
    ours.running_mean, ours.running_var = np.array([1.0, 2.0]), np.array([4.0, 9.0])
    theirs.running_mean, theirs.running_var = torch.tensor([1.0, 2.0]), torch.tensor([4.0, 9.0])
    ours.training, theirs.training = False, False
    given = {"x": x, "running_mean": ours.running_mean, "running_var": ours.running_var}
    case.same(ours(Tensor(x)).data, _run(theirs.double(), x), given=given, tolerance=1e-6)


@BATCH.check("the running statistics move a tenth of the way towards the batch's")
def _(batch_norm, case):
    ours, theirs, x = _pair(batch_norm, case, 4, 2)
    ours(Tensor(x)), theirs(torch.from_numpy(x))
    expected = {"mean": theirs.running_mean.numpy(), "var": theirs.running_var.numpy()}
    got = {"mean": ours.running_mean, "var": ours.running_var}
    case.same(got, expected, given={"x": x}, tolerance=1e-6)


@BATCH.check("of images, the statistics run over height and width too", tier="deep")
def _(batch_norm, case):
    ours, _, x = _pair(batch_norm, case, 2, 2, 2, 3)
    mean, variance = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    weight, bias = (part.data.reshape(-1, 1, 1) for part in (ours.weight, ours.bias))
    expected = (x - mean) / np.sqrt(variance + 1e-5) * weight + bias
    case.same(ours(Tensor(x)).data, expected, given={"x": x}, tolerance=1e-6)


@BATCH.check("in use nothing is learned: the running statistics stay", tier="deep")
def _(batch_norm, case):
    ours, _, x = _pair(batch_norm, case, 4, 2)
    ours.training = False
    ours(Tensor(x))
    got = [ours.running_mean, ours.running_var, int(ours.num_batches_tracked)]
    case.same(got, [np.zeros(2), np.ones(2), 0], given={"x": x}, says="they changed")


@BATCH.check("a batch of one has no variance to train on", tier="deep")
def _(batch_norm, case):
    ours, _, x = _pair(batch_norm, case, 1, 2)
    case.refuses(lambda: ours(Tensor(x)).data, says="a batch of one was normalized", given={"x": x})


@BATCH.mistake(
    "the batch's statistics are used in use too: an example's result then depends on its company, "
    "and a single one has no variance",
    caught_by="in use the running statistics take the place of the batch's",
)
class _AlwaysBatch(BatchNorm):
    def forward(self, x):
        was, self.training = self.training, True
        result = super().forward(x)
        self.training = was
        return result


@BATCH.mistake(
    "the running variance is that of the batch, divided by n: a batch's own mean makes it too "
    "small, n - 1 mends that",
    caught_by="the running statistics move a tenth of the way towards the batch's",
)
class _Biased(BatchNorm):
    def forward(self, x):
        self.count = x.numel() // x.shape[1]
        return super().forward(x)

    def _follow(self, mean, variance):
        super()._follow(mean, variance * (self.count - 1) / self.count)


@BATCH.mistake(
    "momentum is taken as the share that stays, as in SGD; here it is the share that comes",
    caught_by="the running statistics move a tenth of the way towards the batch's",
)
class _WrongWay(BatchNorm):
    def _follow(self, mean, variance):
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
        self.running_var = self.momentum * self.running_var + (1 - self.momentum) * variance


@BATCH.mistake(
    "the batch is normalized with the running statistics while training: it must be with its own",
    caught_by="in training each feature has mean 0 and variance 1 over the batch, then its gain",
)
class _AlwaysRunning(BatchNorm):
    def forward(self, x):
        was, self.training = self.training, False
        result = super().forward(x)
        self.training = was
        return result


@BATCH.mistake(
    "the running statistics move in use as well: call _follow in training only",
    caught_by="in use nothing is learned: the running statistics stay",
)
class _AlwaysFollows(BatchNorm):
    def forward(self, x):
        result = super().forward(x)
        if not self.training:
            self._follow(x.data.mean(0), x.data.var(0))
        return result
