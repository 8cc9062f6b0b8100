"""Who may do what: pure functions of rules, principals and targets."""
