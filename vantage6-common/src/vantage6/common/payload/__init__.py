"""Inputs and results on their way: value, bytes, encrypted, inline or by reference."""
