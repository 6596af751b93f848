"""What must not go in or out: toxicity, personal data, policy, bias."""
