"""What tests share: bounded waiting, and the rule that a skip in CI is a failure."""
