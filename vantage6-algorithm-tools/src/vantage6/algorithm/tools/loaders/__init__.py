"""One reader per kind of database; each imports its library only when it is used."""
