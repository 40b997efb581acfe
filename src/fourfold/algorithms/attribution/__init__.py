"""Attribution of scores to the features of rows.

Trees have exact Shapley values, anything that can be differentiated integrated gradients, which are
exact for lines.
"""
