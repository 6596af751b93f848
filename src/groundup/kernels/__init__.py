"""Fast twins of plain functions; the only room that is allowed to be hard to read."""
