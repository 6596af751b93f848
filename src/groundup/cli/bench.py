"""Measure a server under load: serve.

groundup bench serve --url http://127.0.0.1:8000 --users 8 --requests 200
groundup bench serve --url http://127.0.0.1:8000 --trace poisson --rate 4 --out load.json

Any server with OpenAI's API can be measured. Shown: time to first token, between tokens, and of
whole requests, as percentiles; tokens a second; errors. --out writes all of it as JSON, and a plot
beside it.
"""

import importlib.util
import inspect

CHAPTER = "look"
NEEDED = ("httpx", "matplotlib")
"""What it asks with, and what it draws with."""


def run(arguments: list[str]) -> int:
    """Find the command and run it."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(inspect.cleandoc(__doc__ or ""))
        return 0 if arguments else 2
    if arguments[0] != "serve":
        raise ValueError(f"there is no benchmark {arguments[0]!r}; there is: serve")
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"the load test needs {', '.join(missing)}; get it with `pip install 'groundup[serve]'`"
        )
    from groundup.cli import _bench_serve

    return _bench_serve.serve(arguments[1:], inspect.cleandoc(__doc__ or ""))
