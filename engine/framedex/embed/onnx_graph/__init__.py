"""ONNX graphs run by torch: read, rewritten into torch's own large operators, and executed step by step."""
