"""What clients share, under the names of the contract."""
