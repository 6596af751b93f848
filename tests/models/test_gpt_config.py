import pytest

from groundup import config as configs
from groundup.layers.positions import RotaryScaling
from groundup.models.gpt import GPT, GPTConfig

SMALL = {"vocab_size": 50, "context": 16, "depth": 3, "width": 32, "heads": 4}
VARIANTS = {
    "qwen3": {},
    "grouped, wide heads": {"key_heads": 2, "head_width": 16},
    "untied": {"tied": False},
    "qkv bias": {"attention_bias": "qkv", "qk_norm": False},
    "gpt2": {
        "positions": "learned",
        "norm": "layer",
        "activation": "gelu_tanh",
        "qk_norm": False,
        "attention_bias": "all",
        "mlp_bias": True,
    },
    "no norm bias": {"norm": "layer", "norm_bias": False, "activation": "relu2", "hidden": 24},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_parameters_are_counted_by_formula(name):
    config = GPTConfig(**SMALL, **VARIANTS[name])
    model = GPT(config)
    assert config.parameters() == sum(p.numel() for p in model.parameters())
    tables = {
        id(p)
        for module in (model.embedding, model.position, model.head)
        if module is not None
        for p in module.parameters()
    }
    in_blocks = sum(p.numel() for p in model.parameters() if id(p) not in tables)
    assert config.parameters(embeddings=False) == in_blocks


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": 0}, "depth is 0; it must be 1 or more"),
        ({"window": 0}, "window is 0; it must be 1 or more"),
        ({"norm_eps": 0.0}, r"norm_eps is 0\.0; it must be more than 0"),
        ({"softcap": float("nan")}, "softcap is nan; it must be more than 0"),
        ({"initial_std": -1.0}, r"initial_std is -1\.0; it must be 0 or more"),
        ({"key_heads": 3}, r"4 heads cannot share 3 key heads evenly; .* one of \[1, 2, 4\]"),
        ({"width": 30}, "width 30 does not divide into 4 heads"),
        ({"head_width": 5}, "a head is 5 wide; it must be even"),
        ({"mlp_bias": True}, "mlp_bias is not possible with swiglu"),
        ({"window_layers": (1,)}, "window_layers is given without a window"),
        (
            {"window": 4, "window_layers": (1, 3)},
            r"window_layers names \[3\], but the 3 blocks are",
        ),
        (
            {"positions": "learned", "rotary_scaling": RotaryScaling(factor=2.0)},
            "rotary_scaling is given, but positions are learned",
        ),
    ],
)
def test_what_cannot_be_built_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        GPTConfig(**(SMALL | change))


def test_learned_positions_need_no_even_heads():
    assert GPTConfig(**SMALL, head_width=5, positions="learned").head_size == 5


def test_what_follows_from_the_rest():
    config = GPTConfig(**SMALL)
    assert (config.key_head_count, config.head_size) == (4, 8)
    assert config.hidden_width == 128  # 8/3 of 32 is 85.3; the next multiple of 64
    assert GPTConfig(**SMALL, activation="relu2").hidden_width == 128
    assert GPTConfig(**(SMALL | {"width": 96, "heads": 6})).hidden_width == 256


def test_windows_are_those_of_the_named_layers():
    everywhere = GPTConfig(**SMALL, window=4)
    some = GPTConfig(**SMALL, window=4, window_layers=(0, 2))
    assert [everywhere.window_of(layer) for layer in range(3)] == [4, 4, 4]
    assert [some.window_of(layer) for layer in range(3)] == [4, None, 4]


def test_one_dial_gives_a_whole_model_that_grows_with_it():
    configs_by_depth = [GPTConfig.from_depth(depth, 1000, 128) for depth in (1, 2, 4, 8)]
    sizes = [config.parameters() for config in configs_by_depth]
    assert sizes == sorted(set(sizes))
    for config in configs_by_depth:
        assert config.width % 64 == 0
        assert (config.vocab_size, config.context) == (1000, 128)
        assert config.qk_norm
        assert config.tied


def test_it_is_written_and_read_as_plain_data():
    scaling = RotaryScaling(factor=2.0)
    config = GPTConfig(**SMALL, window=4, window_layers=(0, 2), rotary_scaling=scaling)
    assert configs.from_plain(GPTConfig, configs.to_plain(config)) == config
