"""Questions of transfer as labels and options decide them, before inputs are prepared."""
