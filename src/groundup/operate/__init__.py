"""Running models for real: registry, gates, rollout, rollback, drift, experiments, incidents."""
