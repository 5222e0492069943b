"""Word lists: the closed classes of English, and the open ones as far as captions need them."""

from __future__ import annotations

from vlm_demo.analysis.phrases.phrase import word_set

DETERMINERS = word_set(
    "a an the this that these those his her its their my your our some any each every either "
    "another other both all several many few various multiple numerous more most enough such "
    "what which whose"
)
NEGATIONS = word_set("no without neither nor lacks lack lacking lacked")
NOT = word_set(
    "not cannot isn't aren't wasn't weren't don't doesn't didn't can't couldn't hasn't haven't "
    "hadn't won't wouldn't isn’t aren’t wasn’t weren’t don’t doesn’t didn’t can’t couldn’t "
    "hasn’t haven’t hadn’t won’t wouldn’t never"
)
NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
BE = word_set(
    "is are was were be been being am 's 're isn't aren't wasn't weren't isn’t aren’t looks look "
    "seems seem appears appear becomes become"
)
PREPOSITIONS = word_set(
    "about above across after against along alongside amid among amongst around as at atop before "
    "behind below beneath beside besides between beyond by despite down during except for from in "
    "inside into like near nearby next of off on onto opposite out outside over past per round "
    "since than through throughout to toward towards under underneath until up upon via with "
    "within"
)
CLOSED = word_set(
    "and or but so if because while when where how why whether though although then yet "
    "i you he she it they we me him us them mine yours hers ours theirs who whom whoever "
    "himself herself itself themselves myself yourself one ones none there here "
    "something anything nothing everything someone anyone everyone nobody somebody "
    "has have had having do does did done can could will would shall should may might must "
    "let lets please yes no okay ok sure certainly sorry hello hi hey thanks thank welcome "
    "am is are was were be been being not cannot "
    "very quite rather also too only just even still already almost about again together apart "
    "away else ever perhaps maybe however therefore well indeed instead otherwise alone "
    "today now soon later often always sometimes "
    "visible present absent available located situated positioned placed shown seen pictured "
    "depicted surrounded based able likely unlikely possible impossible due instance"
)
COLOURS = word_set(
    "red orange yellow green blue purple pink brown black white gray grey golden silver beige tan "
    "teal turquoise violet maroon navy cyan magenta colorful colourful"
)
ADJECTIVES = COLOURS | word_set(
    "big small large little tiny huge tall short long wide narrow thick thin round flat old young "
    "new modern ancient bright dark pale clear cloudy sunny clean dirty wet dry hot cold warm cool "
    "empty full open closed broken beautiful pretty nice cute lovely happy sad angry busy quiet "
    "wooden plastic rocky sandy grassy snowy muddy dusty leafy curly furry fluffy "
    "shiny smooth rough soft hard heavy plain simple main same different similar single whole "
    "entire upper lower high low near far close real fake fresh ripe raw rusty friendly "
    "elderly ugly silly early wild tame sharp blunt strong weak leftmost rightmost topmost "
    "bottommost largest smallest biggest tallest good bad great delicious stationary ready"
)
"""Adjectives; one that stands alone, as in "the car is red", is no phrase."""

ABSTRACT = word_set(
    "image images picture pictures photo photos photograph scene scenes background foreground view "
    "side sides left right top bottom middle center centre corner corners edge edges front back "
    "rear end number numbers color colors colour colours shape shapes size sizes kind type sort "
    "way lot lots part parts area areas distance time times day position positions object objects "
    "thing things item items total style quality addition example question answer presence sign "
    "evidence close-up closeup atmosphere mood description caption variety couple group pair set "
    "series row half degree direction location detail details order purpose fact case point "
    "north south east west focus action appearance activity use bit rest contrast feeling sense"
)
"""Nouns that name nothing to draw a box around; a phrase with such a head is left out."""

QUANTITIES = {
    "pair": 2, "couple": 2, "lot": None, "lots": None, "number": None, "variety": None,
    "kind": None, "type": None, "sort": None, "kinds": None, "types": None, "series": None,
    "group": None, "set": None, "row": None, "plenty": None, "bit": None, "dozens": None,
    "collection": None, "part": None, "hundreds": None,
}  # fmt: skip
"""Heads before "of" that only say how much there is of what follows."""

HOLDERS = word_set(
    "bunch bunches cup cups glass glasses bottle bottles bowl bowls plate plates piece pieces "
    "slice slices pile piles stack stacks herd flock crowd vase basket baskets bag bags can cans "
    "pot pots loaf bouquet sheet sheets box boxes jar jars carton ball balls"
)
"""Heads before "of" that name one thing together with what follows: "a bunch of grapes"."""

PLURALS = word_set("people men women children geese feet teeth mice police cattle")

NOT_VERBS = word_set(
    "building buildings ceiling ceilings painting paintings string strings ring rings king kings "
    "wing wings clothing railing awning swing swings spring springs drawing drawings earring "
    "earrings wedding lightning morning evening thing things sling icing topping toppings seating "
    "lighting flooring bedding crossing pudding dumpling dumplings duckling sibling siblings "
    "nothing something viking sterling bed beds shed sheds sled sleds seed seeds weed weeds steed "
    "reed red moped breed hundred watershed riverbed naked wicked sacred rugged fly family belly "
    "jelly butterfly lily ally assembly bully dragonfly firefly housefly trolley"
)
"""Words that end like a verb or an adverb and are neither."""

BASE_VERBS = word_set(
    "sit stand lie lay walk run ride hold wear carry play eat drink look watch stare gaze smile "
    "laugh hang lean rest sleep fly swim jump climb drive park cover fill contain show feature "
    "include have display depict overlook face touch reach pull push throw catch kick hit swing "
    "cut cook serve read write talk speak cross pass move turn point grow bloom float sail travel "
    "wait work use make take get give put set keep see find need want seem appear become go come "
    "leave enter surround decorate wrap tie attach mount place locate situate position arrange "
    "line fall rise shine reflect cast stretch extend lead follow chase feed graze perch pose "
    "hug kiss shake wave fight ski surf skate skateboard snowboard bend crouch kneel squat dance "
    "sing bark spread share mix top dress belong consist dominate enjoy say mean indicate suggest "
    "describe mention create add help try start stop begin prepare drop fold open close connect "
    "support protect approach gather occur happen exist remain stay lend roll slide spin count"
)
PAST = word_set(
    "sat stood lay lain ran ridden rode held wore worn ate eaten drank drunk hung slept flew flown "
    "swam drove driven threw thrown caught grew grown made took taken got gave given kept saw seen "
    "found went came gone left fell fallen rose risen shone led followed fed knelt bent sang said "
    "meant began broken built known"
)


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}s"


THIRD_PERSON = frozenset(map(_third_person, BASE_VERBS))
