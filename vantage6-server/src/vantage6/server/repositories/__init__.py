"""The database: transactions and queries."""
