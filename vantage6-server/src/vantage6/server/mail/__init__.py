"""Mails to users: composing them, and handing them to somebody who delivers them."""
