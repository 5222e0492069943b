"""What a leaderboard tells people in words."""

READING = """<ul class="reading">
<li><b data-say>Rating</b>: <span data-say>A Bradley-Terry model, fitted to all votes at once; the
mean of all models is 1000. 400 points more mean ten times the odds to win. A tie, or “both bad”,
draws two ratings together, less than a win would.</span></li>
<li><b data-say>95 % interval</b>: <span data-say>Where the rating would be in 95 of 100
repetitions with as many votes (bootstrap). Models whose intervals overlap may well be equally
good.</span></li>
<li><b>#</b>: <span data-say>One more than the number of models that are better for certain, their
whole interval being above this model's. Models that the votes cannot tell apart may share a
place.</span></li>
<li><b data-say>Provisional</b>: <span data-say>There are few votes on the model yet, and its place
may still change much.</span></li>
<li><b data-say>Win rate</b>: <span data-say>The mean over the models that it met, a tie being half
a win. It depends on whom it met; the rating does not.</span></li>
<li><b data-say>Filters</b>: <span data-say>They hide models, and change no rating and no
place.</span></li>
<li><b data-say>Style</b>: <span data-say>Nothing is corrected for it: longer answers, or more
boxes, may please for their own sake.</span></li>
<li><b data-say>Automatic</b>: <span data-say>Battles that the program judges, on drawn pictures
whose truth it knows. They are never mixed with people's votes.</span></li>
</ul>"""

AUTOMATIC = (
    '<p class="board-words judge"><b data-say>Judged by the program, not by people.</b> '
    "<span data-say>It draws scenes, so it knows the truth: boxes are judged by how much they "
    "overlap (IoU), words by whether they are right. These battles are never mixed with people's "
    "votes.</span></p>"
)

_HOW_TO_VOTE = """<ol>
<li data-say>Open “Battle”, choose a picture, and write what you want to know.</li>
<li data-say>Two models answer; you do not see which.</li>
<li data-say>Say which did better. You see who they were, and both appear here.</li>
</ol>"""

EMPTY = {
    "people": f"<h3 data-say>No votes yet</h3>{_HOW_TO_VOTE}",
    "mine": f"<h3 data-say>You have not voted yet</h3>{_HOW_TO_VOTE}",
    "automatic": "<h3 data-say>No automatic battles yet</h3>"
    "<p data-say>Whoever runs this page starts them with</p>"
    "<p><code>python -m vlm_demo battles --models A,B</code></p>",
}
"""Where nobody has voted, by whose votes were asked for."""

ELSEWHERE = (
    "<h3 data-say>No votes of this kind</h3>"
    "<p data-say>Choose another task or language, or whole answers.</p>"
)
"""Where nobody has voted on what was chosen."""

ONE_DAY = '<p class="board-words" data-say>Lines appear here once there are votes of two days.</p>'
"""In place of ratings over time."""
