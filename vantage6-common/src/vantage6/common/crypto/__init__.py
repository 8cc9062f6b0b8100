"""Encryption of payloads for an organization (contract, crypto)."""
