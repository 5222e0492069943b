/**
 * What the server says of evaluations; see `board.py`.
 *
 * @typedef {import("../../i18n/say.js").Text} Text
 * @typedef {object} Benchmark
 * @property {string} name
 * @property {string} title
 * @property {string} measure
 * @property {number} full what the measure is where all answers are right
 * @property {string} rule
 * @property {string} source
 * @property {number} n questions
 * @property {string[]} tasks
 *
 * @typedef {object} Cell
 * @property {string} run
 * @property {number | null} score
 * @property {number | null} low
 * @property {number | null} high
 * @property {number} n
 * @property {number} failed
 * @property {number} unscored
 * @property {string} date
 * @property {string} processor
 * @property {string} version
 * @property {Record<string, number>} measures
 * @property {Text | null} other why it cannot be compared
 *
 * @typedef {object} Row a model in a number format
 * @property {string} key
 * @property {string} model
 * @property {string} title
 * @property {string} family
 * @property {string} format
 * @property {number | null} parameters
 * @property {string} size
 * @property {string} licence
 * @property {string} commercial
 * @property {"open" | "closed" | "server"} weights
 * @property {boolean} usable
 * @property {Record<string, Cell>} cells by the benchmark's name
 *
 * @typedef {{benchmark: string, title: string, model: string, score: number, full: number, measure: string, rule: string, source: string}} Figure
 * @typedef {{benchmark: string, model: string, answered: number, questions: number | null}} Unfinished
 * @typedef {{benchmark: string, model: string, state: "running" | "stopping" | "done" | "stopped" | "failed", problem: string,
 *   answered: number | null, questions: number | null}} Job
 *
 * @typedef {object} Board
 * @property {Benchmark[]} benchmarks
 * @property {Row[]} rows
 * @property {Unfinished[]} unfinished
 * @property {Figure[]} published
 * @property {Record<string, [number, number]>} sizes
 * @property {string[]} problems
 * @property {boolean} may_run
 * @property {{name: string, title: string}[]} models
 * @property {Job | null} job
 *
 * @typedef {{label: string, box: [number, number, number, number], confidence?: number | null}} LabelledBox
 * @typedef {object} Question
 * @property {string} id
 * @property {string} group
 * @property {string} task
 * @property {string} question
 * @property {string} answer
 * @property {string} prediction
 * @property {number | null} score
 * @property {string} error
 * @property {string} judgement
 * @property {LabelledBox[]} boxes
 * @property {string} truth
 * @property {LabelledBox[]} truth_boxes
 * @property {number} pictures
 *
 * @typedef {{size: string, licence: string, family: string, weights: string, format: string}} Filters "" lets all through
 */

export {};
