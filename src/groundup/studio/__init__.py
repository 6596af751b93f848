"""The local web app: course, runs and playground."""
