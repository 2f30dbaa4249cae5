"""Being told that a list has changed, so that it is fetched at once and not at its next interval.

::

    POST /lists/ID (webhook) ─┐
    DNS NOTIFY     (notify)  ─┼──> wakers ──> sync fetches the list
    state/wake/ID  (wake)    ─┘

A push carries no news itself: it only has the source asked, and the source proves what it says. So whoever
could forge one gains no more than a question, and no more than one a second for each list.
"""
