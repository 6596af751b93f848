"""Teaching a pre-trained model a task: instruction tuning, the LoRA family, prompts."""
