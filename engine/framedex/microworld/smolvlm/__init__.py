"""micro-smolvlm: a small video language model that answers questions about the micro-world, and its training."""
