"""The drawn world of the embedded models: scenes with a ground truth, and questions about them.

Training, evaluation and the benchmark draw from it; everything follows from integer seeds.
"""
