"""Learning from preferences: rewards, rollouts, policy gradients, PPO, DPO, GRPO, constitutions."""
