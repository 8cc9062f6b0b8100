"""Fakes and interface suites for the tests of all packages; nothing else imports this."""
