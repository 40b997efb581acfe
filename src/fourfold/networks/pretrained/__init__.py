"""Pretrained networks by name: timm's, transformers' and sentence encoders, with their weights.

The libraries load; what is here builds stages of their networks, and nothing trains here.
"""
