"""Serve models to OpenAI's clients and to a chat page in the browser.

- groundup serve smollm2
- groundup serve runs/stdlib smollm2 --port 8080 --quant q8
- groundup serve smollm2 --host 0.0.0.0 --api-key SECRET

Only this machine can connect unless --host says otherwise. Ctrl-C lets the answers under way end
and stops; a second one stops at once.
"""

import importlib.util

import tyro

from groundup import swap
from groundup.cli._serve_options import Options

CHAPTER = "talk"
NEEDED = ("fastapi", "uvicorn", "prometheus_client", "llguidance")
"""What the extra `serve` brings."""


def run(arguments: list[str]) -> int:
    """Open the models, say where they are served, and serve until stopped."""
    options = tyro.cli(Options, args=arguments, prog="groundup serve", description=__doc__)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"serving needs {', '.join(missing)}; get it with `pip install 'groundup[serve]'`"
        )
    from groundup.cli import _serving

    with swap.replaced([swap.load(use) for use in options.use]):
        return _serving.serve(options)
