"""What a transformer costs, by formula: weights, keys a query meets, operations, memory."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from groundup.course.exercise import Exercise
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig

MATRICES = Exercise(
    "block-matrices",
    of="groundup.scaling.flops:block_matrices",
    title="The matrices of a block",
    minutes=20,
    hints=(
        "A block has attention, which reads and writes `width` numbers a token, and a feed-forward "
        "layer. Which matrices does each have?",
        "Query, key, value: from width to heads (or key heads) * head_size; output: back again. "
        "Feed-forward: up to hidden_width (twice with swiglu, which has a gate), and down.",
        "queries = heads * head_size, keys = key_head_count * head_size, all of the config; "
        "[(queries, width), (keys, width), (keys, width), (width, queries), (hidden, width), "
        "(width, hidden)], the (hidden, width) twice for swiglu.",
    ),
)


def _config(case, **changes):
    shape = {"vocab_size": 50, "context": 8, "depth": 1, "width": 8 * case.integer(1, 3)}
    return GPTConfig(
        **{**shape, "heads": 4, "key_heads": 2, "head_width": 6, "hidden": 20, **changes}
    )


def _of_model(config):
    """The matrices that a model of this shape really has in a block, smallest first."""
    return sorted(list(p.shape) for p in GPT(config).blocks[0].parameters() if p.ndim == 2)


def _sorted(found):
    return sorted([int(rows), int(columns)] for rows, columns in found)


@MATRICES.check("they are those of the model itself")
def _(block_matrices, case):
    config = _config(case)
    case.same(_sorted(block_matrices(config)), _of_model(config), given={"config": config})


@MATRICES.check("without a gate there is one matrix up")
def _(block_matrices, case):
    config = _config(case, activation="gelu")
    case.same(_sorted(block_matrices(config)), _of_model(config), given={"config": config})


@MATRICES.check("all heads with keys of their own, as wide as width / heads", tier="deep")
def _(block_matrices, case):
    config = _config(case, key_heads=None, head_width=None)
    case.same(_sorted(block_matrices(config)), _of_model(config), given={"config": config})


@MATRICES.check("the hidden width that a config leaves open", tier="deep")
def _(block_matrices, case):
    config = _config(case, hidden=None, activation=("gelu", "swiglu")[case.integer(0, 1)])
    case.same(_sorted(block_matrices(config)), _of_model(config), given={"config": config})


def _matrices(config, *, keys=None, ups=None, queries=None, has_output=True):
    width, hidden = config.width, config.hidden_width
    queries = config.heads * config.head_size if queries is None else queries
    keys = config.key_head_count * config.head_size if keys is None else keys
    ups = (2 if config.activation == "swiglu" else 1) if ups is None else ups
    out = [(width, queries)] if has_output else []
    return [(queries, width), *[(keys, width)] * 2, *out, *[(hidden, width)] * ups, (width, hidden)]


@MATRICES.mistake(
    "keys and values have as many heads as queries: here they share, key_head_count of them",
    caught_by="they are those of the model itself",
)
def _(config):
    return _matrices(config, keys=config.heads * config.head_size)


@MATRICES.mistake(
    "the gate is forgotten: swiglu has two matrices up, three in all",
    caught_by="they are those of the model itself",
)
def _(config):
    return _matrices(config, ups=1)


@MATRICES.mistake(
    "three matrices up, or a gate where there is none: only swiglu has one",
    caught_by="without a gate there is one matrix up",
)
def _(config):
    return _matrices(config, ups=2)


@MATRICES.mistake(
    "heads * head_size is taken to be width: a config may choose another head_width",
    caught_by="they are those of the model itself",
)
def _(config):
    return _matrices(config, queries=config.width)


@MATRICES.mistake(
    "attention's output matrix is missing: what the heads found must be mixed back into width",
    caught_by="they are those of the model itself",
)
def _(config):
    return _matrices(config, has_output=False)


KEYS = Exercise(
    "mean-keys",
    of="groundup.scaling.flops:mean_keys",
    title="How many keys a query meets",
    minutes=15,
    hints=(
        "The first query meets one key, the second two. What is the mean of 1, 2, ... T?",
        "Causal: (T + 1) / 2. With a window W, the first W queries meet 1 ... W keys, "
        "the other T - W meet W each. Without causality every query meets all T.",
        "reach = min(window or context, context); (reach * (reach + 1) / 2 + (context - reach) * "
        "reach) / context.",
    ),
)


def _counted(context, window=None):
    return sum(min(t + 1, window or context) for t in range(context)) / context


@KEYS.check("causal: the mean of 1, 2, ... up to the context")
def _(mean_keys, case):
    given = {"context": case.integer(2, 9)}
    case.same(mean_keys(**given), _counted(**given), given=given)


@KEYS.check("with a window, no query meets more than it holds")
def _(mean_keys, case):
    given = {"context": case.integer(9, 12), "window": case.integer(2, 4)}
    case.same(mean_keys(**given), _counted(**given), given=given)


@KEYS.check("a window that is longer than the text changes nothing", tier="deep")
def _(mean_keys, case):
    given = {"context": case.integer(3, 5), "window": case.integer(6, 9)}
    case.same(mean_keys(**given), _counted(**given), given=given)


@KEYS.check("not causal: all of them, as a number with a fraction", tier="deep")
def _(mean_keys, case):
    given = {"context": case.integer(3, 9), "causal": False}
    case.same(mean_keys(**given), float(given["context"]), given=given)


@KEYS.mistake(
    "half the context: the mean of 1 ... T is (T + 1) / 2, because a query meets its own key too",
    caught_by="causal: the mean of 1, 2, ... up to the context",
)
def _(context, *, window=None, causal=True):
    return context / 2 if causal else float(context)


@KEYS.mistake(
    "all queries meet all keys: without the future, the first meets only one",
    caught_by="causal: the mean of 1, 2, ... up to the context",
)
def _(context, *, window=None, causal=True):
    return float(min(window or context, context))


@KEYS.mistake(
    "the window is not used",
    caught_by="with a window, no query meets more than it holds",
)
def _(context, *, window=None, causal=True):
    return (context + 1) / 2 if causal else float(context)


@KEYS.mistake(
    "every query meets a full window: the first ones of a text have fewer keys behind them",
    caught_by="with a window, no query meets more than it holds",
)
def _(context, *, window=None, causal=True):
    return float(window) if window and causal and window < context else (context + 1) / 2


FLOPS = Exercise(
    "forward-flops",
    of="groundup.scaling.flops:forward_flops",
    title="Operations for one token",
    minutes=25,
    hints=(
        "A weight of a matrix is used once for each token: one multiplication and one addition.",
        "2 for every weight in a product, the head included. Attention has no weights: each head "
        "multiplies the query with each key, and adds up the values: 2 * 2 * head_size a key.",
        "keys = sum of mean_keys(context, window=config.window_of(layer), causal=causal) over the "
        "layers; 2 * matmul_parameters(config) + 4 * config.heads * config.head_size * keys.",
    ),
)


def _measured(config, context):
    """What torch counts, of a model whose attention looks at everything and throws half away."""
    counter = FlopCounterMode(display=False)
    tokens = torch.zeros(1, context, dtype=torch.int64)
    with torch.no_grad(), counter:
        GPT(config)(tokens)
    return counter.get_total_flops() / context


@FLOPS.check("they are those that torch counts while the model runs")
def _(forward_flops, case):
    config = _config(case, depth=2, attention="plain")
    context = case.integer(4, 8)
    given = {"config": config, "context": context, "causal": False}
    case.same(float(forward_flops(**given)), _measured(config, context), given=given)


def _by_hand(config, keys):
    weights = config.depth * sum(a * b for a, b in _matrices(config)) + 50 * config.width
    return 2 * weights + 4 * config.heads * config.head_size * keys


@FLOPS.check("causal: half the keys, on the mean")
def _(forward_flops, case):
    config, context = _config(case, depth=3), case.integer(3, 8)
    expected = _by_hand(config, 3 * (context + 1) / 2)
    case.same(forward_flops(config, context), expected, given={"context": context})


@FLOPS.check("layers with a window meet fewer keys, the others all", tier="deep")
def _(forward_flops, case):
    config = _config(case, depth=2, window=2, window_layers=(0,))
    context = case.integer(4, 8)
    expected = _by_hand(config, _counted(context, 2) + _counted(context))
    case.same(
        forward_flops(config, context), expected, given={"config": config, "context": context}
    )


@FLOPS.check("twice the text costs more than nothing and less than twice a token", tier="deep")
def _(forward_flops, case):
    config, context = _config(case), case.integer(3, 8)
    more = forward_flops(config, 2 * context) - forward_flops(config, context)
    expected = 4 * config.heads * config.head_size * context / 2
    case.same(more, expected, given={"config": config, "contexts": [context, 2 * context]})


@FLOPS.mistake(
    "one for each weight: a multiplication and an addition are two",
    caught_by="causal: half the keys, on the mean",
)
def _(config, context, *, causal=True):
    keys = config.depth * ((context + 1) / 2 if causal else context)
    return _by_hand(config, keys) - _by_hand(config, 0) / 2


@FLOPS.mistake(
    "attention's scores and sums are left out: they have no weights, but 4 * heads * head_size "
    "operations for each key",
    caught_by="causal: half the keys, on the mean",
)
def _(config, context, *, causal=True):
    return _by_hand(config, 0)


@FLOPS.mistake(
    "only the scores are counted, not the sum of the values: a key costs a product, and so does "
    "its value",
    caught_by="causal: half the keys, on the mean",
)
def _(config, context, *, causal=True):
    keys = config.depth * ((context + 1) / 2 if causal else context)
    return _by_hand(config, keys / 2)


@FLOPS.mistake(
    "attention is counted for one layer: every block has its own",
    caught_by="they are those that torch counts while the model runs",
)
def _(config, context, *, causal=True):
    return _by_hand(config, (context + 1) / 2 if causal else context)


@FLOPS.mistake(
    "every layer is taken to look at everything: ask config.window_of(layer)",
    caught_by="layers with a window meet fewer keys, the others all",
)
def _(config, context, *, causal=True):
    return _by_hand(config, config.depth * ((context + 1) / 2 if causal else context))
