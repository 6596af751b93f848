"""The mathematics underneath, in plain Python and NumPy."""
