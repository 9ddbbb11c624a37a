"""What tests ourselves: the claims that must hold, the null model, what trust is good for. ``make validate``."""
