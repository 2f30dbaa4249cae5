"""Self-certification: what a quarter looked like, signed, so that an authority can check it elsewhere.

history, audit log, state ──gather──> facts ──document──> HTML, PDF
                                        └──certificate──> signed JSON, with the digests of the other two
"""
