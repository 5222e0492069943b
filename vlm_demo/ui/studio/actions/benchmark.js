// The visitor's own benchmark: answers that were scored become its questions.
import { fill, h, setText } from "../../components/dom.js";
import { say } from "../../i18n/say.js";
import { call } from "../api/call.js";

/** @typedef {import("../studio.js").Studio} Studio */

/**
 * @param {Studio} studio
 * @param {() => Promise<any>} collect gathers the ground truth and the answer
 */
export function createBenchmark(studio, collect) {
  const count = h("span", { class: "hint", role: "status" }), board = h("div");
  const act = (/** @type {string} */ name, /** @type {unknown} */ content = null) => async () => {
    try {
      const given = name === "add" ? await collect() : content;
      const { questions, url, name: file, standings = [] } = await call("studio_benchmark", [name, given]);
      setText(count, questions === 1 ? say("1 question") : say("{count} questions", { count: questions ?? 0 }));
      fill(board, standings.length ? standingsTable(studio, standings) : null);
      if (url) h("a", { href: studio.address(url), download: file }).click();
    } catch (error) {
      studio.report(error);
    }
  };
  const button = (/** @type {string} */ label, /** @type {string} */ name) => h("button", { type: "button", class: "button", onclick: act(name) }, label);
  return h("div", { class: "benchmark" }, h("h4", {}, say("Your benchmark")), count, h("div", { class: "row" }, button(say("Add to benchmark"), "add"), button(say("Download"), "download"), button(say("Clear"), "clear")), board);
}

/**
 * @param {Studio} studio
 * @param {any[]} standings
 */
function standingsTable(studio, standings) {
  const heads = [say("Model"), say("Mean IoU"), say("Hits"), say("Wrong boxes"), say("Questions")];
  const figure = (/** @type {number | null} */ value) => (value === null || value === undefined ? "–" : value.toFixed(2));
  return h(
    "table", { class: "figures-table" }, h("thead", {}, h("tr", {}, ...heads.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, ...standings.map((row) => h("tr", {}, h("th", { scope: "row" }, studio.titleOfModel(row.model)), ...[figure(row.mean_iou), figure(row.hit_rate), row.extra, row.questions].map((value) => h("td", {}, String(value)))))),
  );
}
