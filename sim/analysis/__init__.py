"""Reading results: closed forms to test against, contrasts, figures and the summary in words."""
