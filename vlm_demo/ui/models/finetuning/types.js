// What the server says of fine-tuning (`ui/models/finetuning/displayed.py`).

/** @typedef {import("../../i18n/say.js").Text} Text */

/**
 * @typedef {{name: string, title: string, obstacle: Text}} Learner `obstacle` says why it cannot learn; "": it can
 * @typedef {{text: string, role: "prompt" | "learned" | "avoided"}} Part
 * @typedef {{source: string, problem: string, parts: Part[], pictures: string[]}} Example
 * @typedef {{count: number, notes: string[], examples: Example[]}} Preview
 * @typedef {Record<string, number | null>} Scores
 * @typedef {{new: Scores, old: Scores} | null} ScorePair
 * @typedef {"finished" | "lost" | "stopped" | "failed"} Outcome
 * @typedef {{model: string, name: string, is_running: boolean, is_stopping: boolean, is_listed: boolean, can_go_on: boolean,
 *   can_be_listed: boolean, stage: string | null, done: number | null, total: number | null, steps: number | null,
 *   losses: [number, number][], before: ScorePair, after: ScorePair, notes: string[], outcome: Outcome | null, text: string}} Run
 */

export {};
