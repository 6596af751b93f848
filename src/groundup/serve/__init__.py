"""The server: OpenAI protocol, app, router, limits, cost, load test."""
