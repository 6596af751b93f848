"""`python -m groundup` is the `groundup` command."""

from groundup.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
