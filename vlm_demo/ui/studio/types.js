// What Studio's browser application and the server send each other, for the type checker.
// The same in Python: protocol.py (what is sent to the server), events.py, mentions.py, models.py, start.py.

/** @typedef {{words: string, values: Record<string, string | number>}} Said  a text for people: English template and values */
/** @typedef {[number, number]} Corner */
/** @typedef {{box?: [number, number, number, number], point?: Corner, polygon?: Corner[], further_rings?: Corner[][]}} Region  one of the three; fractions of the picture */
/** @typedef {Region & {confidence: number | null}} AnswerRegion */

/**
 * @typedef {object} Mention
 * @property {string} phrase
 * @property {string} target  which of several things it is; "": there was one, or none
 * @property {[number, number]} span  in `done.plain`, in code points; [0, 0]: not in the text
 * @property {number} image  index into all pictures of the request: those of the history in order, then its own
 * @property {string} colour
 * @property {number[]} dash
 * @property {number | null} confidence  0 to 1
 * @property {"token probability" | "calibrated" | null} kind  which number the confidence is
 * @property {AnswerRegion[]} regions
 */

/** @typedef {{name: string, state: string, count: number, mention: number | null}} Thing */
/** @typedef {{text: string, share: number}} Share */
/** @typedef {{order: string, best: string, share: number}} Order */
/** @typedef {{action: string, label: Said, choice: string}} Remedy */
/** @typedef {{first_token_s: number, seconds: number, tokens: number, tokens_per_s: number}} Timing */

/** @typedef {{type: "waiting", text: Said, stage: Said, share: number | null}} WaitingEvent */
/** @typedef {{type: "text", keep: number, blocks: string[]}} TextEvent  safe HTML, made by the server */
/** @typedef {{type: "notes", items: Said[]}} NotesEvent  what is known before the answer is complete */
/** @typedef {{type: "reasoning", text: string}} ReasoningEvent */
/** @typedef {{type: "mentions", keep: number, items: Mention[]}} MentionsEvent  comes before the text that marks them */
/** @typedef {{type: "things", items: Thing[]}} ThingsEvent */
/** @typedef {{type: "shares", items: Share[], orders: Order[]}} SharesEvent */
/**
 * @typedef {object} DoneEvent
 * @property {"done"} type
 * @property {string} model  the one that answered: an entry of the menu may stand for several
 * @property {string} state  found, none, partly unreadable, unreadable, space unknown
 * @property {string} tone  found, none, unreadable or ""
 * @property {Said[]} notes
 * @property {Remedy[]} remedies  what else can be done, such as asking a larger model
 * @property {Said | null} outcome  of a search
 * @property {string} raw  goes back in the history
 * @property {string[]} raws  of each of several things that were asked for one by one
 * @property {string} plain  the text as written, to copy
 * @property {string | null} stop  finished, length, filtered, cancelled, failed
 * @property {Timing | null} timing
 * @property {string} space
 * @property {{name: string, title: string}[]} space_choices
 */
/** @typedef {{type: "failed", message: Said, remedies: Remedy[], image_gone: string | null}} FailedEvent */
/** @typedef {WaitingEvent | TextEvent | NotesEvent | ReasoningEvent | MentionsEvent | ThingsEvent | SharesEvent | DoneEvent | FailedEvent} AnswerEvent */

/** @typedef {{text: string, raw: string, images?: string[], regions?: Region[]}} EarlierTurn */
/**
 * @typedef {object} AnswerRequest
 * @property {string} turn
 * @property {string} model
 * @property {string} task
 * @property {string} [text]
 * @property {string[]} [targets]
 * @property {string[]} [images]
 * @property {Region[]} [regions]  on the newest picture
 * @property {"auto" | "words" | "marks" | "crops" | "example"} [region_form]
 * @property {EarlierTurn[]} [history]  examples first, then the conversation, oldest first
 * @property {string} [system]
 * @property {string[]} [choices]
 * @property {boolean} [test_orders]
 * @property {string} [pattern]
 * @property {string} [schema]
 * @property {{max_new_tokens?: number, temperature?: number, top_p?: number, top_k?: number, repetition_penalty?: number, seed?: number, thinking?: boolean, visual_tokens?: number}} [sampling]
 * @property {string} [space]
 * @property {{raw: string, raws?: string[]}} [earlier]  an answer that is only read again, in `space`: the model is not asked
 */

/** @typedef {{error: Said, image_gone: string | null}} Refusal  what any call but studio_answer may return instead */
/** @typedef {{id: string, url: string, name: string, width: number, height: number, frames: number, kind: "picture" | "document" | "animation" | "film", times: number[]}} ImageInfo */
/**
 * @typedef {object} ModelInfo
 * @property {string} name
 * @property {string} title
 * @property {string} family
 * @property {string} family_name
 * @property {string} size
 * @property {number | null} parameters
 * @property {number | null} gigabytes
 * @property {string} licence
 * @property {string} commercial
 * @property {string[]} languages
 * @property {"here" | "fits" | "elsewhere" | "servers"} group
 * @property {boolean} loaded
 * @property {Record<string, true | Said>} can  by task: true, or why not
 * @property {boolean} grounds
 * @property {number} max_images
 * @property {boolean} history
 * @property {Said | ""} note
 * @property {boolean} knows_photos
 * @property {"photograph" | "drawn scene" | "screen" | null} made_for  the only kind of picture that it knows
 * @property {string[]} region_forms
 * @property {boolean} writes_regions
 * @property {boolean} thinking
 * @property {number[]} visual_tokens  the resolutions to choose from; []: there is no choice
 * @property {boolean} system  whether it takes a system prompt
 * @property {Record<string, number | null>} sampling  the model's own
 * @property {Said} asked_as
 * @property {Said | ""} obstacle  why it does not run here
 */
/** @typedef {{task: string, text: string}} Suggestion */
/**
 * @typedef {object} Example
 * @property {string} id
 * @property {string} url
 * @property {number} width
 * @property {number} height
 * @property {Record<string, string>} title  by language
 * @property {string} credit
 * @property {"photograph" | "drawn scene" | "screen"} kind
 * @property {Mention[]} mentions
 * @property {Record<string, Suggestion[]>} words  by language
 */

export {};
