"""The same default model without the wing: plain, narrow federated, noisy; and what each leaks.

All of them train one logistic regression by the same steps (:mod:`.steps`), so that what differs is
where the numbers are, not the model. :func:`wuxin.joint.baselines.compare.compare` runs them all.
"""
