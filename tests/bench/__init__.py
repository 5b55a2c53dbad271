"""What the README and the issues give figures for: `make bench`, or `python -m tests.bench gateway …`.

Everything runs on one machine in one run; where figures compare, they stand as ratios. Nothing is asserted.
"""
