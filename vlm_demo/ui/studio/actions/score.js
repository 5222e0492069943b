// Scores an answer against boxes that a person draws on the canvas.
import { fill, h } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { call } from "../api/call.js";
import { documentOf } from "../state/documents.js";
import { withPictures } from "./download.js";
import { createBenchmark } from "./benchmark.js";
import { openPanel } from "./panel.js";

/** @typedef {import("../studio.js").Studio} Studio */
/** @typedef {import("../state/types.js").Answer} Answer */

/**
 * @param {Studio} studio
 * @param {string} turn
 * @param {Answer} answer
 * @param {HTMLElement} extra
 */
export function openScore(studio, turn, answer, extra) {
  /** @type {import("../state/types.js").Region[]} */
  let truth = [];
  studio.setRegions([]);
  studio.onTruth = (regions) => { truth = regions; };
  const result = h("div", { class: "score-result", role: "status" });
  const score = h("button", { type: "button", class: "button primary", onclick: () => void run() }, say("Score the answer"));
  const benchmark = createBenchmark(studio, () => ground(studio, turn, answer, truth));
  const run = async () => {
    if (!truth.length) return fill(result, h("p", {}, say("Draw a box on the image around everything that should have been found.")));
    try {
      const found = await withPictures(studio, answer.pictures, (images) => call("studio_score", [truth, documentOf(studio.store.get().conversation, turn, answer, images, studio.layers())]));
      fill(result, ...describe(found));
    } catch (error) {
      studio.report(error);
    }
    return undefined;
  };
  openPanel(extra, say("Score against ground truth"), [
    h("ol", { class: "steps" }, h("li", {}, say("Draw a box on the image around everything that should have been found.")), h("li", {}, score)), result, benchmark,
  ], () => {
    studio.onTruth = null;
    studio.setRegions([]);
  });
}

/**
 * @param {Studio} studio
 * @param {string} turn
 * @param {Answer} answer
 * @param {import("../state/types.js").Region[]} truth
 */
const ground = (studio, turn, answer, truth) => withPictures(studio, answer.pictures, (images) => Promise.resolve({
  truth, answer: documentOf(studio.store.get().conversation, turn, answer, images, studio.layers()),
}));

/** @param {any} found precision, recall and mean IoU, and what became of each box that was drawn */
function describe({ precision, recall, mean_iou: meanIou, regions = [] }) {
  const figures = [[say("Precision"), precision], [say("Recall"), recall], [say("Mean IoU"), meanIou]];
  return [
    h("dl", { class: "figures" }, ...figures.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value === null || value === undefined ? "–" : value.toFixed(2))))),
    h("ol", {}, ...regions.map((/** @type {any} */ one) => h("li", { data: { hit: String(Boolean(one.hit)) } }, one.found === false ? say("nothing found here") : say("IoU {overlap}", { overlap: (one.iou ?? one.overlap ?? 0).toFixed(2) })))),
  ];
}
