"""Use cases: one public function = one transaction, keyword-only; nothing else commits.

Services take plain checked data, load the registry snapshot, apply the rules of `core`, write
records, cache and roll-up together, and convert rows to records before they compute reports.
"""
