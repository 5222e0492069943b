// What Studio holds in the browser. The parts that go over the wire are as in ../protocol.py.

/**
 * A text that is translated here: a template and the values of its gaps, or words that a server gave.
 * @typedef {{words: string, values?: Record<string, any>} | string} ServerText
 */

/**
 * One of them; fractions of the picture, origin top left.
 * @typedef {{box?: number[], point?: number[], polygon?: number[][], further_rings?: number[][][], confidence?: number | null,
 *   outline?: Region}} Region `outline`: what its layer shows in its place while it shows outlines
 */

/**
 * A phrase of an answer with its regions. `image` counts the pictures of the request, those of its history first.
 * `track`: it is a thing that was followed through a film.
 * @typedef {{phrase: string, target?: string, track?: boolean, span?: number[] | null, image: number, colour: string, dash: number[],
 *   confidence: number | null, kind: string | null, regions: Region[]}} Mention
 */

/** @typedef {{name: string, state: string, count: number, mention: number | null}} Thing */
/** @typedef {{action: string, label: ServerText, choice?: string}} Remedy */
/** @typedef {{message: ServerText, remedies: Remedy[]}} Problem */
/** @typedef {"chat" | "caption" | "detailed_caption" | "grounded_caption" | "vqa" | "grounding" | "detect" | "describe_region" | "read"} Task */
/** @typedef {"waiting" | "growing" | "done" | "failed" | "stopped"} Status */
/** What a file is. @typedef {"picture" | "document" | "animation" | "film"} PictureKind */

/**
 * A picture of a conversation. Its bytes lie in the browser's database under `key`, unless it is an example, the `frame`
 * or page (from 0) of another picture, its `origin`, or comes from an `address` of the web. `times` are seconds, of each frame.
 * @typedef {{key: string, name: string, blob: Blob | null, example: string | null, width: number, height: number, frames: number, kind?: PictureKind, imageKind?: string | null, times?: number[], origin?: string, frame?: number, address?: string,
 *   serverId: string | null, url: string | null, status: "new" | "uploading" | "ready" | "failed" | "gone",
 *   share: number, problem: ServerText | null}} Picture
 */

/**
 * What the options of the composer change; what is left out is as the model has it.
 * @typedef {{max_new_tokens?: number, temperature?: number, top_p?: number, top_k?: number, repetition_penalty?: number,
 *   seed?: number, thinking?: boolean, choices?: string[], test_orders?: boolean, pattern?: string, schema?: string,
 *   system?: string, region_form?: string, space?: string, visual_tokens?: number}} Options
 */

/**
 * `merged`: no model gave it, it holds the boxes in which several answers of its turn agree; `corrected`: a person has
 * corrected it, so that fine-tuning may learn from it (vlm_demo/training/data/readers/conversation.py); `answeredBy`: the model
 * that wrote it, where `model` stands for one of several.
 * @typedef {{id: string, model: string, status: Status, changed: number, blocks: string[], plain: string, raw: string, reasoning: string,
 *   mentions: Mention[], things: Thing[], shares: {text: string, share: number}[], orders: any[], notes: ServerText[], remedies: Remedy[], tone: string,
 *   waiting: {text: ServerText, stage: ServerText, share: number | null} | null, timing: Record<string, number> | null, outcome: ServerText,
 *   raws: string[], stop: string, space: string, spaceChoices: any[], pictures: string[], problem: Problem | null, rating: Rating | null,
 *   earlier: Answer[], version: number, merged?: boolean, corrected?: boolean, answeredBy?: string, film?: FilmFinding}} Answer
 */

/**
 * What was found through a film, the picture `root`; of its frames, `total` are looked at; `place`: which of the strip it is,
 * where it is not the one with the same number.
 * @typedef {{root: string, total: number, frames: {index: number, seconds: number, place?: number}[],
 *   tracks: {id: number, label: string, boxes: {frame: number, box: Region, confidence: number | null, is_estimated: boolean}[]}[]}} FilmFinding
 */

/** @typedef {{verdict: "up" | "down" | "flag", reason: string}} Rating */

/**
 * `part`: it is one of several, each of which asks the same about another picture; `film`: the film through which things are looked for.
 * @typedef {{id: string, task: Task, text: string, targets: string[], regions: Region[], pictures: string[], options: Options,
 *   model: string, answers: Answer[], created: number, changed: number, part?: {index: number, count: number} | null, film?: string | null}} Turn
 */

/** A few-shot example: a question with its pictures and the answer wished for. @typedef {{text: string, answer: string, pictures: string[]}} Shot */

/**
 * `deleted` says when turns were deleted, so that another window does not bring them back.
 * @typedef {{id: string, title: string, created: number, changed: number, pictures: Picture[], turns: Turn[], shown: string | null,
 *   layers: {hidden: string[], shown: string[], deleted: string[], outlined?: string[]}, shots: Shot[], deleted: Record<string, number>}} Conversation
 */

/**
 * What the canvas draws of one phrase or thing of an answer, with the mentions that are on the picture. `index` says
 * which mention of its answer each is. `pending`: its answer still grows; `listed`: it
 * belongs to a search, to the newest answer, or to one that a person asked to see.
 * @typedef {{id: string, turn: string, answer: string, phrase: string, colour: string, dash: number[], count: number,
 *   visible: boolean, listed: boolean, pending: boolean, found: boolean, outlined: boolean, outlinable: boolean, mentions: (Mention & {index: number})[]}} Layer
 */

/** @typedef {{id: string, title: string, changed: number, turns: number}} Summary */
/** @typedef {"chat" | "caption" | "ask" | "find" | "describe" | "read" | "detect"} Mode */

/**
 * What is being written. `editing` is the turn that it will replace; `auto`: the mode was chosen by marking a region;
 * `asking`: a person is asked whether to send it without a picture; of the pictures, those `left` do not go with it; `inTurn`:
 * each is asked about by itself; `oneFrame`: of a film, things are looked for in the shown frame only.
 * @typedef {{mode: Mode, style: string, text: string, tags: string[], pictures: string[], regions: Region[], options: Options,
 *   left?: string[], inTurn?: boolean, oneFrame?: boolean, editing: string | null, auto: boolean, asking: boolean, problem: Problem | null}} Draft
 */

/**
 * @typedef {{start: any, model: string, conversation: Conversation, list: Summary[], readOnly: boolean, draft: Draft,
 *   drawer: {name: string, turn?: string, answer?: string} | null, notices: Notice[], running: string[],
 *   pointed: {turn: string, answer: string, mention: number} | null}} State
 */

/** A message that stays until it is put away. @typedef {{id: string, text: ServerText, action?: {label: ServerText, run: () => void}}} Notice */

export {};
