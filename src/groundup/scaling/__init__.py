"""What a run costs before it runs: FLOPs, memory, scaling laws, planner."""
