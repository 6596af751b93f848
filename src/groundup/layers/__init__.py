"""The parts of networks: attention, positions, norms, feed-forward, losses, initialisation."""
