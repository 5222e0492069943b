"""The texts of the leaderboard: how to read it, and what it says where there are no votes."""

HOW_TO_READ = """<ul class="reading">
<li><b data-say>Rating</b>: <span data-say>A Bradley-Terry model, fitted to all votes at once; the
mean of all models is 1000. 400 points more mean ten times the odds of winning. A tie or “both bad”
pulls two ratings together, by less than a win would.</span></li>
<li><b data-say>95 % interval</b>: <span data-say>Where the rating would be in 95 of 100
repetitions with as many votes (bootstrap). Models whose intervals overlap may well be equally
good.</span></li>
<li><b>#</b>: <span data-say>One more than the number of models that are certainly better: their
whole interval is above this model's. Models that the votes cannot tell apart may share a
rank.</span></li>
<li><b data-say>Not enough votes</b>: <span data-say>A model gets a rank once it has enough votes;
until then its rating may still change a lot.</span></li>
<li><b data-say>Win rate</b>: <span data-say>The mean over its opponents; a tie counts as half a
win. It depends on the opponents; the rating does not.</span></li>
<li><b data-say>Filters</b>: <span data-say>They hide models; ratings and ranks stay the
same.</span></li>
<li><b data-say>Style control</b>: <span data-say>Longer answers or more boxes may win for their own
sake. Style control, among the filters, rates models as if all answers had the same length and
number of boxes.</span></li>
<li><b data-say>Kind of question</b>: <span data-say>Fixed rules tell it from the task and from
words of the question. Votes cast before there were such rules have one only where the task tells
it.</span></li>
<li><b data-say>Judge model</b>: <span data-say>A model that was shown the same images, questions
and answers, in both orders and without names. It never judges its own answers, and changes no
rating by people.</span></li>
<li><b data-say>Automatic</b>: <span data-say>Battles that the program judges, on drawn images
whose ground truth it knows. They are never mixed with people's votes.</span></li>
</ul>"""

AUTOMATIC = (
    '<p class="leaderboard-note judge"><b data-say>Judged by the program, not by people.</b> '
    "<span data-say>It draws the scenes, so it knows the ground truth: boxes are judged by how "
    "much they overlap (IoU), text by whether it is correct. These battles are never mixed with "
    "people's votes.</span></p>"
)

_HOW_TO_VOTE = """<ol>
<li data-say>Open the Arena, choose an image, and write what you want to know.</li>
<li data-say>Two models answer; you do not see which.</li>
<li data-say>Say which did better. You see who they were, and both appear here.</li>
</ol>"""

NO_VOTES = {
    "people": f"<h3 data-say>No votes yet</h3>{_HOW_TO_VOTE}",
    "mine": f"<h3 data-say>You have not voted yet</h3>{_HOW_TO_VOTE}",
    "automatic": "<h3 data-say>No automatic battles yet</h3>"
    "<p data-say>The operator of this page starts them with</p>"
    "<p><code>python -m vlm_demo battles --models A,B</code></p>",
}
"""Shown where nobody has voted, by the voters that were chosen."""

NO_MATCHING_VOTES = (
    "<h3 data-say>No votes of this kind</h3>"
    "<p data-say>Choose another task, language or kind of question, or whole answers.</p>"
)
"""Shown where there are votes, but none that match the filters."""

TOO_FEW_DAYS = (
    '<p class="leaderboard-note" data-say>Lines appear here once there are votes from two days.</p>'
)
"""Shown in place of the plot of ratings over time."""
