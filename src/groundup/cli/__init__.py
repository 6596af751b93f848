"""The command line: `main` and one file a verb, each imported only when it is called."""
