"""Benchmarks: what mlplab costs, beside what its users would otherwise do.

python -m benchmarks            every benchmark, shortened
python -m benchmarks NAME ...   one of them; --help says what it takes
"""
