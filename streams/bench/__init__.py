"""Measurements beside a named baseline, in one run: `./huiyin bench`."""
