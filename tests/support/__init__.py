"""What tests share: ranks started from pytest, models, judges of results."""
