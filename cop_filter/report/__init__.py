"""What the operator sees of the running filter: the state of each list, and figures.

`status` is a pure function over what the store holds; `counters` owns the folder that all processes
count into; `endpoint` serves both to Prometheus and is imported only by the process that does so.
For `cop-filter top`, `samples` reads that folder, and `rates` and `latency` turn two looks into figures.
"""
