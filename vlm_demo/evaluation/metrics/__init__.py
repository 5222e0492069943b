"""The rules by which published benchmarks score answers: pure functions, one file each.

None of them knows a model, a data set or a file. Each names the implementation that it equals.
"""
