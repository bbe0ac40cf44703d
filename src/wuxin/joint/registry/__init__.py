"""The pledge registry across banks: the same goods behind two banks' loans are found at once.

A number is brought to its one form (:mod:`.numbers`), blinded, multiplied by three key nodes of
three institutions (:mod:`.oprf`, :mod:`.shares`) and unblinded to a tag that none of them knows;
the registry (:mod:`.service`) keeps tags with sealed holders and says no more than "pledged
elsewhere". What it cannot do stands in ``wuxin/joint/claims/registry.md``.
"""
