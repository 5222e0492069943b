"""What a leaderboard tells people in words."""

READING = """<ul class="reading">
<li><b>Rating</b>: a Bradley-Terry model, fitted to all votes at once; the mean of all models is
1000. 400 points more mean ten times the odds to win. A tie, or “both bad”, draws two ratings
together, less than a win would.</li>
<li><b>95 % interval</b>: where the rating would be in 95 of 100 repetitions with as many votes
(bootstrap). Models whose intervals overlap may well be equally good.</li>
<li><b>#</b>: one more than the number of models that are better for certain, their whole interval
being above this model's. Models that the votes cannot tell apart may share a place.</li>
<li><b>Provisional</b>: there are few votes on the model yet, and its place may still change
much.</li>
<li><b>Win rate</b>: the mean over the models that it met, a tie being half a win. It depends on
whom it met; the rating does not.</li>
<li><b>Filters</b> hide models. They change no rating and no place.</li>
<li>Nothing is corrected for style: longer answers, or more boxes, may please for their own
sake.</li>
<li><b>Automatic</b> battles are judged by the program, on drawn pictures whose truth it knows, and
never mixed with people's votes.</li>
</ul>"""

AUTOMATIC = (
    '<p class="board-words judge"><b>Judged by the program, not by people.</b> It draws scenes, so '
    "it knows the truth: boxes are judged by how much they overlap (IoU), words by whether they "
    "are right. These battles are never mixed with people's votes.</p>"
)

_HOW_TO_VOTE = """<ol>
<li>Open <b>Battle</b>, choose a picture, and write what you want to know.</li>
<li>Two models answer; you do not see which.</li>
<li>Say which did better. You see who they were, and both appear here.</li>
</ol>"""

EMPTY = {
    "people": f"<h3>No votes yet</h3>{_HOW_TO_VOTE}",
    "mine": f"<h3>You have not voted yet</h3>{_HOW_TO_VOTE}",
    "automatic": "<h3>No automatic battles yet</h3><p>Whoever runs this page starts them with</p>"
    "<p><code>python -m vlm_demo battles --models A,B</code></p>",
}
"""Where nobody has voted, by whose votes were asked for."""

ELSEWHERE = (
    "<h3>No votes of this kind</h3><p>Choose another task or language, or whole answers.</p>"
)
"""Where nobody has voted on what was chosen."""

ONE_DAY = '<p class="board-words">Lines appear here once there are votes of two days.</p>'
"""In place of ratings over time."""
