"""The DNS front end: answers for listed names, forwards everything else.

A query travels ``wire -> access -> local_zones -> engine -> answers | cache | flight -> forwarder``;
``resolver`` is that pipeline, ``udp`` and ``tcp`` carry the bytes, ``role`` assembles the process.
"""
