"""Pretrained networks: shipped models beside peers on the same network."""
